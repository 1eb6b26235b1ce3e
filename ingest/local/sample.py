"""Sample source data: NYC MTA turnstile weeks of both eras, made from nothing but a date.

The same date gives the same bytes in every process; two dates never give the same.

As in the real files: header, columns, widths and line ends; the change of format on
2014-10-18; seven days a file; how audits fall (every four hours on a grid that a station's
turnstiles share; PATH every 4 h 12 min; some 65 turnstiles every quarter of an hour since 2023;
a few missing, recovered or in between); counters that run up by what fits the hour, the day
and the turnstile; about how many rows there are (193,000 a week in 2015, 206,000 in 2019,
211,000 in 2022, 253,000 since 2023) and how well they compress.

Not so: readings, control areas and units are invented (see fleet.py). Every week has the
traffic of an ordinary one of 2023. No counter is reset, stuck or running backwards; from week
to week they go on, but the step across the seam is larger than the traffic of those hours.
Audits ignore summer time. The weeks of mid-2015, unpadded in reality, are padded. Old weeks
are as in an excerpt of 2011 (LF, nine digits), except that it tears "DOOR OPEN" and
"RECOVR AUD" into two readings and these keep them whole, as a published one of 2013 does.
Their size, some 9 MB, is the number of turnstiles times about 45 readings (the excerpt has 47
of each); gzip makes them 5.6 times smaller, the excerpt, from busier stations, 5.0 times. The
first file has seven days from 2010-04-17, when the real one begins; where that ends is not
known. The corrupt file begins like the real one and is made up from there.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import chain
from operator import itemgetter
from random import Random
from typing import NamedTuple

from ingest.local.fleet import FOUR_HOURLY, Grid, Turnstile, seeded, turnstiles

VERSION = "1"
"""Changes whenever a date would give other bytes than before."""

FIRST = dt.date(2010, 5, 5)  # a Wednesday, the only one
FIRST_SATURDAY = dt.date(2010, 5, 8)
CORRUPT = dt.date(2012, 7, 14)
MODERN = dt.date(2014, 10, 18)
LAST = dt.date(2024, 2, 17)

ROW_BYTES = 131
"""Every line of a modern file, with its padding and LF."""

HEADER = (
    b"C/A,UNIT,SCP,STATION,LINENAME,DIVISION,DATE,TIME,DESC,ENTRIES,EXITS".ljust(130) + b"\n"
)

_EPOCH = dt.date(2010, 4, 17)  # first day of the first file
_PIECE_BYTES = 256 * 1024
_CORRUPT_START = (
    b"NUMBER,OF,ENTRIES,2,NUMBER,,07-07-12,11:18:30,002918817,OF,,07-07-12,11:19:55,002918828,"
    b"EXITS,,07-07-12,,002918839,3,,07-07-12,,000000022,000995988,,,\n"
)


_Pair = tuple[int, int]  # entries and exits


class _Audit(NamedTuple):
    """A reading in a file: at a regular audit, or so many seconds later."""

    regular: int
    late: int
    description: bytes


@dataclass(frozen=True, eq=False)
class _Pattern:
    """The audits that a file has of a turnstile."""

    audits: tuple[_Audit, ...]
    is_regular: bool = False

    def pick(self, readings: Sequence[_Pair]) -> list[_Pair]:
        """Return what they read, given all regular audits."""
        return [
            _between(readings[n], readings[n + 1], late) if late else readings[n]
            for n, late, _ in self.audits
        ]

    @cached_property
    def described(self) -> int:
        """Return the bytes of all descriptions."""
        return sum(len(audit.description) for audit in self.audits)


def _between(one: _Pair, next_one: _Pair, late: int) -> _Pair:
    """Interpolate the counters so many seconds after a four-hourly audit."""
    share = late / FOUR_HOURLY[0].step
    entries, exits = (a + int((b - a) * share) for a, b in zip(one, next_one, strict=True))
    return entries, exits


_Form = Callable[[Grid, _Pattern, int], list[bytes]]
_Plan = Iterator[tuple[Turnstile, _Pattern]]


def published(day: dt.date) -> bool:
    """Tell whether a date has a file: 2010-05-05, and Saturdays until 2024-02-17."""
    return day == FIRST or (FIRST_SATURDAY <= day <= LAST and day.weekday() == 5)


def week(day: dt.date) -> Iterator[bytes]:
    """Make the file of a date, in pieces of 256 KiB and a little more, the last one less."""
    _check(day)
    return iter([_corrupt()]) if day == CORRUPT else _pieces(day)


@cache
def size(day: dt.date) -> int:
    """Return the bytes of a date's file, without making it."""
    _check(day)
    if day == CORRUPT:
        return len(_corrupt())
    if day >= MODERN:
        return ROW_BYTES * (1 + sum(len(pattern.audits) for _, pattern in _plan(day)))
    reading = len(",MM-DD-YY,hh:mm:ss,,000000000,000000000")
    return sum(
        len(turnstile.keys + b"\n") * len(range(0, len(pattern.audits), 8))
        + reading * len(pattern.audits)
        + pattern.described
        for turnstile, pattern in _plan(day)
    )


def _check(day: dt.date) -> None:
    if not published(day):
        raise ValueError(f"{day} has no file: neither {FIRST} nor a Saturday until {LAST}")


