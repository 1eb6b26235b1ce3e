"""Instants as text: ISO 8601 in UTC, to the second, with a Z."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the wall clock's time, aware and in UTC."""
    return datetime.now(UTC)


def iso(instant: datetime) -> str:
    """Write an instant, as in 2023-06-03T13:00:00Z."""
    return instant.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
