"""Feeds, calendars and what they mean by a plain walk over the days: for tests of the core."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import strategies as st

from ingest.calendar import Cadence, Calendar, Covers
from ingest.errors import ConfigurationError
from ingest.feed import Feed
from ingest.feeds import read_catalogue

# Both clock changes at all hours, at midnight too; half an hour; a day that never was.
ZONES = [
    "UTC",
    "America/New_York",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "America/Sao_Paulo",
    "America/Havana",
    "Asia/Beirut",
    "Atlantic/Azores",
]
CADENCES: list[Cadence] = ["hour", "day", "week", "month", "year"]

_REACH = {"hour": 4, "day": 60, "week": 300, "month": 900, "year": 5000}  # in days


def entry(cadence: Cadence = "day", **keys: object) -> dict[str, Any]:
    """A catalogue's entry with little more than it must have; None leaves a key out."""
    entry = {
        "url": "https://example.org/{date:%Y%m%d%H}.csv",
        "object": "f/{date:%Y%m%d%H}.csv.gz",
        "cadence": cadence,
        "weekday": "saturday" if cadence == "week" else None,
        "first": {"hour": "2011-02-12T00", "week": "2011-02-12"}.get(cadence, "2011-01-01"),
    }
    return {key: value for key, value in (entry | keys).items() if value is not None}


def feed_of(cadence: Cadence = "day", **keys: object) -> Feed:
    """The feed of such an entry, as the catalogue reads it."""
    return read_catalogue(json.dumps({"f": entry(cadence, **keys)}))["f"]


def refusal(text: str) -> str:
    """What a catalogue is refused with."""
    with pytest.raises(ConfigurationError) as caught:
        read_catalogue(text)
    return str(caught.value)


def on_grid(
    at: datetime, cadence: Cadence, weekday: int = 0, weekdays: tuple[int, ...] = ()
) -> bool:
    """Tell whether a cadence's period begins then (or is named so)."""
    midnight = (at.hour, at.minute, at.second, at.microsecond) == (0, 0, 0, 0)
    return {
        "hour": at == at.replace(minute=0, second=0, microsecond=0),
        "day": midnight and (not weekdays or at.weekday() in weekdays),
        "week": midnight and at.weekday() == weekday,
        "month": midnight and at.day == 1,
        "year": midnight and (at.month, at.day) == (1, 1),
    }[cadence]


def step(cadence: Cadence) -> timedelta:
    """The step in which a walk meets every period of a cadence."""
    return timedelta(hours=1) if cadence == "hour" else timedelta(days=1)


def walk(calendar: Calendar, low: datetime, high: datetime) -> Iterator[datetime]:
    """The calendar's labels from `low` to `high`, by looking at each day, or hour, between."""
    at = low.replace(hour=0, minute=0, second=0, microsecond=0)
    while at <= high:
        last = calendar.last or at
        grid = on_grid(at, calendar.cadence, calendar.weekday, calendar.weekdays)
        grid = grid and calendar.first <= at <= last
        if at >= low and (grid or at in calendar.also):
            yield at
        at += step(calendar.cadence)


def naive(low: datetime, high: datetime) -> st.SearchStrategy[datetime]:
    return st.datetimes(low, high)


@st.composite
def calendars(draw: st.DrawFn, cadence: st.SearchStrategy[Cadence] | None = None) -> Calendar:
    """Calendars of every cadence, within a reach that a walk can cover: 1995 to about 2060."""
    chosen = draw(cadence or st.sampled_from(CADENCES))
    weekday = draw(st.integers(0, 6)) if chosen == "week" else 0
    weekdays: tuple[int, ...] = ()
    if chosen == "day":
        weekdays = tuple(sorted(draw(st.sets(st.integers(0, 6)))))
    covers: Covers = draw(st.sampled_from(["previous", "following"]))
    one = step(chosen)

    def label(low: datetime, high: datetime, *, grid: bool) -> datetime | None:
        """A label on the grid, or off it, at or soon after a drawn one."""
        at = draw(naive(low, high)).replace(minute=0, second=0, microsecond=0)
        at = at if chosen == "hour" else at.replace(hour=0)
        for _ in range(366):
            if on_grid(at, chosen, weekday, weekdays) is grid:
                return at
            at += one
        return None  # no hour is off the grid, and no day where all are on it

    first = label(datetime(1995, 1, 1), datetime(2030, 1, 1), grid=True)  # noqa: DTZ001
    assert first is not None
    reach = timedelta(days=_REACH[chosen])
    last = label(first, first + reach, grid=True) if draw(st.booleans()) else None
    also = set()
    for _ in range(draw(st.integers(0, 3))):
        # Before the first, on the grid's steps too; afterwards off them.
        before = draw(st.booleans())
        found = label(first - reach, first - one, grid=True) if before else None
        found = label(first, first + reach, grid=False) if not before else found
        if found is not None and not (
            on_grid(found, chosen, weekday, weekdays) and found >= first
        ):
            also.add(found)
    return Calendar(
        cadence=chosen,
        timezone=ZoneInfo("UTC" if chosen == "hour" else draw(st.sampled_from(ZONES))),
        first=first,
        last=last,
        also=tuple(sorted(also)),
        weekday=weekday,
        weekdays=weekdays,
        covers=covers,
        grows=covers == "following" and draw(st.booleans()),
        available_after=timedelta(hours=draw(st.integers(0, 100))),
        grace=timedelta(hours=draw(st.integers(0, 100))),
    )


@st.composite
def ranges(draw: st.DrawFn, calendar: Calendar) -> tuple[datetime, datetime]:
    """A range around the calendar's beginning, in whatever order; often just at a period."""
    reach = timedelta(days=_REACH[calendar.cadence])
    known = [calendar.first, *calendar.also, *([calendar.last] if calendar.last else [])]
    around = naive(calendar.first - reach, calendar.first + reach) | st.sampled_from(known)
    return draw(around), draw(around)


def utc(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


def at(year: int, month: int = 1, day: int = 1, hour: int = 0) -> datetime:
    """A label: wall-clock time without a zone."""
    return datetime(year, month, day, hour)  # noqa: DTZ001  a label
