"""Asking a dispatcher for periods, and following the run to its end."""

from typing import Any

from rich.console import Console

from ingest.coverage import MISSING
from ingest.local.client import DispatchClient
from ingest.local.report import (
    failures,
    failures_table,
    outcomes_table,
    plan_table,
    skips_clause,
)
from ingest.local.status import coverage_of
from ingest.local.terminal import progress


def only_missing(client: DispatchClient, request: dict[str, Any]) -> dict[str, Any] | None:
    """Return the request for what the lake lacks of what is asked for, or None: nothing.

    A date or a start is asked for as it is: dispatch skips what is stored. Without, it is the
    range from the oldest to the newest of what is missing from the feed's keep_from on.
    """
    if request.keys() & {"date", "start"}:
        return request
    feed = request.get("feed") or client.dispatch({"dry_run": True}).feed
    until = {name: request[name] for name in ("end",) if name in request}
    [found] = coverage_of(client.coverage(feed=feed, **until)).feeds
    missing = [period.period for period in found.periods if period.state in MISSING]
    return {"feed": feed, "start": missing[0], "end": missing[-1]} if missing else None


def show_plan(console: Console, client: DispatchClient, request: dict[str, Any]) -> None:
    """Print what a request would come to, period by period; nothing is published."""
    planned = client.dispatch(request | {"dry_run": True})
    console.print(plan_table(planned))
    count = len(planned.dispatched)
    console.print(f"{planned.feed}: {count:,} to dispatch, {skips_clause(planned)}")


def backfill(
    console: Console, client: DispatchClient, request: dict[str, Any], timeout: float
) -> bool:
    """Send a request and follow its run, for `timeout` seconds at most.

    Returns whether all went well; a file that its source does not have yet is no failure.
    """
    planned = client.dispatch(request)
    total = len(planned.dispatched)
    console.print(f"{planned.feed}: {total:,} dispatched, {skips_clause(planned)}")
    if not total:
        return True
    console.print(f"run {planned.run}")
    with progress(console, "finished", total) as tell:
        for run in client.follow(planned.run, timeout, on_silence=console.print):
            tell(run.finished)
    console.print(outcomes_table(run))
    failed = failures(run)
    if failed:
        console.print(failures_table(failed))
    if not run.done:
        console.print(
            f"Not finished after {timeout:g} s. The run goes on without this command: "
            f"{client.url}/runs/{run.run} tells how far it is."
        )
    return run.done and not failed
