"""Failure records: what could not be stored, why, and when it is worth another try.

One object a period, `_lakefill/failures/{feed}/{period}.json`. It is written when a delivery
ends in failure for good and removed by success; where an object is stored all the same, the
object counts (a late duplicate may leave a record behind). What coverage needs of it is in the
object's metadata too, so that a feed's failures are one listing.
"""

import json
from datetime import datetime, timedelta
from typing import Any

import msgspec

from ingest.calendar import Period
from ingest.coverage import FailedOutcome, Failure
from ingest.deadline import Deadline
from ingest.errors import RetryError
from ingest.feed import RESERVED_PREFIX, Feed
from ingest.job import Job
from ingest.lake import Lake
from ingest.storage import PreconditionError
from ingest.times import iso

_FIRST_DELAY = timedelta(hours=6)
_LONGEST_DELAY = timedelta(days=7)
_TRIES = 5

_METADATA = "lakefill-failure"
# An object's metadata has room for 8 KiB, and locally for less than half of that (runs.py says
# why); as JSON in JSON, a character takes up to 14 bytes.
_LONGEST_MESSAGE = 150


def record_name(feed: Feed, period: Period) -> str:
    """Return the name of a period's failure record."""
    return f"{RESERVED_PREFIX}failures/{feed.name}/{period.key}.json"


def retry_delay(attempts: int) -> timedelta:
    """Return how long to wait after so many failures (1 or more): twice as long each time."""
    return min(_FIRST_DELAY * (1 << min(attempts - 1, 10)), _LONGEST_DELAY)


def record_failure(
    lake: Lake,
    job: Job,
    *,
    outcome: FailedOutcome,
    reason: str,
    message: str,
    now: datetime,
    deadline: Deadline,
) -> None:
    """Write or renew a period's failure record; raise RetryError where that cannot be done.

    Its `attempts` are the runs that failed one after the other, and its `absences` those of
    them that found the file absent.
    """
    name = record_name(job.feed, job.period)
    for tries in range(_TRIES):
        found, generation = lake.read_json(name, deadline) or (None, 0)
        before = found if isinstance(found, dict) else {}
        if tries and (before.get("run"), before.get("outcome")) == (job.run, outcome):
            return  # another copy of the same message has just said it
        attempts, absences = _count(before, "attempts"), _count(before, "absences")
        another = before.get("run") != job.run
        # A run fails once, however often its message comes.
        attempts += another or attempts < 1
        absences += outcome == "absent" and (another or before.get("outcome") != "absent")
        record = {
            "v": 1,
            "feed": job.feed.name,
            "period": job.period.key,
            "run": job.run,
            "mode": job.mode,
            "outcome": outcome,
            "reason": reason,
            "message": message,
            "attempts": attempts,
            "absences": absences,
            "first": before.get("first", iso(now)),
            "last": iso(now),
            "next_retry": iso(now + retry_delay(attempts)),
        }
        try:
            lake.write_json(
                name,
                record,
                generation=generation,
                deadline=deadline,
                metadata={_METADATA: _digest(record)},
            )
        except PreconditionError:
            continue
        return
    raise RetryError("raced", "other workers keep writing the failure record")


def _count(record: dict[str, Any], name: str) -> int:
    counted = record.get(name)
    return counted if isinstance(counted, int) else 0


def clear_failure(lake: Lake, job: Job, deadline: Deadline) -> None:
    """Remove a period's failure record, if there is one."""
    name = record_name(job.feed, job.period)
    found = lake.find(name, deadline)
    if found is not None:
        lake.delete(name, deadline, generation=found.generation)


def read_failures(lake: Lake, feed: Feed, deadline: Deadline) -> dict[str, Failure]:
    """Return a feed's failure records by period key."""
    prefix = f"{RESERVED_PREFIX}failures/{feed.name}/"
    failures = {}
    for found in lake.list(prefix, deadline, fields="name,metadata"):
        failure = _of_metadata(found.metadata.get(_METADATA, ""))
        if failure is None:
            record = lake.read_json(found.name, deadline)
            failure = None if record is None else _of_record(record[0])
        if failure is not None:
            failures[found.name.removeprefix(prefix).removesuffix(".json")] = failure
    return failures


def _digest(record: dict[str, Any]) -> str:
    """Return a record as its object's metadata has it."""
    digest = {name: record[name] for name in Failure.__struct_fields__}
    message = str(digest["message"])[:_LONGEST_MESSAGE]
    # Half a surrogate pair, say, has no bytes in UTF-8.
    digest["message"] = message.encode("utf-8", "backslashreplace").decode()[:_LONGEST_MESSAGE]
    return json.dumps(digest, separators=(",", ":"))


def _of_metadata(text: str) -> Failure | None:
    try:
        return msgspec.json.decode(text, type=Failure)
    except ValueError:
        return None


def _of_record(record: object) -> Failure:
    try:
        return msgspec.convert(record, Failure)
    except ValueError:
        return Failure(outcome="failed", reason="unknown", message="its record is unreadable")
