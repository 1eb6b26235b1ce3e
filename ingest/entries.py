"""From an entry of the catalogue's YAML to a Feed: keys, types, defaults, how they fit."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Annotated, Literal, ParamSpec, TypeVar, get_args, get_type_hints

import msgspec

from ingest import addresses, forms
from ingest.calendar import Cadence, Calendar, Covers
from ingest.errors import ConfigurationError
from ingest.feed import Checks, Feed, Rows

_Natural = Annotated[int, msgspec.Meta(ge=0)]
_Status = Annotated[int, msgspec.Meta(ge=400, le=499)]


class _Checks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    min_bytes: _Natural = 0
    header: str | None = None
    header_from: str | None = None
    size_change: Annotated[float, msgspec.Meta(gt=0)] | None = None


class _Address(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    url: str
    low: str | None = msgspec.field(default=None, name="from")
    high: str | None = msgspec.field(default=None, name="to")


class _Rows(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    min: _Natural = 0
    below: _Natural | None = None
    count: dict[str, addresses.Scalar | None] | None = None


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The keys of an entry and what YAML makes of them."""

    url: str | tuple[str | _Address, ...]
    object: str
    cadence: Cadence
    first: str
    title: str = ""
    enabled: bool = True
    query: dict[str, addresses.Scalar] = {}
    weekday: str | None = None
    weekdays: tuple[str, ...] | None = None
    timezone: str = "UTC"
    covers: Covers = "following"
    also: tuple[str, ...] = ()
    keep_from: str | None = None
    last: str | None = None
    known_gaps: dict[str, str] = {}
    available_after: str = "0h"
    grace: str = "24h"
    grows: bool = False
    revisions: Literal["expected"] | None = None
    recheck: Annotated[int, msgspec.Meta(ge=0, le=100_000)] = 0
    schedule: str | None = None
    compress: Literal["gzip", "none"] = "gzip"
    absent_statuses: tuple[_Status, ...] = (404, 410)
    allowed_hosts: tuple[str, ...] = ()
    max_bytes: str | _Natural = "2GiB"
    rows: _Rows = _Rows()
    checks: _Checks = _Checks()

    @property
    def addresses(self) -> list[addresses.Item]:
        """The items of `url`: templates, and the first and last period that each is for."""
        items = (self.url,) if isinstance(self.url, str) else self.url
        return [
            (item, None, None) if isinstance(item, str) else (item.url, item.low, item.high)
            for item in items
        ]


# What may stand where, by the last part of the path to it.
_KEYS = {"checks": _Checks, "rows": _Rows, "": _Entry}


def feed_of(name: object, raw: object) -> Feed:
    """Build the feed that a catalogue's entry describes.

    Raises ConfigurationError with the feed, the key and what was expected.
    """
    if not isinstance(name, str) or not re.fullmatch(r"[a-z0-9-]{1,64}", name):
        raise ConfigurationError(
            f"{name!r} is no name for a feed; expected 1 to 64 of a-z, 0-9 and -"
            + ("" if isinstance(name, str) else ", in quotes")
        )
    try:
        return _feed(name, msgspec.convert(raw, _Entry))
    except (msgspec.ValidationError, UnicodeEncodeError) as error:  # half of a surrogate pair
        reason, _, path = str(error).partition(" - at `$")
        key = path.removesuffix("`").removeprefix(".")
        if "unknown field" in reason:
            known = _KEYS.get(key, _Address).__struct_encode_fields__
            reason += f"; expected of {', '.join(known)}"
        elif "enum value" in reason:
            reason += f"; expected one of {', '.join(_words(key))}"
        raise ConfigurationError(f"{name}: {key + ': ' if key else ''}{reason}") from None
    except _KeyProblemError as error:
        raise ConfigurationError(f"{name}: {error}") from None


def _words(key: str) -> Iterator[str]:
    """Yield the words that a key may have."""
    hint = get_type_hints(_Entry)[key]
    for part in get_args(hint):
        yield from get_args(part) or ([part] if isinstance(part, str) else [])


