"""A file has arrived whole: what becomes of it, given what is stored."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Literal

from ingest.calendar import shift
from ingest.compress import content_type
from ingest.download import Validators
from ingest.errors import RetryError
from ingest.job import Job, Result, Suspicion
from ingest.lake import Lake, StoredObject
from ingest.storage import PreconditionError
from ingest.times import iso
from ingest.upload import Upload

# How far from a period the nearest stored one is looked for: one page of a listing.
_NEARBY_PERIODS = 52
# Longer ones are not kept: an object's metadata has room for 8 KiB in all.
_LONGEST_VALIDATOR = 1024


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file that arrived, by what the source said of it and what was counted. In bytes."""

    url: str
    status: int
    provable: bool
    validators: Validators
    resumed: int
    bytes: int
    rows: int | None
    sha256: str


def settle(
    lake: Lake,
    upload: Upload,
    job: Job,
    seen: StoredObject | None,
    arrival: Arrival,
    now: datetime,
) -> Result:
    """Publish what was uploaded, or leave it where the lake has it already.

    `seen` is the period's object as it was before. Raises RetryError where another worker
    stored other bytes meanwhile, or where Cloud Storage does not do its part.
    """
    fields: dict[str, object] = {
        "source_status": arrival.status,
        "source_bytes": arrival.bytes,
        "stored_bytes": upload.size,
        "resumed": arrival.resumed,
    }
    if arrival.rows is not None:
        fields["rows"] = arrival.rows
    outcome: Literal["stored", "revised"] = "stored"
    revision, sentence = 0, f"{arrival.bytes:,} bytes arrived, {upload.size:,} are stored"
    if seen is not None and seen.counts:
        revision = seen.revision
        forced = job.mode == "force"
        same = seen.metadata["lakefill-sha256"] == arrival.sha256
        intact = (seen.size, seen.crc32c) == (upload.size, upload.crc32c)
        if same and (intact or not forced):
            if _refresh(lake, job, seen, arrival):
                fields["repaired"] = True
            return Result("unchanged", "the source has the same bytes", fields)
        if forced and (same or intact):
            fields["repaired"] = True
            what = "its recorded hash" if intact else "what was stored"
            sentence = f"{what} was wrong; {sentence}"
        else:
            outcome, revision = "revised", revision + 1
            fields |= {
                "revision": revision,
                "sha256": arrival.sha256,
                "previous_sha256": seen.metadata["lakefill-sha256"],
                "previous_bytes": seen.number("lakefill-source-bytes"),
            }
            sentence = f"the source changed it; {sentence}"
    suspicions = _suspicions(lake, job, arrival)
    try:
        upload.publish(
            job.object_name,
            _metadata(job, arrival, revision, now),
            content_type=content_type(job.feed, job.object_name),
            generation=0 if seen is None else seen.generation,
        )
    except PreconditionError:
        raced = _outcome_of_race(lake, job, arrival)
        # Whoever stored it has said what is odd about it.
        return Result(raced, sentence, fields, {} if raced == "unchanged" else suspicions)
    return Result(outcome, sentence, fields, suspicions)


def _outcome_of_race(
    lake: Lake, job: Job, arrival: Arrival
) -> Literal["stored", "revised", "unchanged"]:
    """Return what it means that another write came first.

    It may be a copy of this message's, an own one whose answer was lost, or another run's. The
    same bytes are success.
    """
    found = lake.find(job.object_name, job.deadline)
    if found is None or found.metadata.get("lakefill-sha256") != arrival.sha256:
        raise RetryError("raced", "another worker stored other bytes meanwhile")
    if found.metadata.get("lakefill-run") != job.run:
        return "unchanged"
    return "revised" if found.revision else "stored"


def _metadata(job: Job, arrival: Arrival, revision: int, now: datetime) -> dict[str, str]:
    return {
        **_facts(job, arrival),
        **_origin(arrival),
        "lakefill-fetched-at": iso(now),
        "lakefill-run": job.run,
        "lakefill-revision": str(revision),
    }


def _facts(job: Job, arrival: Arrival) -> dict[str, str]:
    """Return the metadata that say what the bytes are, whoever brought them and when."""
    facts = {
        "lakefill-feed": job.feed.name,
        "lakefill-period": job.period.key,
        "lakefill-source-bytes": str(arrival.bytes),
        "lakefill-sha256": arrival.sha256,
    }
    if arrival.rows is not None:
        facts["lakefill-rows"] = str(arrival.rows)
    return facts


def _origin(arrival: Arrival) -> dict[str, str]:
    """Return the metadata that say where the bytes were fetched, and as which version."""
    found = {
        "lakefill-source-etag": arrival.validators.etag,
        "lakefill-source-last-modified": arrival.validators.last_modified,
    }
    kept = {k: v for k, v in found.items() if v and len(v) <= _LONGEST_VALIDATOR}
    return {"lakefill-source-url": arrival.url, **kept}


def _refresh(lake: Lake, job: Job, seen: StoredObject, arrival: Arrival) -> bool:
    """Keep the validators of the version that was just seen to be the same.

    What else the metadata say of it is put right; tells whether it was wrong.
    """
    facts = _facts(job, arrival)
    metadata = dict(seen.metadata) | facts | _origin(arrival)
    if metadata != seen.metadata:
        try:
            lake.update_metadata(seen, metadata, job.deadline)
        except PreconditionError:
            raise RetryError("raced", "another worker changed the object meanwhile") from None
    return not facts.items() <= seen.metadata.items()


def _suspicions(lake: Lake, job: Job, arrival: Arrival) -> dict[Suspicion, str]:
    found: dict[Suspicion, str] = {}
    if not arrival.provable:
        found["unprovable"] = "the source gave neither length nor chunks to tell the end by"
    change, nearest = job.feed.checks.size_change, None
    if change is not None:
        with suppress(RetryError):  # a warning that cannot be given keeps nothing out
            nearest = _nearest_bytes(lake, job)
    if change is not None and nearest and abs(arrival.bytes - nearest) / nearest > change:
        found["size"] = f"{arrival.bytes:,} bytes; the nearest stored period has {nearest:,}"
    return found


def _nearest_bytes(lake: Lake, job: Job) -> int | None:
    """Return the size at the source of the stored period that lies nearest, in bytes."""
    calendar, at = job.feed.calendar, job.period.at
    around = [
        *islice(calendar.before(at), _NEARBY_PERIODS + 1),
        *calendar.between(at, shift(at, calendar.cadence, _NEARBY_PERIODS)),
    ]
    names = {job.feed.object_name(p): p for p in around if p != job.period}
    sizes = {
        names[found.name].at: size
        for found in lake.among(names, job.deadline)
        if (size := found.number("lakefill-source-bytes"))
    }
    return sizes[min(sizes, key=lambda other: abs(other - at))] if sizes else None
