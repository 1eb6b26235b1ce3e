"""Asking a dispatcher for periods, and following the run to its end."""

import time
from typing import Any

from rich.console import Console

from ingest.coverage import MISSING
from ingest.local.client import AnswerError, DispatchClient, Run, RunPeriod
from ingest.local.report import (
    failures,
    failures_table,
    outcomes_table,
    plan_table,
    skips_clause,
)
from ingest.local.status import coverage_of, plain
from ingest.local.terminal import progress

# How long nothing may finish until that is explained.
_PATIENCE_SECONDS = 20.0


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
    patience = _Patience(console)
    with progress(console, "finished", total) as tell:
        for run in client.follow(planned.run, timeout, on_silence=console.print):
            tell(run.finished)
            patience.look(run)
    console.print(outcomes_table(run))
    failed = failures(run)
    if failed:
        console.print(failures_table(failed, _messages(client, run.feed, failed)))
    if not run.done:
        console.print(
            f"Not finished after {timeout:g} s. The run goes on without this command: "
            f"{client.url}/runs/{run.run} tells how far it is."
        )
    return run.done and not failed


class _Patience:
    """Says once why nothing finishes: what failed for now is not told by a run's state."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._finished, self._since = 0, time.monotonic()
        self._told = False

    def look(self, run: Run) -> None:
        """See how far the run is."""
        now = time.monotonic()
        if run.finished != self._finished:
            self._finished, self._since = run.finished, now
        if self._told or run.done or now < self._since + _PATIENCE_SECONDS:
            return
        self._told = True
        waiting = [period.period for period in run.periods if period.outcome is None]
        more = f" and {len(waiting) - 1:,} more" if len(waiting) > 1 else ""
        self._console.print(
            f"Still without an outcome: {waiting[0]}{more}. What fails for now is tried again; "
            "the worker's log says why (here, the terminal of `lakefill up`)."
        )


def _messages(client: DispatchClient, feed: str, failed: list[RunPeriod]) -> dict[str, str]:
    """Return what coverage has on record of failed periods, by period.

    It lists none before the feed's keep_from; the run has come to its end, with or without.
    """
    keys = [period.period for period in failed]
    try:
        answer = client.coverage(feed=feed, start=min(keys), end=max(keys))
        [found] = coverage_of(answer).feeds
    except (AnswerError, ValueError):
        return {}
    reasons = {period.period: period.reason for period in failed}
    return {
        period.period: plain(error.message)
        for period in found.periods
        if (error := period.last_error) and error.reason == reasons.get(period.period)
    }
