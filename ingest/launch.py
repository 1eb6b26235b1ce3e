"""Publishing a run whose manifest is written, and telling what became of it."""

from collections.abc import Callable, Mapping
from contextlib import suppress

import msgspec

from ingest.deadline import Deadline
from ingest.lake import Lake, PreconditionError
from ingest.logs import emit
from ingest.messages import Message, Mode
from ingest.publish import Publisher
from ingest.runs import Manifest, write_manifest


def publish_run(
    lake: Lake,
    publisher: Callable[[], Publisher],
    manifest: Manifest,
    generation: int,
    modes: Mapping[str, Mode],
    deadline: Deadline,
) -> dict[str, str]:
    """Publish a message a period of `modes`; `generation` is that of the manifest.

    Returns why, by period key, Pub/Sub did not take some of them; the manifest names those as
    well. Raises RetryError where that cannot be written.
    """
    messages = [
        Message(v=1, feed=manifest.feed, period=key, run=manifest.run, mode=mode)
        for key, mode in modes.items()
    ]
    # Half of what is left: the rest is for saying in the manifest what was not taken.
    failed = publisher().publish(messages, deadline.left() / 2) if messages else {}
    if tuple(failed) != manifest.unpublished:
        renewed = msgspec.structs.replace(manifest, unpublished=tuple(failed))
        with suppress(PreconditionError):  # the same call's other copy has said it
            write_manifest(lake, renewed, generation, deadline)
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


def not_taken(failed: Mapping[str, str], asked: int) -> str:
    """Say that Pub/Sub did not take so many of the messages, and why."""
    reasons = ", ".join(sorted({*failed.values()}))
    return f"Pub/Sub did not take {len(failed)} of {asked} messages ({reasons})"
