"""Where a feed's files are published: `url`, `query` and what `rows` asks. Pure.

Each function reads what the catalogue says, or raises ValueError that says what was expected.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import islice
from urllib.parse import urlsplit

from ingest.calendar import Calendar, Period
from ingest.feed import Address, Feed, Query
from ingest.forms import expected, in_it, label, tell_apart
from ingest.templates import Template

Scalar = str | int | float | bool
Item = tuple[str, str | None, str | None]
"""A template, and the first and the last period that it is for."""

# Servers refuse longer ones (8,000 bytes in Apache httpd and nginx), and it is to be kept.
_LONGEST_URL = 4000
_EARLIEST, _LATEST = datetime.min, datetime.max  # noqa: DTZ901  labels


def addresses(items: Sequence[Item], calendar: Calendar) -> tuple[Address, ...]:
    """Read a feed's addresses, in the order in which they are asked."""
    if not items:
        raise ValueError("expected at least one template")
    found = tuple(
        Address(url_template(text), _end("from", low, calendar), _end("to", high, calendar))
        for text, low, high in items
    )
    for address, (_, low, high) in zip(found, items, strict=True):
        if address.low and address.high and address.high < address.low:
            raise ValueError(f"from {low} lies after to {high}; swap the two")
    period = _uncovered(found, calendar)
    if period is not None:
        raise ValueError(f"nothing is for {period.key}; expected an item for every period")
    return found


def query(parameters: Mapping[str, Scalar]) -> Query:
    """Read the parameters of a request."""
    return tuple((_parameter(name), _value(value)) for name, value in parameters.items())


def count(replaced: Mapping[str, Scalar | None], of: Mapping[str, Scalar]) -> Query:
    """Read the parameters of the request that answers how many rows there are."""
    for name, value in replaced.items():
        if value is None and name not in of:
            raise ValueError(f"{name} is no parameter of query, so null cannot remove it")
    both: dict[str, Scalar | None] = {**of, **replaced}
    if both == of:
        raise ValueError("expected parameters that make another request of it")
    return query({name: value for name, value in both.items() if value is not None})


def url_template(text: str) -> Template:
    """Read where a feed's files are published."""
    template = Template.parse(text)
    wanted = f"expected http:// or https://, a host, and the fields after it, got {text!r}"
    if not re.fullmatch(r"https?://[^/{}]+(/.*)?", text) or re.search(r"[^!-~]|#", text):
        raise ValueError(wanted)
    try:
        parts = urlsplit(template.prefix)
        whole = parts.hostname is not None and parts.username is None and parts.port != 0
    except ValueError:  # a port or an address that is none
        whole = False
    if not whole:
        raise ValueError(wanted)
    return template


def check(feed: Feed) -> None:
    """Refuse addresses that several periods would share, and those that are too long."""
    calendar = feed.calendar
    for address in feed.addresses:
        covered = calendar.between(address.low or _EARLIEST, address.high or _LATEST)
        periods = [*islice(covered, 2)]
        for what, query in (("file", feed.query), ("number of rows", feed.rows.count)):
            values = None if query is None else [value for _, value in query]
            if values is None or len(periods) < 2:
                continue
            if not tell_apart(calendar, address.template, *values):
                raise ValueError(
                    f"{address.template.text!r} would fetch the same {what} for different "
                    f"periods; {in_it(calendar)}"
                )
        for location in feed.locations(periods[0]) if periods else ():
            if max(len(location.url), len(location.count_url or "")) > _LONGEST_URL:
                raise ValueError(f"expected at most {_LONGEST_URL} characters, query and all")


def _end(key: str, text: str | None, calendar: Calendar) -> datetime | None:
    """Read the first or the last period that an address is for."""
    if text is None:
        return None
    try:
        at = label(text, calendar.cadence)
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from None
    if not calendar.on_grid(at) and at not in calendar.also:
        raise ValueError(f"{key}: {text} is no period; expected {expected(calendar)}")
    return at


def _uncovered(found: Sequence[Address], calendar: Calendar) -> Period | None:
    """Return the first period that no address is for."""
    # It is the calendar's first, or the first one after an address ends.
    first = calendar.named(min((calendar.first, *calendar.also)))
    after = (calendar.neighbours(a.high)[1] for a in found if a.high is not None)
    periods = sorted(p for p in (first, *after) if p is not None)
    return next((p for p in periods if not any(a.covers(p.at) for a in found)), None)


def _parameter(name: str) -> str:
    if not name or not name.isprintable():
        raise ValueError(f"expected a parameter's name, got {name!r}")
    return name


def _value(value: Scalar) -> Template:
    return Template.parse(str(value).lower() if isinstance(value, bool) else str(value))
