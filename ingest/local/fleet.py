"""The turnstiles of the sample source, and what runs up on their counters.

As in reality: how many turnstiles there are, how control areas are named, some of the stations,
when turnstiles are audited, and how traffic spreads over hours, days and turnstiles (read off
weeks of 2023 and 2024). Invented: which turnstile is where, and every reading.
"""

from collections.abc import Iterator
from functools import cache
from itertools import accumulate
from math import ceil, log, sqrt
from operator import getitem
from random import Random
from statistics import NormalDist
from typing import NamedTuple

_HOUR = 3600  # seconds
_DAY = 24 * _HOUR
_WEEK = 7 * _DAY

# Control areas in the order of a file: names, division, how many.
_AREAS = (
    ("A{:03}", "BMT", 46),
    ("B{:03}", "BMT", 48),
    ("H{:03}", "BMT", 86),
    ("N{:03}", "IND", 262),
    ("PTH{:02}", "PTH", 19),
    ("R{:03}", "IRT", 294),
)
_STATIONS = {
    "BMT": "59 ST,NQR456W;5 AV/59 ST,NQRW;57 ST-7 AV,NQRW;104 ST,JZ;20 AV,D;DEKALB AV,L;"
    "KINGS HWY,BQ;NEW UTRECHT AV,ND;LORIMER ST,JM;28 ST,NRW;CANAL ST,JNQRZ6W;18 AV,D;45 ST,R",
    "IND": "125 ST,ACBD;161/YANKEE STAD,BD4;163 ST-AMSTERDM,C;23 ST,FM;36 ST,MR;COURT SQ,EMG;"
    "42 ST-PORT AUTH,ACENGRS1237W;59 ST COLUMBUS,ABCD1;DELANCEY/ESSEX,FJMZ;YORK ST,F;"
    "EAST BROADWAY,F;GRAND ST,BD;OZONE PK LEFFRT,A;ROCKAWAY AV,C;FOREST HILLS 71,EFMR",
    "IRT": "103 ST-CORONA,7;116 ST-COLUMBIA,1;14 ST,123FLM;34 ST-PENN STA,123;46 ST BLISS ST,7;"
    "5 AVE,7BDFM;59 ST,456NQRW;FLATBUSH AV-B.C,25;KINGSBRIDGE RD,4;WALL ST,45;DYCKMAN ST,1;"
    "TIMES SQ-42 ST,1237ACENQRS;PELHAM BAY PARK,6;138/GRAND CONC,45;INTERVALE AV,25;50 ST,1",
    "PTH": "PATH NEW WTC,1;NEWARK HM HE,1",
}

# A weekday's traffic by four-hour window from midnight, where people live, where they work and
# in between; and that of a weekend day.
_HOME = (10, 190, 330, 150, 190, 90)
_WORK = (12, 40, 130, 200, 430, 130)
_BOTH = (15, 100, 240, 190, 310, 110)
_WEEKEND = (25, 25, 75, 115, 125, 65)

# Means of a turnstile's entries and exits in a week, and how many have none at all.
_ENTRIES, _EXITS, _UNUSED = 2300, 4200, 0.1

# Expected counts come in levels, each a tenth above the one below, so that tables are shared.
_STEP = 1.1
_NONE = -1000
_SPREAD = 0.1  # relative standard deviation of a large count
_NORMAL = [NormalDist().inv_cdf((byte + 0.5) / 256) for byte in range(256)]

_Shape = tuple[int, ...]
_Table = tuple[int, ...]


class Grid(NamedTuple):
    """A turnstile's regular audits: the first in seconds of the week, and seconds between."""

    first: int
    step: int

    @property
    def audits(self) -> int:
        """How many there are in a week."""
        return ceil((_WEEK - self.first) / self.step)


