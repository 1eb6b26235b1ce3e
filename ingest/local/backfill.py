"""Asking a dispatcher for periods, and following the run to its end."""

from typing import Any

from rich.console import Console

from ingest.local.client import DispatchClient
from ingest.local.report import (
    failures,
    failures_table,
    outcomes_table,
    plan_table,
    skips_clause,
)
from ingest.local.terminal import progress


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
