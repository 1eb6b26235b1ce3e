"""Where a period stands on the page: rows of years, calendars of days, days by hours. Pure."""

from calendar import month_name
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from ingest.calendar import Cadence
from ingest.coverage import MISSING, STORED, PeriodCoverage, State
from ingest.page.gaps import gaps_of
from ingest.page.strokes import strokes

# How many places a row has; a year never has more than 53 of a weekday.
_PLACES: dict[Cadence, int] = {"week": 53, "month": 12, "year": 10}
_MOST_NAMED = 20

# A place has a period, none, or, where one is off the calendar, several.
Place = list[PeriodCoverage]


@dataclass(frozen=True, slots=True)
class Month:
    """A month: its places from Monday on (days), or its picture (hours)."""

    key: str
    name: str
    places: Sequence[Place] = ()
    picture: dict[State, str] | None = None
    said: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A year (of years, a decade) with its counts; its places in a line, or its months."""

    name: str
    expected: int
    stored: int
    counts: Counter[State]
    places: Sequence[Place] = ()
    months: Sequence[Month] = ()


def rows_of(cadence: Cadence, periods: Sequence[PeriodCoverage]) -> list[Row]:
    """Return a feed's rows, the newest first."""
    rows = [
        _row(cadence, name, [*group])
        for name, group in groupby(periods, lambda p: _name(cadence, p))
    ]
    return rows[::-1]


def _name(cadence: Cadence, period: PeriodCoverage) -> str:
    year = period.period.key[:4]
    return f"{year[:3]}0s" if cadence == "year" else year


def _row(cadence: Cadence, name: str, periods: list[PeriodCoverage]) -> Row:
    counts = Counter(period.state for period in periods)
    stored = sum(counts[state] for state in STORED)
    months: list[Month] = []
    places: list[Place] = []
    if cadence in {"day", "hour"}:
        build = _calendar if cadence == "day" else _clock
        by_month = groupby(periods, lambda p: p.period.key[:7])
        months = [build(key, [*group]) for key, group in by_month]
    else:
        places = _line(_PLACES[cadence], ((_column(cadence, p), p) for p in periods))
    return Row(
        name=name,
        expected=stored + sum(counts[state] for state in MISSING),
        stored=stored,
        counts=counts,
        places=places,
        months=months,
    )


def _column(cadence: Cadence, period: PeriodCoverage) -> int:
    at = period.period.at
    match cadence:
        case "week":
            return (at.timetuple().tm_yday - 1) // 7
        case "month":
            return at.month - 1
        case _:
            return at.year % 10


def _line(width: int, periods: Iterable[tuple[int, PeriodCoverage]]) -> list[Place]:
    places: list[Place] = [[] for _ in range(width)]
    for column, period in periods:
        places[column].append(period)
    return places


def _calendar(key: str, periods: list[PeriodCoverage]) -> Month:
    first = periods[0].period.at.replace(day=1)
    blank = first.weekday() - 1
    width = blank + 1 + periods[-1].period.at.day
    places = _line(width, ((blank + p.period.at.day, p) for p in periods))
    return Month(key, month_name[first.month], places)


def _clock(key: str, periods: list[PeriodCoverage]) -> Month:
    days: list[list[State | None]] = [[None] * 24 for _ in range(31)]
    for period in periods:
        at = period.period.at
        days[at.day - 1][at.hour] = period.state
    name = month_name[int(key[5:])]
    said = f"{name} {key[:4]}: {', '.join(_said(periods))}"
    return Month(key, name, picture=strokes(days), said=said)


def _said(periods: list[PeriodCoverage]) -> Iterator[str]:
    """Yield what a month of hours has, and the oldest of what it lacks by name."""
    stored = sum(period.state in STORED for period in periods)
    missing = sum(period.state in MISSING for period in periods)
    yield f"{stored} of {stored + missing} stored"
    lacking = 0
    for state, group in groupby(periods, lambda p: p.state):
        if state in MISSING:
            lacking += 1
            if lacking <= _MOST_NAMED:
                [gap] = gaps_of(group)
                yield f"{gap.name} {state}"
    if lacking > _MOST_NAMED:
        yield f"and {lacking - _MOST_NAMED} more"
