"""The forms that a catalogue's values take. Pure.

Each function reads one value from its text, or raises ValueError that says what was expected.
"""

import csv
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice, product
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ingest.calendar import Cadence, Calendar, NotAPeriodError, parse_label
from ingest.feed import RESERVED_PREFIX
from ingest.templates import FIELDS, Template

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SIZES = {"": 1, "B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
_LONGEST_GAP = 100_000  # periods: eleven years of hours
_EARLIEST = datetime(1000, 1, 1)  # noqa: DTZ001  a label; below, %Y is not four digits
# After it, two digits of a year mean another century (POSIX, strptime).
_TWO_DIGITS_END = datetime(2068, 12, 31)  # noqa: DTZ001  a label
_OTHER_CONTAINERS = (".zip", ".parquet", ".bz2", ".xz", ".zst")

# Directives that tell a period of the cadence from every other, one set being enough.
_YEAR = [{"%Y"}, {"%y"}]
_MONTH = [year | month for year, month in product(_YEAR, [{"%m"}, {"%b"}, {"%B"}])]
_DAY = [month | {"%d"} for month in _MONTH] + [year | {"%j"} for year in _YEAR]
_NAMING: dict[Cadence, list[set[str]]] = {
    "year": _YEAR,
    "month": _MONTH,
    "week": [*_DAY, {"%G", "%V"}, *(y | {w} for y, w in product(_YEAR, ["%U", "%W"]))],
    "day": _DAY,
    "hour": [day | {hour} for day, hour in product(_DAY, ["%H", "%-H"])],
}


def expected(calendar: Calendar) -> str:
    """Say where the periods of a calendar lie."""
    match calendar.cadence:
        case "week":
            return f"a {_WEEKDAYS[calendar.weekday]}"
        case "day" if calendar.weekdays:
            return f"a {' or '.join(_WEEKDAYS[n] for n in calendar.weekdays)}"
        case "month":
            return "the first day of a month"
        case "year":
            return "the first of January"
        case _:
            return "a period of the cadence"


def timezone(name: str, cadence: Cadence) -> ZoneInfo:
    """Read a zone of the tz database."""
    if cadence == "hour" and name != "UTC":
        raise ValueError("expected UTC for an hour feed, so that no hour comes twice")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError):
        raise ValueError(f"expected a time zone like America/New_York, got {name!r}") from None


def weekday(name: str | None, cadence: Cadence) -> int:
    """Read a weekday's name; Monday is 0."""
    if cadence != "week":
        if name is not None:
            raise ValueError("goes with cadence: week alone; leave it out")
        return 0
    if name not in _WEEKDAYS:
        raise ValueError(f"expected one of {', '.join(_WEEKDAYS)}, got {name!r}")
    return _WEEKDAYS.index(name)


def weekdays(names: Sequence[str] | None, cadence: Cadence) -> tuple[int, ...]:
    """Read the weekdays that have a file; none means all."""
    if names is None:
        return ()
    if cadence != "day":
        raise ValueError("goes with cadence: day alone; leave it out")
    if not names or len({*names}) < len(names) or not {*names} <= {*_WEEKDAYS}:
        raise ValueError(f"expected some of {', '.join(_WEEKDAYS)}, once each")
    return tuple(sorted(map(_WEEKDAYS.index, names)))


def label(text: str, cadence: Cadence) -> datetime:
    """Read a period's label."""
    try:
        at = parse_label(text, cadence)
    except NotAPeriodError as error:
        raise ValueError(f"{error}, got {text!r}") from None
    if at < _EARLIEST:
        raise ValueError(f"expected a year from 1000 on, got {text!r}")
    return at


def moment(text: str | None) -> datetime | None:
    """Read a date, or an hour, that need not be a period."""
    if text is None:
        return None
    return label(text, "hour" if "T" in text else "day")


