"""From how an attempt ended to its outcome, by the time and the attempt it was."""

import logging
from datetime import timedelta
from typing import get_args

import pytest

from ingest.deadline import Deadline
from ingest.errors import (
    AbsentError,
    Reason,
    RejectedError,
    RetryError,
    TransferError,
    asking,
)
from ingest.job import Job, Result
from ingest.logs import SEVERITIES
from ingest.verdict import EVENTS, STATUSES, Outcome, of_error, of_result
from tests.support.strategies import feed_of, utc

FEED = feed_of(available_after="6h", grace="48h")
JOB = Job(
    FEED, FEED.calendar.period("2023-06-03"), "fetch", "run-1", Deadline(480, lambda: 0.0)
)
DUE = utc(2023, 6, 4, 6)
LATE = utc(2023, 6, 6, 6)
INSTANT = timedelta(microseconds=1)

ABSENT = AbsentError("absent", "the source has no such file", source_status=404)
FEW = AbsentError("few", "the source sent a header alone", source_status=200)
HTML = RejectedError("html", "the source sent a web page", source_status=200)
EMPTY = RejectedError("empty", "the source sent an empty file", source_status=200)
WRONG = [
    RejectedError(reason, "it is not the file", source_status=200)
    for reason in (
        *("header", "small", "large", "limit", "gzip", "zip", "parquet"),
        *("encoding", "status", "redirect"),
    )
]
PASSING = [
    RetryError(reason, "it did not go through")
    for reason in (
        *("network", "stalled", "cut", "throttled", "server_error", "request_timeout"),
        *("accepted", "outdated", "count", "deadline", "storage", "permission", "raced"),
    )
]


@pytest.mark.parametrize(
    ("outcome", "status", "event", "severity"),
    [
        ("stored", 200, "period_stored", logging.INFO),
        ("unchanged", 200, "period_unchanged", logging.INFO),
        ("revised", 200, "period_revised", logging.WARNING),
        ("not_yet", 200, "period_not_yet", logging.INFO),
        ("absent", 200, "period_absent", logging.ERROR),
        ("rejected", 200, "period_rejected", logging.ERROR),
        ("retry", 503, "period_retry", logging.WARNING),
        ("failed", 503, "period_failed", logging.ERROR),
        ("invalid", 400, "message_invalid", logging.ERROR),
        ("bug", 500, "unexpected_error", logging.ERROR),
    ],
)
def test_each_outcome_has_its_answer_and_its_log_event(
    outcome: Outcome, status: int, event: str, severity: int
) -> None:
    assert STATUSES[outcome] == status
    assert EVENTS[outcome] == event
    assert SEVERITIES[EVENTS[outcome]] == severity
    assert STATUSES.keys() == EVENTS.keys() == {*get_args(Outcome)}


@pytest.mark.parametrize("outcome", ["stored", "unchanged", "revised"])
def test_an_attempt_that_ended_well_keeps_its_outcome_and_fields(outcome: Outcome) -> None:
    result = Result(outcome, "12 bytes arrived", {"source_bytes": 12})  # type: ignore[arg-type]
    verdict = of_result(result)
    assert (verdict.outcome, verdict.message) == (outcome, "12 bytes arrived")
    assert verdict.fields == {"source_bytes": 12}
    assert verdict.result is result


@pytest.mark.parametrize("last_attempt", [False, True])
@pytest.mark.parametrize(
    ("error", "once_late"),
    [(ABSENT, "absent"), (FEW, "absent"), (HTML, "rejected"), (EMPTY, "rejected")],
)
def test_a_file_that_is_not_there_is_not_yet_within_grace_and_a_failure_after_it(
    error: TransferError, once_late: Outcome, last_attempt: bool
) -> None:
    for now, outcome in (
        (DUE - timedelta(days=1), "not_yet"),
        (DUE, "not_yet"),
        (LATE - INSTANT, "not_yet"),
        (LATE, once_late),
        (LATE + timedelta(days=1000), once_late),
    ):
        assert of_error(error, JOB, now, last_attempt=last_attempt).outcome == outcome


@pytest.mark.parametrize("error", WRONG, ids=lambda error: error.reason)
@pytest.mark.parametrize("now", [DUE, LATE])
@pytest.mark.parametrize("last_attempt", [False, True])
def test_wrong_content_is_rejected_at_once(
    error: TransferError, now: object, last_attempt: bool
) -> None:
    assert of_error(error, JOB, DUE, last_attempt=last_attempt).outcome == "rejected"


@pytest.mark.parametrize("error", PASSING, ids=lambda error: error.reason)
@pytest.mark.parametrize("now", [DUE, LATE])
def test_passing_trouble_is_retried_and_fails_with_the_last_attempt(
    error: TransferError, now: object
) -> None:
    assert of_error(error, JOB, DUE, last_attempt=False).outcome == "retry"
    assert of_error(error, JOB, LATE, last_attempt=True).outcome == "failed"


def test_a_verdict_says_the_reason_and_what_the_source_answered() -> None:
    verdict = of_error(ABSENT, JOB, LATE, last_attempt=False)
    assert verdict.message == "the source has no such file"
    assert verdict.fields == {"reason": "absent", "source_status": 404}
    assert verdict.result is None
    unanswered = RetryError("network", "no route to the source")
    assert of_error(unanswered, JOB, LATE, last_attempt=False).fields == {"reason": "network"}


def test_every_reason_there_is_was_judged_here() -> None:
    judged = {error.reason for error in [ABSENT, FEW, HTML, EMPTY, *WRONG, *PASSING]}
    assert judged == {*get_args(Reason)}


def test_what_was_asked_for_comes_last_and_is_cut_where_it_is_long() -> None:
    url = "https://example.org/" + "x" * 300
    with pytest.raises(AbsentError) as absent, asking(url):
        raise AbsentError("absent", "the source answered 404", source_status=404)
    verdict = of_error(absent.value, JOB, LATE, last_attempt=False)
    assert verdict.message == f"the source answered 404; asked for {url[:200]}"
