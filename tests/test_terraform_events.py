"""Policies and log metrics read the lines that the functions really write.

Each event is provoked on the running functions, and its line is put to the filters.
"""

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from ingest.logs import SEVERITIES
from ingest.verdict import EVENTS
from tests.support.dispatching import Dispatching
from tests.support.function import until
from tests.support.source_server import Reply
from tests.support.storage_proxy import Status
from tests.support.terraform import Plan
from tests.support.terraform_filters import log_alerts, log_metrics
from tests.support.world import CSV, Deliveries, World

# Of the contract, whether or not this code has the audit yet.
AUDIT_EVENTS = {"audit_feed", "audit_done"}

# An alert is for these and no others: what a person must know of.
PAGING = {"period_failed", "period_absent", "period_rejected", "audit_feed", "unexpected_error"}

# What Cloud Scheduler logs once a call is over, ended well or not.
ATTEMPT = "google.cloud.scheduler.logging.AttemptFinished"

# Fields that a line of the event carries only where there is something to say.
OPTIONAL = {"reason"}

Line = dict[str, Any]


@dataclass
class Stage:
    """What an event is provoked on."""

    here: World
    day: Deliveries
    d: Dispatching

    def worker_line(self, event: str) -> Line:
        return self.day.line(event)

    def dispatch_line(self, event: str, **fields: str) -> Line:
        return self.d.process.wait_line(10, event=event, **fields)


def stored(on: Stage) -> Line:
    on.here.put(on.day.path, Reply(CSV))
    on.day.push()
    return on.worker_line("period_stored")


def unchanged(on: Stage) -> Line:
    stored(on)
    on.day.push()
    return on.worker_line("period_unchanged")


def revised(on: Stage) -> Line:
    stored(on)
    on.here.put(on.day.path, Reply(CSV + b"1,1\n"))
    on.day.push("force")
    return on.worker_line("period_revised")


def not_yet(on: Stage) -> Line:
    on.day.day = dt.datetime.now(dt.UTC).date()
    on.day.push()
    return on.worker_line("period_not_yet")


def absent(on: Stage) -> Line:
    on.day.push()
    return on.worker_line("period_absent")


def rejected(on: Stage) -> Line:
    on.here.put(on.day.path, Reply(b"<!DOCTYPE html><html>Sorry</html>"))
    on.day.push()
    return on.worker_line("period_rejected")


def retry(on: Stage) -> Line:
    on.here.put(on.day.path, Reply(status=429))
    on.day.push()
    return on.worker_line("period_retry")


def failed(on: Stage) -> Line:
    on.here.put(on.day.path, Reply(status=500))
    on.day.push(attempt=5)
    return on.worker_line("period_failed")


def suspect(on: Stage) -> Line:
    on.here.put(on.day.path, Reply(CSV, framing="close"))
    on.day.push()
    return on.worker_line("period_suspect")


def invalid(on: Stage) -> Line:
    before = len(on.day.worker.lines(event="message_invalid"))
    on.day.push(feed="no-such-feed")
    until(lambda: len(on.day.worker.lines(event="message_invalid")) > before)
    return on.day.worker.lines(event="message_invalid")[-1]


def unexpected(on: Stage) -> Line:
    on.here.put(on.day.path, Reply(CSV))
    on.here.proxy.faults.add(
        match=lambda request: str(on.day.day) in request.target, action=Status(403), times=1
    )
    on.day.push()
    return on.worker_line("unexpected_error")


def dispatched(on: Stage) -> Line:
    run = on.d.post({"feed": "tiny", "date": "2006-03-01"}).json()["run"]
    on.d.messages()
    return on.dispatch_line("run_dispatched", run=run)


def refused(on: Stage) -> Line:
    on.d.post({"feed": "no-such-feed"})
    return on.dispatch_line("request_refused")


def audit_feed(on: Stage) -> Line:
    on.d.post(path="/audit").raise_for_status()
    on.d.messages()
    # It has held nothing since 2000: late.
    return on.dispatch_line("audit_feed", feed="tiny")


