"""A period in words: what is stored of it, what went wrong, and what happens next. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from ingest.coverage import ALARMING, STORED, Failure, FeedCoverage, PeriodCoverage

# The columns of the table of records, in its order.
COLUMNS = (
    *("period", "state", "stored bytes", "source bytes", "rows", "SHA-256", "revision"),
    *("fetched at", "source", "what happened", "what happens next"),
)


@dataclass(frozen=True, slots=True)
class Record:
    """A row of the table: `cells` in the order of COLUMNS, empty ones at its end left out."""

    period: PeriodCoverage
    cells: tuple[str, ...]


def chosen(coverage: FeedCoverage, most: int) -> set[str]:
    """Return the keys of the at most so many periods that have a record.

    Those that somebody should look at come first, then the newest.
    """
    newest_first = coverage.periods[::-1]
    by_need = sorted(newest_first, key=lambda p: p.failure is None and p.state not in ALARMING)
    return {period.period.key for period in by_need[:most]}


def records(coverage: FeedCoverage, keys: set[str], now: datetime) -> Iterator[Record]:
    """Yield the records of these periods at `now` (aware), the newest first."""
    for period in reversed(coverage.periods):
        if period.period.key in keys:
            cells = [*_stored(coverage, period), *_told(coverage, period, now)]
            while cells and not cells[-1]:
                cells.pop()
            yield Record(period, tuple(cells))


def _stored(coverage: FeedCoverage, period: PeriodCoverage) -> tuple[str, ...]:
    stored = period.stored
    url = coverage.feed.source_url(period.period)
    if stored is None:
        return ("", "", "", "", "", "", url)
    return (
        f"{stored.size:,}",
        _number(stored.source_bytes),
        _number(stored.rows),
        stored.sha256,
        str(stored.revision),
        stored.fetched_at,
        stored.source_url or url,
    )


def _number(number: int | None) -> str:
    return "" if number is None else f"{number:,}"


def _told(coverage: FeedCoverage, period: PeriodCoverage, now: datetime) -> tuple[str, str]:
    """Return what happened and what happens next; either may be empty."""
    failure, calendar = period.failure, coverage.feed.calendar
    if period.state in STORED:
        return (f"its last recheck failed: {_failed(failure)}" if failure else "", "")
    if period.state == "known_gap":
        return coverage.feed.known_gaps[period.period.key], "nothing: it is a known gap"
    if period.state == "not_due":
        return "", f"due {minute(calendar.due(period.period))}"
    happened = f"due since {minute(calendar.due(period.period))}"
    late = minute(calendar.late(period.period))
    happened += f", late {'from' if period.state == 'awaiting' else 'since'} {late}"
    if failure is not None:
        return f"{_failed(failure)}; {happened}", _next(coverage, failure, now)
    return f"{happened}; no failure is recorded", "the next audit asks for it"


def _failed(failure: Failure) -> str:
    tried = "once" if failure.attempts == 1 else f"{failure.attempts:,} times"
    message = f": {failure.message}" if failure.message else ""
    last = f", last {failure.last}" if failure.last else ""
    return f"{failure.outcome} ({failure.reason}){message}; tried {tried}{last}"


def _next(coverage: FeedCoverage, failure: Failure, now: datetime) -> str:
    if coverage.given_up(failure):
        return "audits ask no more, since the feed has ended; the line that fetches it does"
    if failure.next_retry is not None and failure.next_retry > now:
        return f"the first audit after {minute(failure.next_retry)} asks again"
    return "the next audit asks again"


def minute(instant: datetime) -> str:
    """Write an instant for people, to the minute."""
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
