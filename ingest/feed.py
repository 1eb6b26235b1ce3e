"""What a feed is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from urllib.parse import quote

from ingest.calendar import Calendar, Period
from ingest.templates import Template

RESERVED_PREFIX = "_lakefill/"

Query = tuple[tuple[str, Template], ...]
"""The parameters of a request, in order: their names, and their values before encoding."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where files are published, of the periods labelled `low` to `high`, both inclusive."""

    template: Template
    low: datetime | None = None
    high: datetime | None = None

    def covers(self, at: datetime) -> bool:
        """Tell whether it is for the period with that label."""
        return (self.low is None or self.low <= at) and (self.high is None or at <= self.high)


@dataclass(frozen=True, slots=True)
class Location:
    """Where one period's file is, and where the source tells its rows, if it does."""

    url: str
    count_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """How many rows of data a file may have, its header not counted.

    Fewer than `min` are no file; `below` is a limit of the source's that was reached. `count`
    are the parameters of the request that answers their number.
    """

    min: int = 0
    below: int | None = None
    count: Query | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """What a file must look like to be stored. Sizes in bytes."""

    min_bytes: int = 0
    header: tuple[str, ...] | None = None
    header_from: datetime | None = None
    size_change: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """One entry of the catalogue, ready to use: everything checked, nothing left to parse."""

    name: str
    title: str
    addresses: tuple[Address, ...]
    object: Template
    calendar: Calendar
    keep_from: datetime
    enabled: bool = True
    query: Query = ()
    known_gaps: Mapping[str, str] = field(default_factory=dict)
    recheck: int = 0
    schedule: str | None = None
    compress: Literal["gzip", "none"] = "gzip"
    absent_statuses: frozenset[int] = frozenset({404, 410})
    allowed_hosts: frozenset[str] = frozenset()
    max_bytes: int = 2 * 2**30
    checks: Checks = Checks()
    rows: Rows = Rows()
    revisions_expected: bool = False

    def locations(self, period: Period) -> Sequence[Location]:
        """Return where the period's file may be, in the order to ask; one at least."""
        times = (period.at, *self.calendar.window(period))
        count = self.rows.count
        return [
            Location(
                _with_query(url, self.query, times),
                None if count is None else _with_query(url, count, times),
            )
            for address in self.addresses
            if address.covers(period.at)
            for url in (address.template.render(*times),)
        ]

    def source_url(self, period: Period) -> str:
        """Return where the period's file is published first of all."""
        return self.locations(period)[0].url

    def object_name(self, period: Period) -> str:
        """Return the name of the period's object in the lake."""
        return self.object.render(period.at, *self.calendar.window(period))

    def header_of(self, period: Period) -> tuple[str, ...] | None:
        """Return the column names that the period's file must begin with, if any."""
        checks = self.checks
        if checks.header_from is not None and period.at < checks.header_from:
            return None
        return checks.header


def _with_query(url: str, query: Query, times: tuple[datetime, datetime, datetime]) -> str:
    """Return a URL with the parameters after those that it may have already."""
    if not query:
        return url
    # Nothing is safe: what a value is made of ends up in that value alone.
    encoded = (f"{quote(n, safe='')}={quote(v.render(*times), safe='')}" for n, v in query)
    return f"{url}{'&' if '?' in url else '?'}{'&'.join(encoded)}"
