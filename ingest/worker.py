"""From a pushed message to an outcome: its records, its log line, its answer.

200 is only said once the writes that it stands for are done.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from ingest.calendar import NotAPeriodError
from ingest.deadline import Deadline
from ingest.errors import TransferError
from ingest.failures import clear_failure, record_failure
from ingest.feeds import Catalogue
from ingest.job import Job
from ingest.lake import Lake
from ingest.logs import emit
from ingest.messages import decode, open_envelope
from ingest.runs import record_outcome, succeeded
from ingest.transfer import Transfer
from ingest.verdict import EVENTS, STATUSES, Verdict, of_error, of_result

Answer = tuple[dict[str, Any], int]

# What the records may take once the transfer's own time is used up, in seconds.
_RECORD_SECONDS = 30.0
_LONGEST_ECHO = 200


class InvalidMessageError(Exception):
    """A delivery that means no job; the message says why."""


class Worker:
    """Handles deliveries, one call each; safe to call from several threads."""

    def __init__(
        self,
        catalogue: Catalogue,
        lake: Lake,
        transfer: Transfer,
        *,
        deadline_seconds: float,
        max_attempts: int | None,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._catalogue, self._lake, self._transfer = catalogue, lake, transfer
        self._deadline_seconds, self._max_attempts = deadline_seconds, max_attempts
        self._now, self._monotonic = now, monotonic

    def deliver(self, body: bytes) -> Answer:
        """Handle one push request's body; return what to answer."""
        started = self._monotonic()
        try:
            job, attempt = self._job(body)
        except InvalidMessageError as error:
            emit("message_invalid", f"Refused a message: {error}")
            return {"outcome": "invalid", "message": str(error)}, STATUSES["invalid"]
        last = attempt is not None and attempt >= (self._max_attempts or float("inf"))
        try:
            verdict, bug = self._attempt(job, last_attempt=last), None
        except Exception as error:  # noqa: BLE001  the last line of defence: logged, recorded, 500
            verdict, bug = self._unforeseen(job, error), error
        line = {
            "feed": job.feed.name,
            "period": job.period.key,
            "run": job.run,
            "attempt": attempt,
            **verdict.fields,
            "seconds": round(self._monotonic() - started, 3),
        }
        _log(verdict, line, bug, job)
        answer = {"outcome": verdict.outcome, "message": verdict.message, **line}
        return answer, STATUSES[verdict.outcome]

    def _job(self, body: bytes) -> tuple[Job, int | None]:
        """Read the job and the delivery attempt (None where Pub/Sub does not count)."""
        try:
            envelope = open_envelope(body)
            message = decode(envelope.message.data)
            feed = self._catalogue[message.feed]
            period = feed.calendar.period(message.period)
        except KeyError:
            raise InvalidMessageError("its feed is not in the catalogue") from None
        except NotAPeriodError:
            raise InvalidMessageError(f"its period is not on {feed.name}'s calendar") from None
        except ValueError as error:
            raise InvalidMessageError(str(error)[:_LONGEST_ECHO]) from None
        if period.at.date() > feed.calendar.today(self._now()):
            raise InvalidMessageError("its period lies in the future")
        deadline = Deadline(self._deadline_seconds, self._monotonic)
        job = Job(feed, period, message.mode, message.run, deadline)
        return job, envelope.delivery_attempt

    def _attempt(self, job: Job, *, last_attempt: bool) -> Verdict:
        try:
            verdict = of_result(self._transfer.run(job))
        except TransferError as error:
            verdict = of_error(error, job, self._now(), last_attempt=last_attempt)
        try:
            self._record(job, verdict)
        except TransferError as error:
            # What was stored stays stored; the next delivery finds it and writes the record.
            return of_error(error, job, self._now(), last_attempt=last_attempt)
        return verdict

    def _record(self, job: Job, verdict: Verdict) -> None:
        """Write what the answer will stand for."""
        deadline = Deadline(_RECORD_SECONDS, self._monotonic)
        result = verdict.result
        if result is not None and result.own and succeeded(self._lake, job, deadline):
            return  # a duplicate: the delivery that stored the object came to its end
        match verdict.outcome:
            case "absent" | "rejected" | "failed" as outcome:
                record_failure(
                    self._lake,
                    job,
                    outcome=outcome,
                    reason=str(verdict.fields["reason"]),
                    message=verdict.message,
                    now=self._now(),
                    deadline=deadline,
                )
            case "stored" | "revised" | "unchanged":
                if result is not None and (result.asked or result.own):
                    clear_failure(self._lake, job, deadline)
        match verdict.outcome:
            case "retry" | "invalid" | "bug":
                pass
            case final:
                record_outcome(
                    self._lake,
                    job,
                    outcome=final,
                    fields={"message": verdict.message, **verdict.fields},
                    now=self._now(),
                    deadline=deadline,
                )

    def _unforeseen(self, job: Job, error: Exception) -> Verdict:
        what = f"{type(error).__name__}: {error}"
        try:
            record_failure(
                self._lake,
                job,
                outcome="bug",
                reason="bug",
                message=what,
                now=self._now(),
                deadline=Deadline(_RECORD_SECONDS, self._monotonic),
            )
        except Exception as trouble:  # noqa: BLE001  the bug itself is what must be told
            what = f"{what} (and no failure record: {trouble})"
        return Verdict("bug", what, {"reason": "bug"})


def _log(verdict: Verdict, line: dict[str, Any], bug: Exception | None, job: Job) -> None:
    name = f"{line['feed']} {line['period']}"
    event = EVENTS[verdict.outcome]
    if verdict.fields.get("reason") == "permission":
        # Retried, so that nothing is lost; but only an operator can mend it.
        emit("unexpected_error", f"{name}: {verdict.message}", **line)
    for reason, clause in verdict.result.suspicions.items() if verdict.result else ():
        emit("period_suspect", f"{name}: suspect: {clause}", **line | {"reason": reason})
    sentence = f"{name}: {verdict.outcome.replace('_', ' ')}: {verdict.message}"
    foreseen = verdict.outcome == "revised" and job.feed.revisions_expected
    emit(event, sentence, error=bug, foreseen=foreseen, **line)