def _pieces(day: dt.date) -> Iterator[bytes]:
    modern = day >= MODERN
    number = (_start(day) - _EPOCH).days // 7
    rng = seeded(f"traffic {day}")
    form = _modern_form(day) if modern else _old_form(day)
    pieces = [HEADER] if modern else []
    pending = 0
    for turnstile, pattern in _plan(day):
        columns = turnstile.keys + b"," + turnstile.place if modern else turnstile.keys
        audits = turnstile.grid.audits
        draws = rng.randbytes(2 * audits)
        readings: Iterable[_Pair] = zip(
            turnstile.entries.readings(number, draws[:audits]),
            turnstile.exits.readings(number, draws[audits:]),
            strict=True,
        )
        if not pattern.is_regular:
            readings = pattern.pick([*readings])
        # One formatting for all of a turnstile's counters: this is what makes it fast.
        lines = columns.join(form(turnstile.grid, pattern, len(columns)))
        piece = lines % tuple(chain.from_iterable(readings))
        pieces.append(piece)
        pending += len(piece)
        if pending >= _PIECE_BYTES:
            yield b"".join(pieces)
            pieces, pending = [], 0
    if pieces:
        yield b"".join(pieces)


def _start(day: dt.date) -> dt.date:
    """Return the first of the seven days in a file, always a Saturday."""
    return _EPOCH if day == FIRST else day - dt.timedelta(days=7)


def _modern_form(day: dt.date) -> _Form:
    """Lay out what follows a turnstile's columns, a line a reading."""
    readings = _readings(day, "%m/%d/%Y", b"%010d")

    @cache
    def form(grid: Grid, pattern: _Pattern, columns: int) -> list[bytes]:
        width = ROW_BYTES - 1 - columns - 2 * (len("0123456789") - len("%010d"))
        rows = (reading.ljust(width) + b"\n" for reading in readings(grid, pattern))
        return [b"", *rows]

    return form


def _old_form(day: dt.date) -> _Form:
    """Lay out what follows a turnstile's keys, up to eight readings a line."""
    readings = _readings(day, "%m-%d-%y", b"%09d")

    @cache
    def form(grid: Grid, pattern: _Pattern, _: int) -> list[bytes]:
        row = readings(grid, pattern)
        lines = (b"".join(row[at : at + 8]) + b"\n" for at in range(0, len(row), 8))
        return [b"", *lines]

    return form


def _readings(
    day: dt.date, date: str, counter: bytes
) -> Callable[[Grid, _Pattern], list[bytes]]:
    """Write a reading's five fields, the counters as formats yet to be filled in."""
    dates = [f"{_start(day) + dt.timedelta(days=n):{date}}".encode() for n in range(7)]

    @cache
    def readings(grid: Grid, pattern: _Pattern) -> list[bytes]:
        rows = []
        for regular, late, description in pattern.audits:
            minutes, second = divmod(grid.first + regular * grid.step + late, 60)
            hours, minute = divmod(minutes, 60)
            days, hour = divmod(hours, 24)
            time = b"%02d:%02d:%02d" % (hour, minute, second)
            rows.append(b",".join((b"", dates[days], time, description, counter, counter)))
        return rows

    return readings


def _plan(day: dt.date) -> _Plan:
    """Choose the turnstiles of a file, and the audits of each."""
    rng = seeded(f"audits {day}")
    modern = day >= MODERN
    four_hourly = [_irregular(rng, modern=modern) for _ in range(24)] * (2 if modern else 6)
    four_hourly += [_regular(FOUR_HOURLY[0].audits)] * (256 - len(four_hourly))
    fleet = turnstiles(day.year)
    for turnstile, draw in zip(fleet, rng.randbytes(len(fleet)), strict=True):
        on_grid = turnstile.grid in FOUR_HOURLY
        yield turnstile, four_hourly[draw] if on_grid else _regular(turnstile.grid.audits)


@cache
def _regular(audits: int) -> _Pattern:
    return _Pattern(tuple(_Audit(n, 0, b"REGULAR") for n in range(audits)), is_regular=True)


def _irregular(rng: Random, *, modern: bool) -> _Pattern:
    """Make four-hourly audits of which some are recovered, missing or in between."""
    audits = [*_regular(FOUR_HOURLY[0].audits).audits]
    begin = rng.randrange(len(audits) - 1)
    many = min(1 + int(rng.expovariate(0.25)), len(audits) // 2)
    kind = rng.choices(("recovered", "missing", "between"), (4, 3, 3) if modern else (3, 1, 6))
    if kind == ["missing"]:
        del audits[begin : begin + many]
    elif kind == ["between"]:
        description = b"REGULAR" if modern else b"DOOR OPEN"
        seconds = rng.sample(range(1, FOUR_HOURLY[0].step), many)
        audits += [_Audit(begin, late, description) for late in seconds]
    else:
        recovered = [_Audit(n, 0, b"RECOVR AUD") for n, _, _ in audits[begin : begin + many]]
        if modern:  # in place of the regular one; formerly besides it
            del audits[begin : begin + many]
        audits += recovered
    return _Pattern(tuple(sorted(audits, key=itemgetter(0, 1))))


@cache
def _corrupt() -> bytes:
    """Make lines of any number of fields: words of a description, and torn readings."""
    rng = seeded("corrupt")
    fields = [b"", b"NUMBER", b"OF", b"ENTRIES", b"EXITS", b"2", b"3", b"07-07-12", b"11:18:30"]
    fields += [b"%09d" % rng.randrange(10**7) for _ in range(500)]
    lines = (b",".join(rng.choices(fields, k=rng.randrange(2, 44))) for _ in range(4000))
    return _CORRUPT_START + b"".join(line + b"\n" for line in lines)
