"""From a request, a feed, what is stored and the time to what is to be done. Pure.

`select` says which periods a request means, `decide` what becomes of each. Between the two the
caller looks up which of them are stored.
"""

import re
from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Literal

from ingest.calendar import Cadence, Period, shift
from ingest.feed import Feed
from ingest.messages import Mode

SkipReason = Literal["stored", "not_due", "known_gap"]

_SPAN = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2})(?:T([0-9]{2}))?)?)?")
_STEPS: dict[int, Cadence] = {1: "year", 2: "month", 3: "day", 4: "hour"}
_MICROSECOND = timedelta(microseconds=1)
_EARLIEST, _LATEST = datetime.min, datetime.max  # noqa: DTZ901  labels


class UnplannableError(ValueError):
    """Well-formed, but no period can be meant by it; the message says what to ask instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Which periods are asked for: a date, a range, or (nothing given) the latest ones."""

    date: str | None = None
    start: str | None = None
    end: str | None = None

    @property
    def latest(self) -> bool:
        """Whether it names no period, and so means the latest due."""
        return self.date is None and self.start is None


@dataclass(frozen=True, slots=True)
class Plan:
    """What to publish, and what is left alone and why."""

    dispatched: list[tuple[Period, Mode]]
    skipped: list[tuple[Period, SkipReason]]


@dataclass(frozen=True, slots=True)
class _Span:
    """A date as written: the first and last moment within it, in wall-clock time."""

    text: str
    low: datetime
    high: datetime
    parts: int  # 1 a year, 2 a month, 3 a day, 4 an hour


def select(question: Question, feed: Feed, now: datetime, max_periods: int) -> list[Period]:
    """Return the periods that are asked for, oldest first.

    `now` is aware. Raises UnplannableError where no period, or too many, are meant.
    """
    if question.latest:
        return feed.calendar.latest_due(now, feed.recheck + 1)
    today = feed.calendar.today(now)
    if question.date is not None:
        span = _past(_span("date", question.date), today)
        exact = span.parts == (4 if feed.calendar.cadence == "hour" else 3)
        if exact or span.parts == 4:
            return [_one(span, feed)]
        low, high = span.low, span.high
    else:
        low = _past(_span("start", question.start or ""), today).low
        high = _end_of(today)
        if question.end is not None:
            high = _past(_span("end", question.end), today).high
        if low > high:
            raise UnplannableError(_backwards(question.start, question.end))
    periods = list(islice(feed.calendar.between(low, high), max_periods + 1))
    if len(periods) > max_periods:
        raise UnplannableError(
            f"more than {max_periods} periods lie from {low.date()} to {high.date()}; "
            "ask for a shorter range"
        )
    if not periods:
        raise UnplannableError(
            f"{feed.name} has no period from {low.date()} to {high.date()}{_nearest(low, feed)}"
        )
    return periods


def decide(
    question: Question,
    periods: Sequence[Period],
    feed: Feed,
    stored: Container[str],
    now: datetime,
    *,
    force: bool = False,
) -> Plan:
    """Return what becomes of each period; `stored` holds the keys of those in the lake."""
    plan = Plan([], [])
    for period in periods:
        if period.key in feed.known_gaps:
            plan.skipped.append((period, "known_gap"))
        elif feed.calendar.due(period) > now:
            plan.skipped.append((period, "not_due"))
        elif force:
            plan.dispatched.append((period, "force"))
        elif period.key not in stored:
            plan.dispatched.append((period, "fetch"))
        elif question.latest or (feed.calendar.grows and feed.calendar.running(period, now)):
            plan.dispatched.append((period, "recheck"))
        else:
            plan.skipped.append((period, "stored"))
    return plan


def reach(start: str | None, end: str | None) -> tuple[datetime, datetime]:
    """Return the first and the last moment of a range that may be open at either side.

    Raises UnplannableError where one of the two is no date, or they are the wrong way round.
    """
    low = _EARLIEST if start is None else _span("start", start).low
    high = _LATEST if end is None else _span("end", end).high
    if low > high:
        raise UnplannableError(_backwards(start, end))
    return low, high


def _backwards(start: str | None, end: str | None) -> str:
    return f"start {start} lies after end {end}; swap the two"


def _end_of(day: date) -> datetime:
    return datetime.combine(day, time.max)


def _one(span: _Span, feed: Feed) -> Period:
    calendar = feed.calendar
    if span.low in calendar and (span.parts == 3 or calendar.cadence == "hour"):
        return calendar.named(span.low)
    ends = () if calendar.last is None else (calendar.last, *calendar.also)
    if ends and span.low > max(ends):
        reason = f"lies after the last period of {feed.name}"
    elif span.low < min((calendar.first, *calendar.also)):
        reason = f"lies before the first period of {feed.name}"
    else:
        reason = f"is not on the calendar of {feed.name}"
    raise UnplannableError(f"{span.text} {reason}{_nearest(span.high, feed)}")


def _nearest(at: datetime, feed: Feed) -> str:
    keys = [p.key for p in feed.calendar.neighbours(at) if p is not None]
    return f"; the nearest: {' and '.join(keys)}"


def _past(span: _Span, today: date) -> _Span:
    """Return the span up to the end of today; refuse one that lies after it."""
    if span.low.date() > today:
        raise UnplannableError(
            f"{span.text} lies in the future (it is {today} in the feed's time zone); "
            "ask for a date up to today"
        )
    return replace(span, high=min(span.high, _end_of(today)))


def _span(field: str, text: str) -> _Span:
    match = _SPAN.fullmatch(text)
    if match:
        parts = [int(part) for part in match.groups() if part is not None]
        try:
            year, month, day, hour = parts + [1, 1, 0][len(parts) - 1 :]
            low = datetime(year, month, day, hour)  # noqa: DTZ001  a label
            high = shift(low, _STEPS[len(parts)], 1) - _MICROSECOND
            return _Span(text, low, high, len(parts))
        except (ValueError, OverflowError):
            pass
    raise UnplannableError(
        f"{field}: expected a day like 2023-06-03, a month like 2023-06, a year like 2023 "
        "or an hour like 2023-06-03T07"
    )
