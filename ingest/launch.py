"""Publishing a run whose manifest is written, and telling what became of it."""

from collections.abc import Mapping

import msgspec

from ingest.deadline import Deadline
from ingest.errors import RetryError
from ingest.lake import Lake
from ingest.logs import emit
from ingest.messages import Message, Mode
from ingest.publish import Publisher
from ingest.runs import Manifest, read_manifest, write_manifest
from ingest.storage import PreconditionError

# What writing the manifest may take once publishing has used its time up, in seconds.
_LAST_WORD_SECONDS = 10.0


def publish_run(
    lake: Lake,
    publisher: Publisher | None,
    manifest: Manifest,
    generation: int,
    modes: Mapping[str, Mode],
    deadline: Deadline,
) -> dict[str, str]:
    """Publish a message a period of `modes`; `generation` is that of the manifest.

    The publisher was made before the manifest was written, which would go on naming periods
    that nobody published where it cannot be made; None publishes nothing.
    Returns why, by period key, Pub/Sub did not take some of them; the manifest names those as
    well, where it can still be written. Raises RetryError where it goes on naming others.
    """
    messages = [
        Message(v=1, feed=manifest.feed, period=key, run=manifest.run, mode=mode)
        for key, mode in modes.items()
    ]
    failed = publisher.publish(messages, deadline) if publisher is not None else {}
    try:
        _note(lake, manifest, generation, tuple(failed), deadline.afresh(_LAST_WORD_SECONDS))
    except RetryError:
        if not failed:
            raise
        # The answer says it all the same.
    emit(
        "run_dispatched",
        f"{manifest.feed}: dispatched {len(messages) - len(failed):,} periods, "
        f"left {len(manifest.skipped):,} alone",
        feed=manifest.feed,
        run=manifest.run,
        dispatched=len(messages) - len(failed),
        failed=len(failed),
        skipped=len(manifest.skipped),
    )
    return failed


def _note(
    lake: Lake,
    manifest: Manifest,
    generation: int,
    unpublished: tuple[str, ...],
    deadline: Deadline,
) -> None:
    """Say in the manifest what was not published."""
    while {*unpublished} != {*manifest.unpublished}:
        try:
            renewed = msgspec.structs.replace(manifest, unpublished=unpublished)
            write_manifest(lake, renewed, generation, deadline)
            return
        except PreconditionError:  # the same call's other copy, which published what it could
            found = read_manifest(lake, manifest.run, deadline)
        if found is None:
            return
        manifest, generation = found
        unpublished = tuple(key for key in manifest.unpublished if key in unpublished)


def not_taken(failed: Mapping[str, str], asked: int) -> str:
    """Say that Pub/Sub did not take so many of the messages, and why."""
    reasons = ", ".join(sorted({*failed.values()}))
    return f"Pub/Sub did not take {len(failed)} of {asked} messages ({reasons})"
