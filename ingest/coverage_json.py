"""Coverage as JSON. Pure."""

from collections.abc import Iterable
from typing import Any

import msgspec

from ingest.calendar import Period
from ingest.coverage import FeedCoverage, LakeCoverage, PeriodCoverage
from ingest.times import iso


def document(coverage: LakeCoverage) -> bytes:
    """Return all feeds with all their periods, as it is published."""
    return encode(coverage, [with_periods(feed, feed.periods) for feed in coverage.feeds])


def encode(coverage: LakeCoverage, feeds: Iterable[dict[str, Any]]) -> bytes:
    """Return what is to be said of the feeds, and which could not be looked at and why."""
    unknown = [{"feed": name, "error": why} for name, why in coverage.unknown.items()]
    body = {"as_of": iso(coverage.as_of), "feeds": [*feeds, *unknown]}
    return msgspec.json.encode(body) + b"\n"


def with_periods(coverage: FeedCoverage, periods: Iterable[PeriodCoverage]) -> dict[str, Any]:
    """Return a feed's summary with these of its periods."""
    # Each encoded at once: as dicts, 100,000 of them are 100 MB.
    rows = [msgspec.Raw(msgspec.json.encode(details(period))) for period in periods]
    return {**summary(coverage), "periods": rows}


def summary(coverage: FeedCoverage) -> dict[str, Any]:
    """Return a feed's counts and marks as JSON has them; periods by key, instants in UTC."""
    next_due = coverage.next_due
    due_at = coverage.feed.calendar.due(next_due) if next_due else None
    return {
        "feed": coverage.feed.name,
        "title": coverage.feed.title,
        "cadence": coverage.feed.calendar.cadence,
        "expected": coverage.expected,
        "stored": coverage.stored,
        "missing": coverage.missing,
        **{s: coverage.count([s]) for s in ("awaiting", "late", "failed", "rejected")},
        "before": coverage.before,
        "oldest_missing": _key(coverage.oldest_missing),
        "newest_stored": _key(coverage.newest_stored),
        "next_due": _key(next_due),
        "next_due_at": iso(due_at) if due_at else None,
    }


def details(period: PeriodCoverage) -> dict[str, Any]:
    """Return a period as JSON has it; what is not known is left out."""
    stored, failure = period.stored, period.failure
    fields: dict[str, Any] = {"period": period.period.key, "state": period.state}
    if stored is not None:
        fields |= {
            "object": stored.object,
            "size": stored.size,
            "source_bytes": stored.source_bytes,
            "rows": stored.rows,
            "sha256": stored.sha256,
            "revision": stored.revision,
            "fetched_at": stored.fetched_at or None,
            "source_url": stored.source_url or None,
        }
    if failure is not None:
        fields["last_error"] = {
            "outcome": failure.outcome,
            "reason": failure.reason,
            "message": failure.message,
            "mode": failure.mode,
            "attempts": failure.attempts,
            "absences": failure.absences,
            "first": failure.first,
            "last": failure.last,
            "next_retry": iso(failure.next_retry) if failure.next_retry else None,
        }
    return {name: value for name, value in fields.items() if value is not None}


def _key(period: Period | None) -> str | None:
    return None if period is None else period.key