FOUR_HOURLY = tuple(Grid(hour * _HOUR, 4 * _HOUR) for hour in range(4))
_PATH_STEP = 4 * _HOUR + 12 * 60
_QUARTER_HOURLY = Grid(0, _HOUR // 4)
_QUARTER_HOURLY_SINCE = 2023  # there in June 2023; row counts of 2022 leave no room for them
_QUARTER_HOURLY_AREAS = range(100, 112)  # of the IRT's


class Register(NamedTuple):
    """One of a turnstile's two counters.

    `increments` has 256 equally likely counts for each audit but the last, until the next one;
    `weekly` is what is between the first readings of two weeks, more than a week can run up.
    """

    start: int
    weekly: int
    increments: tuple[_Table, ...]

    def readings(self, week: int, draws: bytes) -> Iterator[int]:
        """At the regular audits of a week; each byte draws the count until the next."""
        first = self.start + week * self.weekly
        return accumulate(map(getitem, self.increments, draws), initial=first)


class Turnstile(NamedTuple):
    """One turnstile, from the year it came into service."""

    keys: bytes  # C/A,UNIT,SCP
    place: bytes  # STATION,LINENAME,DIVISION
    since: int
    grid: Grid
    entries: Register
    exits: Register


def seeded(purpose: str) -> Random:
    """Return random numbers that are the same in every process."""
    return Random(purpose)  # noqa: S311  reproducible is what they must be


@cache
def turnstiles(year: int) -> tuple[Turnstile, ...]:
    """Return those in service in a year, in the order of a file."""
    fleet = _fleet(quarter_hourly=year >= _QUARTER_HOURLY_SINCE)
    return tuple(turnstile for turnstile in fleet if turnstile.since <= year)


@cache
def _fleet(*, quarter_hourly: bool) -> tuple[Turnstile, ...]:
    """Make all there ever were, the same ones either way."""
    rng = seeded("fleet")
    fleet: list[Turnstile] = []
    unit = 0
    for name, division, areas in _AREAS:
        number = 0
        for area in range(areas):
            if area % 2 == 0:  # a station has two control areas
                unit += 1
                station = _station(rng, division)
            number += rng.randrange(1, 3)
            keys = f"{name.format(number)},R{unit:03}"
            fine = quarter_hourly and division == "IRT" and area in _QUARTER_HOURLY_AREAS
            fleet += _area(rng, keys, station, fine=fine)
    return tuple(fleet)


class _Station(NamedTuple):
    place: str
    grid: Grid
    entries: _Shape
    exits: _Shape


def _station(rng: Random, division: str) -> _Station:
    place = rng.choice(_STATIONS[division].split(";"))
    grid = rng.choices(FOUR_HOURLY, (52, 38, 7, 3))[0]
    entries, exits = rng.choice(((_HOME, _WORK), (_WORK, _HOME), (_BOTH, _BOTH)))
    return _Station(f"{place},{division}", grid, entries, exits)


def _area(rng: Random, keys: str, station: _Station, *, fine: bool) -> Iterator[Turnstile]:
    """Make the turnstiles of one control area."""
    path = station.place.endswith("PTH")
    booth = rng.randrange(3)
    for bank in (0, 3, 5, 6)[: rng.randrange(1, 5)]:
        for position in range(rng.randrange(1, 13 if path else 5)):
            offset = rng.randrange(_PATH_STEP)
            grid = station.grid
            if path:
                grid = Grid(offset, _PATH_STEP)
            elif fine:
                grid = _QUARTER_HOURLY
            yield Turnstile(
                keys=f"{keys},{booth:02}-{bank:02}-{position:02X}".encode(),
                place=station.place.encode(),
                since=2010 if rng.random() < 0.83 else rng.randrange(2011, 2023),
                grid=grid,
                entries=_register(rng, _ENTRIES, station.entries, grid),
                exits=_register(rng, _EXITS, station.exits, grid),
            )


def _register(rng: Random, mean: float, shape: _Shape, grid: Grid) -> Register:
    start = round(min(10 ** rng.gauss(6, 0.7), 5e8))  # stays within the old era's nine digits
    level = round(log(rng.expovariate(1 / mean), _STEP))
    if rng.random() < _UNUSED:
        level = _NONE
    hour = Grid(grid.first // _HOUR * _HOUR, grid.step)  # PATH's own minutes share tables too
    return Register(start, _weekly(level, shape), _increments(level, shape, hour))


@cache
def _weekly(level: int, shape: _Shape) -> int:
    """Return what a week does not reach: six standard deviations above its mean."""
    tables = _increments(level, shape, FOUR_HOURLY[0])
    means = [sum(table) / 256 for table in tables]
    squares = [sum(count * count for count in table) / 256 for table in tables]
    variance = sum(squares) - sum(mean * mean for mean in means)
    return ceil(sum(means) + 6 * sqrt(variance))


@cache
def _increments(level: int, shape: _Shape, grid: Grid) -> tuple[_Table, ...]:
    """Choose a table for each audit but the last, by the traffic halfway to the next."""
    week = 5 * sum(shape) + 2 * sum(_WEEKEND)
    tables = []
    for audit in range(grid.audits - 1):
        day, second = divmod(grid.first + audit * grid.step + grid.step // 2, _DAY)
        window = (_WEEKEND if day < 2 else shape)[second // (4 * _HOUR)]  # weeks start Saturday
        share = window / week * grid.step / (4 * _HOUR)
        tables.append(_table(level + round(log(share, _STEP))))
    return tuple(tables)


@cache
def _table(level: int) -> _Table:
    """List 256 quantiles of a count whose mean is _STEP ** level: a byte draws one."""
    mean = _STEP**level
    if mean < 0.5:
        return tuple(int(byte >= 256 * (1 - mean)) for byte in range(256))
    # The square root of a count is about normal; its deviation is 1/2 where people come singly.
    deviation = sqrt(0.25 + mean * _SPREAD**2 / 4)
    middle = sqrt(mean - min(mean, deviation**2))
    return tuple(round(max(0.0, middle + z * deviation) ** 2) for z in _NORMAL)
