"""`lakefill status`: what the lake has and lacks, as tables and grids."""

from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from ingest.calendar import Cadence
from ingest.coverage import ALARMING, STORED, State
from ingest.local.client import AnswerError, DispatchClient
from ingest.local.grid import STYLES, Cell, grid
from ingest.local.terminal import new_table
from ingest.states import GLYPHS

_MOST_FAILURES = 20
_LONGEST_MESSAGE = 150  # as long as coverage has it


class LastError(msgspec.Struct, frozen=True):
    """What is shown of a failure record."""

    reason: str
    message: str
    attempts: int
    next_retry: str | None


class CoveredPeriod(msgspec.Struct, frozen=True):
    """What is shown of a period."""

    period: str
    state: State
    last_error: LastError | None = None


class FeedStatus(msgspec.Struct, frozen=True):
    """What is shown of a feed; without a question for it alone there are no periods."""

    feed: str
    cadence: Cadence
    expected: int
    stored: int
    awaiting: int
    late: int
    failed: int
    rejected: int
    oldest_missing: str | None
    newest_stored: str | None
    next_due: str | None
    next_due_at: str | None
    periods: list[CoveredPeriod] = []


class Coverage(msgspec.Struct, frozen=True):
    """What dispatch answered, as far as it is shown."""

    as_of: str
    feeds: list[FeedStatus]


def coverage_of(answer: dict[str, Any]) -> Coverage:
    """Read coverage's JSON; raise AnswerError where it is something else."""
    try:
        return msgspec.convert(answer, Coverage)
    except msgspec.ValidationError as error:
        raise AnswerError(f"what was answered is no coverage: {error}") from None


def ask(client: DispatchClient, feed: str | None, year: int | None) -> dict[str, Any]:
    """Return the coverage of a feed, or of all enabled ones, with a year's periods or all."""
    if feed is None:
        summaries = client.coverage()
        names = [summary.feed for summary in coverage_of(summaries).feeds]
        if not names:
            return summaries
    else:
        names = [feed]
    narrow = {} if year is None else {"start": str(year), "end": str(year)}
    answers = [client.coverage(feed=name, **narrow) for name in names]
    return {
        "as_of": answers[0].get("as_of"),
        "feeds": [found for answer in answers for found in answer.get("feeds", [])],
    }


def as_json(answer: dict[str, Any]) -> str:
    """Return coverage as it is printed by --json."""
    return msgspec.json.format(msgspec.json.encode(answer)).decode()


def alarming(answer: dict[str, Any]) -> bool:
    """Tell whether something that was asked for is late, failed or rejected."""
    feeds = coverage_of(answer).feeds
    return any(period.state in ALARMING for feed in feeds for period in feed.periods)


def show(console: Console, answer: dict[str, Any], *, every_row: bool) -> None:
    """Print summaries, each feed's grid, and why what failed did: missing first, newest first.

    Unless `every_row`, the rows of feeds by day or hour that lack nothing are left out.
    """
    coverage = coverage_of(answer)
    console.print(f"As of {coverage.as_of}")
    console.print(_summaries(coverage.feeds))
    for feed in coverage.feeds:
        cells = [Cell(period.period, period.state) for period in feed.periods]
        drawn, left_out = grid(feed.cadence, cells, every_row=every_row)
        console.print(f"\n{feed.feed}")
        if drawn is not None:
            console.print(drawn)
        if left_out:
            console.print(f"{left_out:,} rows lack nothing (--year shows them)")
    console.print("\n" + "   ".join(f"{glyph} {state}" for state, glyph in GLYPHS.items()))
    failures = [(f.feed, p) for f in coverage.feeds for p in f.periods if p.last_error]
    failures.sort(key=lambda failure: failure[1].period, reverse=True)
    failures.sort(key=lambda failure: failure[1].state in STORED)
    if failures:
        console.print()
        console.print(_failures(failures[:_MOST_FAILURES]))
    if len(failures) > _MOST_FAILURES:
        console.print(f"and {len(failures) - _MOST_FAILURES:,} more (--json has all)")


def _summaries(feeds: list[FeedStatus]) -> Table:
    counts = ("expected", "stored", "awaiting", "late", "failed", "rejected")
    table = new_table("feed", *counts, "oldest missing", "newest stored", "next due")
    for feed in feeds:
        cells = [f"{getattr(feed, name):,}" for name in counts]
        table.add_row(
            feed.feed,
            *cells,
            feed.oldest_missing or "none",
            feed.newest_stored or "none",
            _next(feed),
        )
    return table


def _next(feed: FeedStatus) -> str:
    if feed.next_due:
        return f"{feed.next_due} at {feed.next_due_at}"
    return "none"


def _failures(failures: list[tuple[str, CoveredPeriod]]) -> Table:
    table = new_table("feed", "period", "state", "reason", "attempts", "next retry", "message")
    for name, period in failures:
        error = period.last_error
        if error is not None:
            table.add_row(
                name,
                period.period,
                period.state,
                plain(error.reason),
                str(error.attempts),
                error.next_retry or "",
                plain(error.message),
                style=STYLES.get(period.state),
            )
    return table


def plain(text: str) -> str:
    """Return text that a source may have had a say in, without what would steer a terminal."""
    printable = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return printable[:_LONGEST_MESSAGE]