def _feed(name: str, entry: _Entry) -> Feed:
    calendar = _calendar(entry)
    checks = entry.checks
    for key, given in (
        ("checks.header", checks.header is not None),
        ("rows", entry.rows != _Rows()),
    ):
        if entry.compress == "none" and given:
            raise _KeyProblemError(f"{key}: goes with compress: gzip alone; leave it out")
    feed = Feed(
        name=name,
        title=entry.title or name,
        addresses=_read("url", addresses.addresses, entry.addresses, calendar),
        query=_read("query", addresses.query, entry.query),
        object=_read("object", forms.object_template, entry.object, calendar, entry.compress),
        calendar=calendar,
        keep_from=_read("keep_from", forms.moment, entry.keep_from)
        or min((calendar.first, *calendar.also)),
        enabled=entry.enabled,
        known_gaps=_read("known_gaps", forms.gaps, entry.known_gaps, calendar),
        recheck=entry.recheck,
        schedule=_read("schedule", forms.cron, entry.schedule),
        compress=entry.compress,
        absent_statuses=frozenset(entry.absent_statuses),
        allowed_hosts=_read("allowed_hosts", forms.hosts, entry.allowed_hosts),
        max_bytes=_read("max_bytes", forms.size, entry.max_bytes),
        checks=Checks(
            min_bytes=checks.min_bytes,
            header=_read("checks.header", forms.header, checks.header),
            header_from=_read("checks.header_from", forms.moment, checks.header_from),
            size_change=checks.size_change,
        ),
        rows=_rows(entry),
        revisions_expected=entry.revisions == "expected",
    )
    if checks.header_from is not None and checks.header is None:
        raise _KeyProblemError("checks.header_from: goes with header alone; leave it out")
    _read("url", addresses.check, feed)
    _tell_also_apart(feed)
    return feed


def _rows(entry: _Entry) -> Rows:
    rows = entry.rows
    if rows.below is not None and rows.below <= rows.min:
        raise _KeyProblemError(f"rows.below: expected more than min, {rows.min}")
    count = None
    if rows.count is not None:
        count = _read("rows.count", addresses.count, rows.count, entry.query)
    return Rows(min=rows.min, below=rows.below, count=count)


def _tell_also_apart(feed: Feed) -> None:
    """Refuse templates that name a period off the grid like one beside it."""
    for period in map(feed.calendar.named, feed.calendar.also):
        for other in feed.calendar.neighbours(period.at):
            if other is None:
                continue
            both = f"for {other.key} and {period.key} (of also); expected the day in it"
            if feed.object_name(other) == feed.object_name(period):
                what = f"object: {feed.object.text!r} would name the same object"
                raise _KeyProblemError(f"{what} {both}")
            shared = {*feed.locations(other)} & {*feed.locations(period)}
            if shared:
                what = f"url: {min(one.url for one in shared)!r} would be fetched"
                raise _KeyProblemError(f"{what} {both}")


def _calendar(entry: _Entry) -> Calendar:
    last = None if entry.last is None else _read("last", forms.label, entry.last, entry.cadence)
    grid = Calendar(
        cadence=entry.cadence,
        timezone=_read("timezone", forms.timezone, entry.timezone, entry.cadence),
        weekday=_read("weekday", forms.weekday, entry.weekday, entry.cadence),
        weekdays=_read("weekdays", forms.weekdays, entry.weekdays, entry.cadence),
        first=_read("first", forms.label, entry.first, entry.cadence),
        last=last,
        covers=entry.covers,
        grows=entry.grows,
        available_after=_read("available_after", forms.duration, entry.available_after),
        grace=_read("grace", forms.duration, entry.grace),
    )
    if grid.last is not None and grid.last < grid.first:
        raise _KeyProblemError(f"last: expected a period not before first, {entry.first}")
    for key, label in (("first", grid.first), ("last", grid.last)):
        if label is not None and label not in grid:
            expected = forms.expected(grid)
            raise _KeyProblemError(f"{key}: {label.date()} is no period; expected {expected}")
    if grid.grows and grid.covers == "previous":
        raise _KeyProblemError(
            "grows: a file that grows is named by the beginning of its window; "
            "expected covers: following"
        )
    also = tuple(sorted(_read("also", forms.label, text, entry.cadence) for text in entry.also))
    for before, label in zip((None, *also), also, strict=False):
        if label in grid or label == before:
            reason = "named twice" if label == before else "on the calendar anyway"
            raise _KeyProblemError(f"also: {grid.named(label).key} is {reason}; leave it out")
    return replace(grid, also=also)


class _KeyProblemError(ValueError):
    """What is wrong with a key, which the message begins with."""


_T = TypeVar("_T")
_P = ParamSpec("_P")


def _read(key: str, reader: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    try:
        return reader(*args, **kwargs)
    except ValueError as error:
        raise _KeyProblemError(f"{key}: {error}") from None
