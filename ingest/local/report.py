"""What the commands print of plans, runs and feeds."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from rich.table import Table

from ingest.calendar import Period
from ingest.feed import Feed
from ingest.local.client import Dispatched, Run, RunPeriod
from ingest.local.terminal import new_table
from ingest.times import iso

# Outcomes that mean a period is not in the lake, and will not be by itself.
FAILURES = frozenset({"absent", "rejected", "failed"})
_STYLES = {"stored": "green", "revised": "yellow", **dict.fromkeys(FAILURES, "red")}


def plan_table(planned: Dispatched) -> Table:
    """Return the periods of a plan by date: what would become of each, and why."""
    rows = dict.fromkeys(planned.dispatched, ("dispatch", ""))
    rows |= {skip.period: ("skip", skip.reason) for skip in planned.skipped}
    table = new_table("period", "would", "because")
    for period, row in sorted(rows.items()):
        table.add_row(period, *row)
    return table


def skips_clause(planned: Dispatched) -> str:
    """Say how many periods are left alone, by reason."""
    reasons = Counter(skip.reason for skip in planned.skipped)
    counts = ", ".join(f"{n:,} {reason}" for reason, n in sorted(reasons.items()))
    return f"{len(planned.skipped):,} skipped" + (f" ({counts})" if counts else "")


def outcomes_table(run: Run) -> Table:
    """Return how many periods of a run came to each outcome."""
    table = new_table("outcome", "periods")
    counts = Counter(period.outcome or "unfinished" for period in run.periods)
    for outcome, count in counts.most_common():
        table.add_row(outcome, f"{count:,}", style=_STYLES.get(outcome))
    return table


def failures(run: Run) -> list[RunPeriod]:
    """Return the periods that failed for good."""
    return [period for period in run.periods if period.outcome in FAILURES]


def failures_table(
    periods: list[RunPeriod], messages: Mapping[str, str] | None = None
) -> Table:
    """Return failed periods with their outcomes, reasons and, where known, messages."""
    table = new_table("period", "outcome", "reason", "message")
    for period in periods:
        message = (messages or {}).get(period.period)
        table.add_row(period.period, period.outcome, period.reason, message)
    return table


def feeds_table(feeds: Iterable[Feed], now: datetime) -> Table:
    """Return the feeds as they stand at `now`."""
    table = new_table("feed", "title", "cadence", "first", "last", "due by now", "next due")
    for feed in feeds:
        table.add_row(*_feed_row(feed, now))
    return table


def example_of(feed: Feed, now: datetime) -> Iterator[tuple[str, str]]:
    """Yield names and values of what a period comes to: the newest due one, or the first."""
    calendar = feed.calendar
    latest = calendar.latest_due(now, 1)
    period = latest[0] if latest else calendar.named(min((calendar.first, *calendar.also)))
    yield "period", period.key
    for location in feed.locations(period):
        yield "url", location.url
        if location.count_url is not None:
            yield "count", location.count_url
    yield "object", feed.object_name(period)


def _feed_row(feed: Feed, now: datetime) -> list[str]:
    calendar = feed.calendar
    first = calendar.named(min((calendar.first, *calendar.also)))
    last = calendar.last and calendar.named(max((calendar.last, *calendar.also)))
    latest = calendar.latest_due(now, 1)
    due = sum(1 for _ in calendar.between(first.at, latest[0].at)) if latest else 0
    following = calendar.neighbours(latest[0].at)[1] if latest else first
    return [
        feed.name,
        feed.title,
        calendar.cadence,
        first.key,
        last.key if last else "",
        f"{due:,}",
        _next(feed, following),
    ]


def _next(feed: Feed, following: Period | None) -> str:
    """Say what is due next of a feed, given the period."""
    if not feed.enabled:
        return "not enabled"
    if following is None:
        return "ended"
    return f"{following.key} at {iso(feed.calendar.due(following))}"
