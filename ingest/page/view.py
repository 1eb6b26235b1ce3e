"""What the template shows of a LakeCoverage. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from ingest.coverage import MISSING, FeedCoverage, LakeCoverage, State
from ingest.page.gaps import Gap, curl_line, gaps_of
from ingest.page.grid import Row, rows_of
from ingest.page.records import COLUMNS as RECORD_COLUMNS
from ingest.page.records import Record, minute, records
from ingest.page.strokes import bar
from ingest.states import GLYPHS
from ingest.times import iso

# What the records of a feed, and of all, may take as HTML, in bytes: 14 years of weeks have one
# each where all is well, 100,000 hours do not.
_MOST_BYTES = 150_000
_MOST_BYTES_OF_ALL = 1_200_000
_MOST_GAPS = 50

MEANINGS: dict[State, str] = {
    "stored": "in the lake, whole and checked",
    "revised": "in the lake; the source has changed it since it was first stored",
    "awaiting": "due, not there yet, and still within grace",
    "late": "past grace, and not in the lake",
    "failed": "could not be fetched: its retries are used up, or a bug",
    "rejected": "the source sent something else; it was not stored",
    "known_gap": "known not to exist, and not expected",
    "not_due": "its time has not come",
}
# The glyphs as shapes in a square of ten, for pictures of hours.
TILES: dict[State, str] = {
    "stored": "M3.5 3.5h3v3h-3z",
    "revised": "M5 2.4L7.6 5 5 7.6 2.4 5z",
    "awaiting": "M3 5a2 2 0 0 1 4 0a2 2 0 0 1-4 0",
    "late": "M3.7 2.3v5.4h3.1",
    "failed": "M3.7 7.7V2.3h3.1M3.7 4.9h2.6",
    "rejected": "M3.5 7.7V2.3h1.6a1.5 1.5 0 0 1 0 3H3.5M5 5.3l1.7 2.4",
    "known_gap": "M3 5h4",
    "not_due": "M4.9 5h.2",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedView:
    """A feed: its summary, its grid, its gaps and its records."""

    id: str
    coverage: FeedCoverage
    rows: list[Row]
    bar: tuple[int, dict[State, str]]
    oldest_missing: str | None
    newest_stored: str | None
    next_due: str | None
    next_due_at: str | None
    gaps: list[Gap]
    shown_gaps: list[Gap]
    records: list[Record]
    recorded: set[str]

    @property
    def name(self) -> str:
        """The feed's name."""
        return self.coverage.feed.name

    def line(self, start: str, end: str) -> str:
        """Return the line that fetches what is missing from `start` to `end`."""
        return curl_line(self.coverage.feed, start, end)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageView:
    """The page: its instant, its feeds, and those that could not be looked at and why."""

    as_of: str
    as_of_said: str
    feeds: list[FeedView]
    unknown: dict[str, str]
    states: ClassVar = tuple(MEANINGS)
    missing_states: ClassVar = [state for state in MEANINGS if state in MISSING]
    glyphs: ClassVar = GLYPHS
    tiles: ClassVar = TILES
    meanings: ClassVar = MEANINGS
    record_columns: ClassVar = RECORD_COLUMNS

    @property
    def expected(self) -> int:
        """How many periods of all feeds are expected."""
        return sum(feed.coverage.expected for feed in self.feeds)

    @property
    def stored(self) -> int:
        """How many of them are stored."""
        return sum(feed.coverage.stored for feed in self.feeds)


def view(coverage: LakeCoverage) -> PageView:
    """Return what is shown of all feeds."""
    most = min(_MOST_BYTES, _MOST_BYTES_OF_ALL // max(len(coverage.feeds), 1))
    return PageView(
        as_of=iso(coverage.as_of),
        as_of_said=minute(coverage.as_of),
        feeds=[_feed(f"{n}", f, most, coverage.as_of) for n, f in enumerate(coverage.feeds)],
        unknown=dict(coverage.unknown),
    )


def _feed(ident: str, coverage: FeedCoverage, most: int, now: datetime) -> FeedView:
    calendar, gaps = coverage.feed.calendar, gaps_of(coverage.periods)
    found = records(coverage, most, now)
    oldest, newest, due = (
        coverage.oldest_missing,
        coverage.newest_stored,
        coverage.next_due,
    )
    return FeedView(
        id=ident,
        coverage=coverage,
        rows=rows_of(calendar.cadence, coverage.periods),
        bar=bar(coverage.periods),
        oldest_missing=oldest.key if oldest else None,
        newest_stored=newest.key if newest else None,
        next_due=due.key if due else None,
        next_due_at=minute(calendar.due(due)) if due else None,
        gaps=gaps,
        shown_gaps=gaps[::-1][:_MOST_GAPS],
        records=found,
        recorded={record.period.period.key for record in found},
    )