def audit_done(on: Stage) -> Line:
    on.d.post(path="/audit").raise_for_status()
    on.d.messages()
    return on.dispatch_line("audit_done")


PROVOKE: dict[str, Callable[[Stage], Line]] = {
    "period_stored": stored,
    "period_unchanged": unchanged,
    "period_revised": revised,
    "period_not_yet": not_yet,
    "period_absent": absent,
    "period_rejected": rejected,
    "period_retry": retry,
    "period_failed": failed,
    "period_suspect": suspect,
    "message_invalid": invalid,
    "unexpected_error": unexpected,
    "run_dispatched": dispatched,
    "request_refused": refused,
    "audit_feed": audit_feed,
    "audit_done": audit_done,
}


@pytest.fixture
def stage(here: World, day: Deliveries, d: Dispatching) -> Stage:
    return Stage(here, day, d)


def test_every_event_of_the_code_is_provoked_below() -> None:
    assert SEVERITIES.keys() <= PROVOKE.keys()


@pytest.mark.parametrize("event", SEVERITIES)
def test_the_line_of_an_event_is_what_its_readers_look_for(
    plan: Plan, stage: Stage, event: str
) -> None:
    line = PROVOKE[event](stage)
    readers = log_alerts(plan) + log_metrics(plan)
    assert [r.address for r in readers if r.event == event] == [
        r.address for r in readers if r.matches(line)
    ]
    for reader in readers:
        if reader.event == event:
            assert reader.fields - OPTIONAL <= line.keys(), reader.address


def test_what_is_read_are_events_of_the_code(plan: Plan) -> None:
    known = SEVERITIES.keys() | AUDIT_EVENTS
    assert {r.event for r in log_alerts(plan) + log_metrics(plan)} <= known


def test_what_pages_is_what_a_person_must_know(plan: Plan) -> None:
    assert {r.event for r in log_alerts(plan)} == PAGING
    assert len(log_alerts(plan)) == len(PAGING)


def test_the_alert_on_cloud_scheduler_reads_the_failed_attempts_of_every_job(
    plan: Plan,
) -> None:
    policy = plan.resources['google_monitoring_alert_policy.log["scheduler"]']
    (matched,) = policy["conditions"][0]["condition_matched_log"]
    *comparisons, job = sorted(
        matched["filter"].split(" "), key=lambda part: part.startswith("resource.labels.job_id")
    )
    # As Google shows them; a field's name with another character than a letter, a digit or a
    # low line is quoted: https://cloud.google.com/logging/docs/view/logging-query-language
    assert comparisons == [
        'resource.type="cloud_scheduler_job"',
        'log_id("cloudscheduler.googleapis.com/executions")',
        f'jsonPayload."@type"="type.googleapis.com/{ATTEMPT}"',
        "severity>=ERROR",
    ]
    pattern = re.fullmatch(r'resource\.labels\.job_id=~"(.+)"', job)
    assert pattern
    names = [j["name"] for j in plan.of_type("google_cloud_scheduler_job").values()]
    assert len(names) > 1
    assert [n for n in names if not re.search(pattern[1], n)] == []


def test_every_outcome_of_a_period_is_counted(plan: Plan) -> None:
    counted = {r.event for r in log_metrics(plan) if "periods" in r.address}
    assert counted == {event for event in EVENTS.values() if event.startswith("period_")}


def test_bytes_and_seconds_are_those_of_the_line(plan: Plan, stage: Stage) -> None:
    line = stored(stage)
    fields = {f for r in log_metrics(plan) if "transfer" in r.address for f in r.fields}
    assert fields == {"feed", "source_bytes", "stored_bytes", "seconds"}
    assert all(isinstance(line[field], int | float) for field in fields - {"feed"})
    assert (line["source_bytes"], line["seconds"] >= 0) == (len(CSV), True)
