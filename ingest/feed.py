"""What a feed is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from ingest.calendar import Calendar, Period
from ingest.templates import Template

RESERVED_PREFIX = "_lakefill/"


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
    url: Template
    object: Template
    calendar: Calendar
    keep_from: datetime
    known_gaps: Mapping[str, str] = field(default_factory=dict)
    recheck: int = 0
    schedule: str | None = None
    compress: Literal["gzip", "none"] = "gzip"
    absent_statuses: frozenset[int] = frozenset({404, 410})
    allowed_hosts: frozenset[str] = frozenset()
    max_bytes: int = 2 * 2**30
    checks: Checks = Checks()

    def source_url(self, period: Period) -> str:
        """Return where the period's file is published."""
        return self.url.render(period.at, *self.calendar.window(period))

    def object_name(self, period: Period) -> str:
        """Return the name of the period's object in the lake."""
        return self.object.render(period.at, *self.calendar.window(period))

    def header_of(self, period: Period) -> tuple[str, ...] | None:
        """Return the column names that the period's file must begin with, if any."""
        checks = self.checks
        if checks.header_from is not None and period.at < checks.header_from:
            return None
        return checks.header
