"""Scheduled calls: what Cloud Scheduler's headers say, and the names of runs. Pure."""

import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from werkzeug.datastructures import Headers

# How old a schedule time may be, and how far ahead of this clock, to be taken for "now".
_OLDEST = timedelta(hours=24)
_AHEAD = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class ScheduledCall:
    """One firing of a job; its retries carry the same values. `at` is aware."""

    job: str
    path: str
    body: bytes
    at: datetime

    def run_id(self, feed: str) -> str:
        """Return the name of the run that this call, however often it comes, makes."""
        parts = [self.job, self.path, feed, self.body.hex(), self.at.isoformat()]
        digest = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
        return f"{_moment(self.at)}-{digest[:24]}"


def scheduled_call(
    headers: Headers, path: str, body: bytes, now: datetime
) -> ScheduledCall | None:
    """Return the scheduled call that a request is, or None where it is none.

    A schedule time that is malformed, or not near `now` (aware), makes it an ordinary call:
    the header comes from outside. https://cloud.google.com/scheduler/docs/reference/rpc
    """
    try:
        at = datetime.fromisoformat(headers.get("X-CloudScheduler-ScheduleTime", ""))
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):  # the latter in the years 1 and 9999
        return None
    if not now - _OLDEST <= at <= now + _AHEAD:
        return None
    return ScheduledCall(headers.get("X-CloudScheduler-JobName", ""), path, body, at)


def new_run_id(now: datetime) -> str:
    """Return a name for a run that nobody else has, which sorts by time."""
    return f"{_moment(now)}-{secrets.token_hex(6)}"


def first_run_id(since: datetime) -> str:
    """Return what the names of all runs begun at `since` (aware) or later sort after.

    A scheduled call's run bears its schedule time, which may be a day older.
    """
    return _moment(since - _OLDEST)


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y%m%d-%H%M%S")
