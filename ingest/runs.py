"""Runs: the manifest of what was asked for, and the outcome of each period.

`_lakefill/runs/{run}.json` is written before the first message is published;
`_lakefill/runs/{run}/{period}.json` when a period has a final outcome. The outcome is in that
object's metadata too, so that following a run is one listing; and what a run published is in
its manifest's, where there is room, so that finding what is under way is another.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from ingest.deadline import Deadline
from ingest.errors import RetryError
from ingest.feed import RESERVED_PREFIX
from ingest.job import Job
from ingest.lake import Lake, StoredObject
from ingest.messages import Mode
from ingest.storage import PreconditionError
from ingest.times import iso

FinalOutcome = Literal[
    "stored", "unchanged", "revised", "not_yet", "absent", "rejected", "failed"
]
_SUCCESSES = frozenset({"stored", "unchanged", "revised"})
_TRIES = 5
# Longer lists are read from the manifest itself; in characters. An object's metadata has room
# for 8 KiB in Cloud Storage. The local stack keeps it in a file's attributes, where ext4 has
# less than 4 KiB: beyond, fake-gcs-server lists nothing of the folder (seen in wheel 0.1.1).
_LONGEST_LIST = 2500


class Manifest(msgspec.Struct, frozen=True):
    """What one request came to: periods to publish with their modes, and those left alone.

    `unpublished` are the periods that Pub/Sub did not take, known once publishing has ended.
    """

    run: str
    feed: str
    created: str
    dispatched: dict[str, Mode]
    skipped: dict[str, str]
    unpublished: tuple[str, ...] = ()
    v: Annotated[int, msgspec.Meta(ge=1, le=1)] = 1

    @property
    def published(self) -> set[str]:
        """The periods that Pub/Sub took, as far as is known."""
        return self.dispatched.keys() - {*self.unpublished}


def manifest_name(run: str) -> str:
    """Return the name of a run's manifest."""
    return f"{RESERVED_PREFIX}runs/{run}.json"


def write_manifest(lake: Lake, manifest: Manifest, generation: int, deadline: Deadline) -> int:
    """Write a manifest over the generation seen (0: none); return the new generation.

    Raises PreconditionError where another request wrote it meanwhile.
    """
    return lake.write_json(
        manifest_name(manifest.run),
        msgspec.to_builtins(manifest),
        generation=generation,
        deadline=deadline,
        metadata=_metadata(manifest),
    )


def _metadata(manifest: Manifest) -> dict[str, str]:
    metadata = {"lakefill-feed": manifest.feed, "lakefill-created": manifest.created}
    published = ",".join(sorted(manifest.published))
    return metadata | (
        {"lakefill-published": published} if len(published) <= _LONGEST_LIST else {}
    )


def create_manifest(lake: Lake, manifest: Manifest, deadline: Deadline) -> tuple[Manifest, int]:
    """Write a run's manifest where there is none; return the one there is, and its generation.

    Another's is what a copy of the same scheduled call wrote first. The own one may be there
    already when it is written: the answer to the first try was lost, and the client tried
    again.
    """
    try:
        return manifest, write_manifest(lake, manifest, 0, deadline)
    except PreconditionError:
        found = read_manifest(lake, manifest.run, deadline)
    if found is None:
        raise RetryError("raced", f"{manifest_name(manifest.run)} was there and is gone")
    return found


def read_manifest(lake: Lake, run: str, deadline: Deadline) -> tuple[Manifest, int] | None:
    """Return a run's manifest and its generation, or None where there is none.

    Raises RetryError where it cannot be read.
    """
    found = lake.read_json(manifest_name(run), deadline)
    if found is None:
        return None
    try:
        return msgspec.convert(found[0], Manifest), found[1]
    except msgspec.ValidationError as error:
        raise RetryError("storage", f"{manifest_name(run)} is no manifest: {error}") from None


