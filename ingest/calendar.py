"""From a cadence to the periods that exist, their windows and when they are due. Pure.

A period is labelled by wall-clock time in its feed's time zone, kept here as a naive
`datetime`; labels are what dates in requests, file names and object names mean. Instants
(due times, "now") are aware and in UTC. Labels step by the calendar, so a day that is 23 or
25 hours long is one day, and windows tile across clock changes.
"""

import heapq
import re
from bisect import bisect_left, bisect_right
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import dropwhile, islice
from typing import Literal
from zoneinfo import ZoneInfo

Cadence = Literal["hour", "day", "week", "month", "year"]
Covers = Literal["previous", "following"]

_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})()")
_HOUR = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2})")
_EPOCH = datetime(1, 1, 1)  # noqa: DTZ001  labels are naive wall-clock time
_FAR_FUTURE = datetime(9000, 1, 1)  # noqa: DTZ001  where a calendar without an end ends
_HOUR_LONG = timedelta(hours=1)


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """One expected file: its label, and its key (`2023-06-03`, for hours `2023-06-03T07`)."""

    at: datetime
    key: str


class NotAPeriodError(ValueError):
    """A key that is malformed, or names no period of the calendar."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """The periods of one feed: a grid from `first` to `last`, and those off it in `also`.

    `first`, `last` and `also` are labels; `weekday` counts from Monday = 0 and is for weeks,
    `weekdays` (in order) for days: those that have a file, none meaning all. The file of a
    period that `grows` is there, and asked for, from the beginning of its window.
    """

    cadence: Cadence
    timezone: ZoneInfo
    first: datetime
    last: datetime | None = None
    also: tuple[datetime, ...] = ()
    weekday: int = 0
    weekdays: tuple[int, ...] = ()
    covers: Covers = "following"
    grows: bool = False
    available_after: timedelta = timedelta(0)
    grace: timedelta = timedelta(0)

    def period(self, key: str) -> Period:
        """Return the period that `key` names; raise NotAPeriodError where there is none."""
        at = parse_label(key, self.cadence)
        if at not in self:
            raise NotAPeriodError(f"{key} is not on the calendar")
        return self.named(at)

    def __contains__(self, at: datetime) -> bool:
        return (self.on_grid(at) and self._in_range(self._index(at))) or at in self.also

    def on_grid(self, at: datetime) -> bool:
        """Tell whether a period lies there, be it before the first or after the last."""
        return self._label(self._index(at)) == at

    def between(self, low: datetime, high: datetime) -> Iterator[Period]:
        """Yield the periods labelled `low` to `high`, both inclusive, oldest first."""
        grid = (self._label(i) for i in self._indices(low, high))
        also = self.also[bisect_left(self.also, low) : bisect_right(self.also, high)]
        return map(self.named, heapq.merge(grid, also))

    def before(self, high: datetime) -> Iterator[Period]:
        """Yield every period labelled `high` or earlier, newest first."""
        grid = (self._label(i) for i in reversed(self._indices(self.first, high)))
        also = reversed(self.also[: bisect_right(self.also, high)])
        return map(self.named, heapq.merge(grid, also, reverse=True))

    def neighbours(self, at: datetime) -> tuple[Period | None, Period | None]:
        """Return the last period before `at` and the first one after it."""
        i = self._index(at)
        candidates = {self._label(n) for n in (i - 1, i, i + 1) if self._in_range(n)}
        candidates |= {p for p in (self.first, self.last) if p is not None}
        candidates |= {*self.also}
        earlier = max((c for c in candidates if c < at), default=None)
        later = min((c for c in candidates if c > at), default=None)
        return (
            None if earlier is None else self.named(earlier),
            None if later is None else self.named(later),
        )

    def window(self, period: Period) -> tuple[datetime, datetime]:
        """Return the labels at which the period's window starts and (exclusively) ends."""
        if self.covers == "previous":
            return shift(period.at, self.cadence, -1), period.at
        return period.at, shift(period.at, self.cadence, 1)

    def due(self, period: Period) -> datetime:
        """Return the instant (UTC) from which the source may be expected to have the file."""
        start, end = self.window(period)
        return self.instant(start if self.grows else end) + self.available_after

    def running(self, period: Period, now: datetime) -> bool:
        """Tell whether the period's window has not ended at `now` (aware)."""
        return now < self.instant(self.window(period)[1])

    def late(self, period: Period) -> datetime:
        """Return the instant (UTC) from which a missing file is late."""
        return self.due(period) + self.grace

    def latest_due(self, now: datetime, count: int) -> list[Period]:
        """Return the `count` newest periods due at `now` (aware), oldest first."""
        local = now.astimezone(self.timezone).replace(tzinfo=None)
        # Due times never fall as labels rise, and nothing is due before its own label; but a
        # clock put back over midnight shows the day before again, hence one day more.
        due = dropwhile(lambda p: self.due(p) > now, self.before(local + timedelta(days=1)))
        return list(islice(due, count))[::-1]

    def today(self, now: datetime) -> date:
        """Return the date at `now` (aware) in the feed's time zone."""
        return now.astimezone(self.timezone).date()

    def instant(self, label: datetime) -> datetime:
        """Return the instant (UTC) of a label; of a time that comes twice, the first."""
        return label.replace(tzinfo=self.timezone).astimezone(UTC)

    def named(self, at: datetime) -> Period:
        """Return the period with that label, which must be on the calendar."""
        return Period(at, at.isoformat()[: 13 if self.cadence == "hour" else 10])

    def _in_range(self, i: int) -> bool:
        return self._index(self.first) <= i <= self._index(self.last or _FAR_FUTURE)

    def _indices(self, low: datetime, high: datetime) -> range:
        low = max(low, self.first)
        start = self._index(low)
        if self._label(start) < low:
            start += 1
        return range(start, self._index(min(high, self.last or _FAR_FUTURE)) + 1)

    def _index(self, at: datetime) -> int:
        """Count the grid's steps up to the last one at or before `at`."""
        match self.cadence:
            case "hour":
                return (at - _EPOCH) // _HOUR_LONG
            case "day":
                if not self.weekdays:
                    return at.toordinal()
                weeks, weekday = divmod(at.toordinal() - 1, 7)
                return weeks * len(self.weekdays) + bisect_right(self.weekdays, weekday) - 1
            case "week":
                return (at.toordinal() - 1 - self.weekday) // 7
            case "month":
                return at.year * 12 + at.month - 1
            case "year":
                return at.year

    def _label(self, i: int) -> datetime:
        match self.cadence:
            case "hour":
                return _EPOCH + i * _HOUR_LONG
            case "day":
                if not self.weekdays:
                    return datetime.fromordinal(i)
                weeks, n = divmod(i, len(self.weekdays))
                return datetime.fromordinal(weeks * 7 + self.weekdays[n] + 1)
            case "week":
                return datetime.fromordinal(i * 7 + 1 + self.weekday)
            case "month":
                return datetime(i // 12, i % 12 + 1, 1)  # noqa: DTZ001  a label
            case "year":
                return datetime(i, 1, 1)  # noqa: DTZ001  a label


def parse_label(text: str, cadence: Cadence) -> datetime:
    """Return the label that a period key spells; raise NotAPeriodError where none is."""
    pattern, form = (
        (_HOUR, "an hour like 2023-06-03T07")
        if cadence == "hour"
        else (_DATE, "a date like 2023-06-03")
    )
    match = pattern.fullmatch(text)
    if match:
        try:
            year, month, day, hour = (int(match[n] or 0) for n in range(1, 5))
            return datetime(year, month, day, hour)  # noqa: DTZ001  a label
        except ValueError:
            pass
    raise NotAPeriodError(f"expected {form}")


def shift(at: datetime, cadence: Cadence, steps: int) -> datetime:
    """Return `at` moved by whole cadences; a day that the month lacks becomes its last."""
    match cadence:
        case "hour":
            return at + steps * _HOUR_LONG
        case "day":
            return at + timedelta(days=steps)
        case "week":
            return at + timedelta(weeks=steps)
        case "month" | "year":
            month = at.year * 12 + at.month - 1 + steps * (12 if cadence == "year" else 1)
            year, month = divmod(month, 12)
            day = min(at.day, monthrange(year, month + 1)[1])
            return datetime.combine(date(year, month + 1, day), time(at.hour))
