"""From an entry of the catalogue's YAML to a Feed: keys, types, defaults, how they fit."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Literal, ParamSpec, TypeVar, get_args, get_type_hints

import msgspec

from ingest import forms
from ingest.calendar import Cadence, Calendar, Covers
from ingest.errors import ConfigurationError
from ingest.feed import Checks, Feed

_Natural = Annotated[int, msgspec.Meta(ge=0)]
_Status = Annotated[int, msgspec.Meta(ge=400, le=499)]


class _Checks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    min_bytes: _Natural = 0
    header: str | None = None
    header_from: str | None = None
    size_change: Annotated[float, msgspec.Meta(gt=0)] | None = None


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The keys of an entry and what YAML makes of them."""

    url: str
    object: str
    cadence: Cadence
    first: str
    title: str = ""
    weekday: str | None = None
    timezone: str = "UTC"
    covers: Covers = "following"
    also: tuple[str, ...] = ()
    keep_from: str | None = None
    last: str | None = None
    known_gaps: dict[str, str] = {}
    available_after: str = "0h"
    grace: str = "24h"
    recheck: Annotated[int, msgspec.Meta(ge=0, le=100_000)] = 0
    schedule: str | None = None
    compress: Literal["gzip", "none"] = "gzip"
    absent_statuses: tuple[_Status, ...] = (404, 410)
    allowed_hosts: tuple[str, ...] = ()
    max_bytes: str | _Natural = "2GiB"
    checks: _Checks = _Checks()


def feed_of(name: object, raw: object) -> Feed:
    """Build the feed that a catalogue's entry describes.

    Raises ConfigurationError with the feed, the key and what was expected.
    """
    if not isinstance(name, str) or not re.fullmatch(r"[a-z0-9-]{1,64}", name):
        raise ConfigurationError(
            f"{name!r} is no name for a feed; expected 1 to 64 of a-z, 0-9 and -"
        )
    try:
        return _feed(name, msgspec.convert(raw, _Entry))
    except (msgspec.ValidationError, UnicodeEncodeError) as error:  # half of a surrogate pair
        reason, _, path = str(error).partition(" - at `$")
        key = path.removesuffix("`").removeprefix(".")
        if "unknown field" in reason:
            known = _Checks.__struct_fields__ if key == "checks" else _Entry.__struct_fields__
            reason += f"; expected of {', '.join(known)}"
        elif "enum value" in reason:
            reason += f"; expected one of {', '.join(get_args(get_type_hints(_Entry)[key]))}"
        raise ConfigurationError(f"{name}: {key + ': ' if key else ''}{reason}") from None
    except _KeyProblemError as error:
        raise ConfigurationError(f"{name}: {error}") from None


def _feed(name: str, entry: _Entry) -> Feed:
    calendar = _calendar(entry)
    checks = entry.checks
    if entry.compress == "none" and checks.header is not None:
        raise _KeyProblemError("checks.header: goes with compress: gzip alone; leave it out")
    feed = Feed(
        name=name,
        title=entry.title or name,
        url=_read("url", forms.url_template, entry.url),
        object=_read("object", forms.object_template, entry.object, entry.cadence),
        calendar=calendar,
        keep_from=_read("keep_from", forms.moment, entry.keep_from)
        or min((calendar.first, *calendar.also)),
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
    )
    _tell_sources_apart(feed)
    _tell_also_apart(feed)
    return feed


def _tell_sources_apart(feed: Feed) -> None:
    """Refuse to store one file under the names of several periods."""
    calendar = feed.calendar
    single = calendar.first == calendar.last and not calendar.also
    if not single and not forms.tell_apart(calendar.cadence, feed.url):
        raise _KeyProblemError(
            f"url: {feed.url.text!r} would fetch the same file for different periods; "
            f"{forms.in_it(calendar.cadence)}"
        )


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
            if feed.source_url(other) == feed.source_url(period):
                what = f"url: {feed.url.text!r} would fetch the same file"
                raise _KeyProblemError(f"{what} {both}")


def _calendar(entry: _Entry) -> Calendar:
    last = None if entry.last is None else _read("last", forms.label, entry.last, entry.cadence)
    grid = Calendar(
        cadence=entry.cadence,
        timezone=_read("timezone", forms.timezone, entry.timezone, entry.cadence),
        weekday=_read("weekday", forms.weekday, entry.weekday, entry.cadence),
        first=_read("first", forms.label, entry.first, entry.cadence),
        last=last,
        covers=entry.covers,
        available_after=_read("available_after", forms.duration, entry.available_after),
        grace=_read("grace", forms.duration, entry.grace),
    )
    if grid.last is not None and grid.last < grid.first:
        raise _KeyProblemError(f"last: expected a period not before first, {entry.first}")
    for key, label in (("first", grid.first), ("last", grid.last)):
        if label is not None and label not in grid:
            expected = forms.expected(entry.cadence, entry.weekday)
            raise _KeyProblemError(f"{key}: {label.date()} is no period; expected {expected}")
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