def record_outcome(
    lake: Lake,
    job: Job,
    *,
    outcome: FinalOutcome,
    fields: Mapping[str, Any],
    now: datetime,
    deadline: Deadline,
) -> None:
    """Write a period's final outcome in its run.

    A later outcome of the same run replaces an earlier one, but a duplicate that found
    nothing to do (`unchanged`) does not. Raises RetryError where that cannot be done.
    """
    name = _outcome_name(job)
    record = {
        "v": 1,
        "run": job.run,
        "feed": job.feed.name,
        "period": job.period.key,
        "mode": job.mode,
        "outcome": outcome,
        "at": iso(now),
        **fields,
    }
    metadata = {"lakefill-outcome": outcome, "lakefill-reason": str(fields.get("reason") or "")}
    generation = 0
    for _ in range(_TRIES):
        try:
            lake.write_json(
                name, record, generation=generation, deadline=deadline, metadata=metadata
            )
            return
        except PreconditionError:
            found = lake.find(name, deadline)
        if found is None:
            generation = 0
        elif (before := found.metadata.get("lakefill-outcome")) == outcome or (
            outcome == "unchanged" and before in _SUCCESSES
        ):
            return
        else:
            generation = found.generation
    raise RetryError("raced", "other workers keep writing the outcome")


def succeeded(lake: Lake, job: Job, deadline: Deadline) -> bool:
    """Tell whether the run has the period on record as done with; may raise RetryError.

    That is the last thing that a delivery writes: nothing of it is left to be done then.
    """
    found = lake.find(_outcome_name(job), deadline)
    return found is not None and found.metadata.get("lakefill-outcome") in _SUCCESSES


def read_outcomes(lake: Lake, run: str, deadline: Deadline) -> dict[str, dict[str, str]]:
    """Return `outcome` and, where there is one, `reason`, of each period that is final."""
    prefix = f"{RESERVED_PREFIX}runs/{run}/"
    return {
        found.name.removeprefix(prefix).removesuffix(".json"): {
            name: value
            for name in ("outcome", "reason")
            if (value := found.metadata.get(f"lakefill-{name}"))
        }
        for found in lake.list(prefix, deadline)
    }


def _outcome_name(job: Job) -> str:
    return f"{RESERVED_PREFIX}runs/{job.run}/{job.period.key}.json"


@dataclass(frozen=True, slots=True)
class RunSeen:
    """A run as a listing shows it; `published` is None where there was no room for it."""

    run: str
    feed: str
    created: str
    published: frozenset[str] | None

    def published_periods(self, lake: Lake, deadline: Deadline) -> Collection[str]:
        """Return what the run has published; raise RetryError where it cannot be read."""
        if self.published is not None:
            return self.published
        found = read_manifest(lake, self.run, deadline)
        return () if found is None else found[0].published


def recent_runs(lake: Lake, since: str, deadline: Deadline) -> Iterator[RunSeen]:
    """Yield each run whose name sorts from `since` on, by its manifest."""
    found = lake.list(
        f"{RESERVED_PREFIX}runs/",
        deadline,
        fields="name,metadata",
        start=f"{RESERVED_PREFIX}runs/{since}",
        delimiter="/",  # the outcomes below each run may be very many
    )
    for manifest in found:
        seen = _of_metadata(manifest) or _of_content(lake, manifest, deadline)
        if seen is not None:
            yield seen


def _of_metadata(found: StoredObject) -> RunSeen | None:
    feed, created = (found.metadata.get(f"lakefill-{name}") for name in ("feed", "created"))
    if feed is None or created is None:
        return None
    published = found.metadata.get("lakefill-published")
    return RunSeen(
        run=found.name.removeprefix(f"{RESERVED_PREFIX}runs/").removesuffix(".json"),
        feed=feed,
        created=created,
        published=None if published is None else frozenset(published.split(",")),
    )


def _of_content(lake: Lake, found: StoredObject, deadline: Deadline) -> RunSeen | None:
    """Read a manifest that was copied without its metadata; None where it is none."""
    record = lake.read_json(found.name, deadline)
    try:
        manifest = msgspec.convert(record[0] if record else None, Manifest)
    except msgspec.ValidationError:
        return None
    published = frozenset(manifest.published)
    return RunSeen(manifest.run, manifest.feed, manifest.created, published)
