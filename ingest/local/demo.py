"""The demo: the main job, from one request to compressed, verified objects."""

import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from ingest.errors import LakefillError
from ingest.local.client import DispatchClient
from ingest.local.compare import Comparison, compare_all
from ingest.local.options import Options
from ingest.local.report import failures_table
from ingest.local.stack import Stack
from ingest.local.terminal import print_pairs, progress, shown

_BUCKET = "demo"
_LONGEST_SECONDS = 600.0


class DemoError(LakefillError):
    """The job was not done; the message says what is missing."""


def run_demo(console: Console, options: Options, date: str) -> None:
    """Bring a stack up, have it ingest the periods of `date`, and compare every object.

    Raises LakefillError where anything is missing or differs.
    """
    stack = Stack(replace(options, bucket=_BUCKET, fresh=True))
    left = stack.lake.exists()
    console.print(
        "Starting the object server, the sample source, Pub/Sub, worker and dispatch."
    )
    with stack:
        if left:
            console.print(f"Removed {shown(stack.lake)}/, the lake of the run before.")
        seconds = _ingest(console, stack, date)
        comparisons = _verify(console, stack)
        _report(console, stack, comparisons, seconds)


def _ingest(console: Console, stack: Stack, date: str) -> float:
    """Ask for the periods and wait for them; return the seconds that took."""
    started = time.monotonic()
    with DispatchClient(stack.url) as client:
        planned = client.dispatch({"date": date})
        total = len(planned.dispatched)
        console.print(f'POST {stack.url}/ {{"date": "{date}"}}: {total} messages published.')
        with progress(console, "stored", total) as tell:
            for run in client.follow(planned.run, _LONGEST_SECONDS, watch=stack.check):
                tell(run.finished)
    missing = [period for period in run.periods if period.outcome != "stored"]
    if missing:
        console.print(failures_table(missing))
        raise DemoError(
            f"{len(missing)} of {total} files were not stored; {shown(stack.log('worker'))} "
            "has a line for each attempt"
        )
    return time.monotonic() - started


def _verify(console: Console, stack: Stack) -> list[Comparison]:
    """Read every object back and compare it with its source."""
    blobs = [
        blob for blob in stack.bucket.list_blobs() if "lakefill-sha256" in (blob.metadata or {})
    ]
    comparisons = []
    with progress(console, "verified", len(blobs)) as tell:
        for comparison in compare_all(blobs):
            stack.check()
            comparisons.append(comparison)
            tell(len(comparisons))
    different = [comparison.name for comparison in comparisons if not comparison.same]
    if different:
        raise DemoError(f"not what the source serves: {', '.join(different)}")
    return comparisons


def _report(
    console: Console, stack: Stack, comparisons: Sequence[Comparison], seconds: float
) -> None:
    source = sum(comparison.source_bytes for comparison in comparisons)
    stored = sum(comparison.stored_bytes for comparison in comparisons)
    hashes = len({comparison.sha256 for comparison in comparisons})
    first = stack.lake / comparisons[0].name
    lakefill = shown(Path(sys.executable).with_name("lakefill"))
    facts = [
        ("files", f"{len(comparisons)}, of {hashes} different SHA-256"),
        ("bytes in", f"{source / 1e6:,.1f} MB"),
        ("bytes out", f"{stored / 1e6:,.1f} MB, {source / stored:.1f} : 1"),
        ("time", f"{seconds:.1f} s, {source / 1e6 / seconds:.0f} MB/s"),
        ("lake", f"{shown(stack.lake)}/"),
        ("log", shown(stack.log("worker"))),
    ]
    console.print("Every object, unzipped, is what the source serves.", style="bold green")
    print_pairs(console, facts)
    console.print("Try next", style="bold")
    example = """curl -d '{"date": "2023-06-03"}' http://localhost:8080"""
    for line in (f"zcat {shown(first)} | head -3", f"{lakefill} up", example):
        console.print(f"  {line}")
