"""From how an attempt ended to its outcome: what is answered, logged and recorded. Pure."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from ingest.errors import AbsentError, RejectedError, TransferError
from ingest.job import Job, Result
from ingest.logs import Event

Outcome = Literal[
    "stored",
    "unchanged",
    "revised",
    "not_yet",
    "absent",
    "rejected",
    "retry",
    "failed",
    "invalid",
    "bug",
]

# 2xx acknowledges a message; after anything else Pub/Sub delivers it again, and in the end
# hands it to the dead-letter topic.
STATUSES: dict[Outcome, int] = {
    "stored": 200,
    "unchanged": 200,
    "revised": 200,
    "not_yet": 200,
    "absent": 200,
    "rejected": 200,
    "retry": 503,
    "failed": 503,
    "invalid": 400,
    "bug": 500,
}

EVENTS: dict[Outcome, Event] = {
    "stored": "period_stored",
    "unchanged": "period_unchanged",
    "revised": "period_revised",
    "not_yet": "period_not_yet",
    "absent": "period_absent",
    "rejected": "period_rejected",
    "retry": "period_retry",
    "failed": "period_failed",
    "invalid": "message_invalid",
    "bug": "unexpected_error",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an attempt came to: its outcome, a clause for people, the event's fields."""

    outcome: Outcome
    message: str
    fields: dict[str, object] = field(default_factory=dict)
    result: Result | None = None


def of_result(result: Result) -> Verdict:
    """Judge an attempt that ended well."""
    return Verdict(result.outcome, result.message, result.fields, result)


def is_missing(error: TransferError, job: Job, now: datetime) -> bool:
    """Tell whether the source did not have the file, at the time `now`.

    Within grace a web page, or nothing, is taken for a file that is not there yet.
    """
    if error.reason in {"html", "empty"}:
        return now < job.feed.calendar.late(job.period)
    return isinstance(error, AbsentError)


def of_error(error: TransferError, job: Job, now: datetime, *, last_attempt: bool) -> Verdict:
    """Judge an attempt that stored nothing, at the time `now`."""
    outcome: Outcome
    if is_missing(error, job, now) and now < job.feed.calendar.late(job.period):
        outcome = "not_yet"
    elif isinstance(error, AbsentError):
        outcome = "absent"
    elif isinstance(error, RejectedError):
        outcome = "rejected"
    else:
        outcome = "failed" if last_attempt else "retry"
    fields: dict[str, object] = {"reason": error.reason}
    if error.source_status is not None:
        fields["source_status"] = error.source_status
    return Verdict(outcome, str(error), fields)
