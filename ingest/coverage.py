"""Calendar x lake: which periods a feed has, which it lacks, and why. Pure.

`cover` compares a feed's calendar with what a listing of the lake found. Nothing is remembered
between two calls, so that what it says is true of the bytes, whatever any run reported.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Annotated, Literal

import msgspec

from ingest.calendar import Period
from ingest.feed import Feed
from ingest.messages import Mode

State = Literal[
    "not_due",
    "awaiting",  # due, and within grace
    "late",
    "stored",
    "revised",
    "failed",
    "rejected",
    "known_gap",
]

STORED: frozenset[State] = frozenset({"stored", "revised"})
MISSING: frozenset[State] = frozenset({"awaiting", "late", "failed", "rejected"})
# Missing, and not by itself in the lake one day: somebody should look.
ALARMING: frozenset[State] = frozenset({"late", "failed", "rejected"})

FailedOutcome = Literal["absent", "rejected", "failed", "bug"]

# How often a file is asked for that a feed which has ended does not have.
_TRIES_ONCE_ENDED = 3
_MICROSECOND = timedelta(microseconds=1)


# Structs, where there is one a period: quicker to make than dataclasses, and no work for the
# garbage collector.


class Stored(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A period's object, as a listing shows it; what its metadata lacks is None or "".

    `size` is that of the object, `source_bytes` that of the file it was made from.
    """

    object: str
    size: int
    sha256: str
    revision: int = 0
    source_bytes: int | None = None
    rows: int | None = None
    fetched_at: str = ""
    source_url: str = ""


class Failure(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A period's failure record; texts are as they were written, `next_retry` is aware.

    `reason` is the outcome's fixed word; `message` holds what a source answered, and is
    hostile. `attempts` are the runs that failed one after the other, `absences` those that
    found the file absent; `mode` is that of the last, None in a record that does not say it.
    """

    outcome: FailedOutcome
    reason: str
    message: str = ""
    mode: Mode | None = None
    attempts: int = 1
    absences: int = 0
    first: str = ""
    last: str = ""
    next_retry: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class PeriodCoverage(msgspec.Struct, frozen=True, gc=False):
    """One period: its state, its object if there is one, and its failure record if there is.

    Both are there where a stored period's recheck, or fetch by force, failed.
    """

    period: Period
    state: State
    stored: Stored | None = None
    failure: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedCoverage:
    """A feed as it stands at an instant.

    `periods` reach from the feed's `keep_from` up to today, and to the next due one, oldest
    first; of a feed that is not enabled they are the stored ones, and none is due next.
    `before` counts the stored ones that are older.
    """

    feed: Feed
    periods: tuple[PeriodCoverage, ...]
    before: int
    next_due: Period | None
    counts: Mapping[State, int]

    def count(self, states: Iterable[State]) -> int:
        """Return how many periods are in any of these states."""
        return sum(self.counts.get(state, 0) for state in states)

    @property
    def expected(self) -> int:
        """How many are due, known gaps aside: the stored and the missing.

        Of a feed that is not enabled nothing is expected, whatever is stored.
        """
        return self.stored + self.missing if self.feed.enabled else 0

    @property
    def stored(self) -> int:
        """How many of the expected are in the lake, revised ones too."""
        return self.count(STORED)

    @property
    def missing(self) -> int:
        """How many of the expected are not in the lake, for whatever reason."""
        return self.count(MISSING)

    @property
    def alarming(self) -> bool:
        """Whether something is late, failed or rejected."""
        return self.count(ALARMING) > 0

    @property
    def oldest_missing(self) -> Period | None:
        """The oldest period that is expected and not stored."""
        return next((p.period for p in self.periods if p.state in MISSING), None)

    @property
    def newest_stored(self) -> Period | None:
        """The newest of the listed periods that is stored."""
        return next((p.period for p in reversed(self.periods) if p.state in STORED), None)

    def given_up(self, failure: Failure) -> bool:
        """Whether audits ask for it no more: the feed has ended, and never had it."""
        absent = failure.outcome == "absent" and failure.absences >= _TRIES_ONCE_ENDED
        return absent and self.next_due is None

    def between(self, low: datetime, high: datetime) -> Iterator[PeriodCoverage]:
        """Yield the periods labelled `low` to `high`, both inclusive, oldest first."""
        return (p for p in self.periods if low <= p.period.at <= high)


@dataclass(frozen=True, slots=True, kw_only=True)
class LakeCoverage:
    """All feeds at one instant (aware), in the order of the catalogue.

    `unknown` says of the feeds that could not be looked at why.
    """

    as_of: datetime
    feeds: tuple[FeedCoverage, ...]
    unknown: Mapping[str, str] = field(default_factory=dict)


def cover(
    feed: Feed,
    objects: Mapping[str, Stored],
    failures: Mapping[str, Failure],
    now: datetime,
) -> FeedCoverage:
    """Compare a feed's calendar with the lake at `now` (aware).

    `objects` are those that count as stored, by object name, and may hold other feeds' too;
    `failures` are the feed's records, by period key.
    """
    calendar = feed.calendar
    # Due times never fall as labels rise, so two labels say of each period what it is.
    due = _newest_due(feed, now)
    late = _newest_due(feed, now - calendar.grace)
    next_due = calendar.neighbours(due)[1] if due else calendar.named(_first(feed))
    today = datetime.combine(calendar.today(now), time.max)
    horizon = max(today, next_due.at) if next_due else today
    periods = []
    found = 0
    for period in calendar.between(feed.keep_from, horizon):
        stored = objects.get(feed.object_name(period))
        failure = failures.get(period.key) if failures else None
        found += stored is not None
        if stored is not None and failure is not None and failure.mode == "fetch":
            failure = None  # a late duplicate left it behind: the object outranks it
        state: State
        if period.key in feed.known_gaps:
            state = "known_gap"
        elif due is None or period.at > due:
            state = "not_due"
        elif stored is not None:
            state = "revised" if stored.revision else "stored"
        elif failure is not None and failure.outcome != "absent":
            state = "rejected" if failure.outcome == "rejected" else "failed"
        else:
            state = "awaiting" if late is None or period.at > late else "late"
        if feed.enabled or state in STORED:
            periods.append(PeriodCoverage(period, state, stored, failure))
    return FeedCoverage(
        feed=feed,
        periods=tuple(periods),
        before=_before(feed, objects) if len(objects) > found else 0,
        next_due=next_due if feed.enabled else None,
        counts=Counter(p.state for p in periods),
    )


def _newest_due(feed: Feed, now: datetime) -> datetime | None:
    """Return the label of the newest period that is due at `now`."""
    newest = feed.calendar.latest_due(now, 1)
    return newest[0].at if newest else None


def _first(feed: Feed) -> datetime:
    return min((feed.calendar.first, *feed.calendar.also))


def _before(feed: Feed, objects: Mapping[str, Stored]) -> int:
    """Count the stored periods that lie before those that this lake must hold."""
    older = feed.calendar.between(_first(feed), feed.keep_from - _MICROSECOND)
    return sum(feed.object_name(period) in objects for period in older)