def gaps(reasons: Mapping[str, str], calendar: Calendar) -> dict[str, str]:
    """Read the reasons by period of what is known to be missing; `A..B` is a run of periods."""
    known: dict[str, str] = {}
    for value, reason in reasons.items():
        first, dots, last = value.partition("..")
        low = _gap(first, calendar)
        run = [calendar.named(low)]
        if dots:
            run = [*islice(calendar.between(low, _gap(last, calendar)), _LONGEST_GAP + 1)]
        if not run:
            raise ValueError(f"{value} ends before it begins; swap the two")
        if len(run) > _LONGEST_GAP:
            raise ValueError(f"{value} is over {_LONGEST_GAP:,} periods; expected fewer")
        for period in run:
            if period.key in known:
                raise ValueError(f"{period.key} is named twice, in {value} too; expected once")
            known[period.key] = reason
    return known


def _gap(text: str, calendar: Calendar) -> datetime:
    at = label(text, calendar.cadence)
    if at not in calendar:
        raise ValueError(f"{text} is off the calendar; expected a period of the feed")
    return at


def duration(text: str) -> timedelta:
    """Read a length of time: a number and s, m, h, d or w."""
    match = re.fullmatch(r"([0-9]{1,5})([smhdw])", text)
    if not match:
        raise ValueError(f"expected a time like 30m, 6h, 10d or 2w, got {text!r}")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def size(value: str | int) -> int:
    """Read a size, in bytes."""
    match = re.fullmatch(r"([0-9]{1,15}) ?([KMGT]iB|B|)", str(value))
    if not match or not int(match[1]):
        raise ValueError(f"expected a size like 500MiB or 2GiB, got {value!r}")
    return int(match[1]) * _SIZES[match[2]]


def object_template(text: str, calendar: Calendar, compress: str) -> Template:
    """Read how a feed's objects are named."""
    template = Template.parse(text)
    # What directives write has no slash, dot or underscore in it: one example shows them all.
    name = template.render(_EARLIEST, _EARLIEST, _EARLIEST)
    if name.startswith(("/", RESERVED_PREFIX)) or re.search(r"[^ -~]|//|(^|/)\.\.?(/|$)", name):
        raise ValueError(
            f"expected a plain path in the bucket, not below {RESERVED_PREFIX}, got {text!r}"
        )
    if compress == "gzip" and name.endswith(_OTHER_CONTAINERS):
        raise ValueError(
            f"{text!r} would name a gzip of the file; expected a name that ends in .gz, "
            "or compress: none"
        )
    if not tell_apart(calendar, template):
        raise ValueError(
            f"{text!r} would name the same object for different periods; {in_it(calendar)}"
        )
    return template


def tell_apart(calendar: Calendar, *templates: Template) -> bool:
    """Tell whether the templates, taken together, write another text for each period."""
    ambiguous = {"%y"} if _over_a_century(calendar) else set()
    named = [
        {d for t in templates for d in t.directives(field)} - ambiguous for field in FIELDS
    ]
    choices = _NAMING[calendar.cadence]
    return any(choice <= directives for choice, directives in product(choices, named))


def _over_a_century(calendar: Calendar) -> bool:
    """Tell whether two digits of a year stand for several of its years."""
    ends = (calendar.first, *calendar.also, calendar.last or _TWO_DIGITS_END)
    return max(ends).year - min(ends).year >= 100


def in_it(calendar: Calendar) -> str:
    """Say what a template that names each period must have."""
    directives = " ".join(sorted(_NAMING[calendar.cadence][0]))
    return f"expected the {calendar.cadence} in it, by {directives} of one field"


def cron(text: str | None) -> str | None:
    """Read a cron line; Cloud Scheduler checks its fields' values."""
    if text is not None and not re.fullmatch(r"\s*([0-9A-Za-z*/,-]+(\s+|$)){5}", text):
        raise ValueError(f"expected five fields like '0 9 * * 0', got {text!r}")
    return text


def hosts(names: tuple[str, ...]) -> frozenset[str]:
    """Read host names, without ports."""
    for name in names:
        if not re.fullmatch(r"[A-Za-z0-9.-]+", name):
            raise ValueError(f"expected a host name like data.example.org, got {name!r}")
    return frozenset(name.lower() for name in names)


def header(text: str | None) -> tuple[str, ...] | None:
    """Read the column names of a CSV header, quoted or not."""
    if text is None:
        return None
    return tuple(name.strip() for name in next(csv.reader([text], skipinitialspace=True), []))
