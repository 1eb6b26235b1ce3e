"""A period in words: what is stored of it, what went wrong, and what happens next. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime

from markupsafe import escape

from ingest.coverage import ALARMING, STORED, Failure, FeedCoverage, PeriodCoverage

# The columns of the table of records, in its order.
COLUMNS = (
    *("period", "state", "stored bytes", "source bytes", "rows", "SHA-256", "revision"),
    *("fetched at", "source", "what happened", "what happens next"),
)

# A message may hold what a source answered. As long as a failure record's object has it, so
# that the URL at its end is whole where it is not long.
_LONGEST_MESSAGE = 150
_UNLESS = "unless it is under way"


@dataclass(frozen=True, slots=True)
class Record:
    """A row of the table: `cells` in the order of COLUMNS, empty ones at its end left out."""

    period: PeriodCoverage
    cells: tuple[str, ...]


def records(coverage: FeedCoverage, most_bytes: int, now: datetime) -> list[Record]:
    """Return the records at `now` (aware) whose cells take at most so many bytes as HTML.

    Those that somebody should look at are chosen first, then the newest; the newest is first.
    """
    newest_first = coverage.periods[::-1]
    by_need = sorted(newest_first, key=lambda p: p.failure is None and p.state not in ALARMING)
    found = []
    for period in by_need:
        record = _record(coverage, period, now)
        most_bytes -= sum(len(escape(cell).encode()) for cell in record.cells)
        if most_bytes < 0:
            break
        found.append(record)
    return sorted(found, key=lambda record: record.period.period.at, reverse=True)


def _record(coverage: FeedCoverage, period: PeriodCoverage, now: datetime) -> Record:
    cells = [*_stored(coverage, period), *_told(coverage, period, now)]
    while cells and not cells[-1]:
        cells.pop()
    return Record(period, tuple(cells))


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
    happened = f"due {minute(calendar.due(period.period))}"
    happened += f", late {minute(calendar.late(period.period))}"
    if failure is not None:
        return f"{_failed(failure)}; {happened}", _next(coverage, failure, now)
    return f"{happened}; no failure is recorded", f"an audit asks for it, {_UNLESS}"


def _failed(failure: Failure) -> str:
    tried = "once" if failure.attempts == 1 else f"{failure.attempts:,} times"
    message = f": {_short(failure.message)}" if failure.message else ""
    last = f", last {failure.last}" if failure.last else ""
    return f"{failure.outcome} ({failure.reason}){message}; tried {tried}{last}"


def _short(text: str) -> str:
    cut = len(text) > _LONGEST_MESSAGE
    return text[:_LONGEST_MESSAGE] + "\N{HORIZONTAL ELLIPSIS}" if cut else text


def _next(coverage: FeedCoverage, failure: Failure, now: datetime) -> str:
    if coverage.given_up(failure):
        return "audits ask no more, since the feed has ended; the line that fetches it does"
    if failure.next_retry is not None and failure.next_retry > now:
        return f"an audit after {minute(failure.next_retry)} asks again, {_UNLESS}"
    return f"an audit asks again, {_UNLESS}"


def minute(instant: datetime) -> str:
    """Write an instant for people, to the minute."""
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
