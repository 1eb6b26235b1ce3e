"""Calls of Cloud Scheduler, which come again when an answer was lost."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.dispatching import Dispatching
from tests.support.storage_proxy import Hold, LoseResponse

JOB = "projects/p/locations/l/jobs/"


def headers(at: dt.datetime, job: str) -> dict[str, str]:
    return {
        "X-CloudScheduler": "true",
        "X-CloudScheduler-JobName": JOB + job,
        "X-CloudScheduler-ScheduleTime": at.isoformat().replace("+00:00", "Z"),
        "Content-Type": "application/octet-stream",
    }


def hours_ago(hours: float) -> dt.datetime:
    return dt.datetime.now(dt.UTC).replace(microsecond=0) - dt.timedelta(hours=hours)


def test_now_is_the_schedule_time_where_that_is_near(d: Dispatching) -> None:
    at = hours_ago(23)
    latest = at.date() - dt.timedelta(days=1)
    response = d.post({}, headers=headers(at, "near"))
    assert response.json()["dispatched"][-1] == str(latest)


@pytest.mark.parametrize("hours", [25, 24 * 400, -1])
def test_now_is_the_clock_where_the_schedule_time_is_far(d: Dispatching, hours: int) -> None:
    latest = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)
    response = d.post({}, headers=headers(hours_ago(hours), "far"))
    assert response.json()["dispatched"][-1] == str(latest)


def test_a_retried_call_is_the_same_run_and_is_published_again_less_what_is_stored(
    d: Dispatching,
) -> None:
    call = headers(hours_ago(1), "retried")
    first = d.post({}, headers=call).json()
    assert len(first["dispatched"]) == len(d.messages()) == 3
    stored = first["dispatched"][0]
    d.store(f"tiny/{stored[:4]}/{stored}.csv.gz")
    again = d.post({}, headers=call)
    assert again.status_code == 202
    assert again.json()["run"] == first["run"]
    # Planned anew it would be rechecked; a retried call repeats what was planned.
    assert [m["period"] for m in d.messages()] == first["dispatched"][1:]
    assert {"period": stored, "reason": "stored"} in again.json()["skipped"]
    d.world.bucket.delete_blob(f"tiny/{stored[:4]}/{stored}.csv.gz")


def test_another_time_job_or_body_is_another_run(d: Dispatching) -> None:
    at = hours_ago(2)
    runs = {
        d.post({}, headers=headers(at, "one")).json()["run"],
        d.post({}, headers=headers(at, "two")).json()["run"],
        d.post({}, headers=headers(at + dt.timedelta(minutes=1), "one")).json()["run"],
        d.post({"feed": "tiny"}, headers=headers(at, "one")).json()["run"],
        d.post({}).json()["run"],
        d.post({}).json()["run"],
    }
    assert len(runs) == 6


def test_two_copies_of_a_call_at_the_same_moment_are_one_run(d: Dispatching) -> None:
    call = headers(hours_ago(4), "twice")
    hold = Hold()
    d.world.proxy.faults.add(
        match=lambda r: r.operation == "insert" and "_lakefill/runs/" in (r.name or ""),
        action=hold,
    )
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(d.post, {}, headers=call)
        hold.wait_for(1)
        fast = d.post({}, headers=call)
        hold.release()
        answers = [fast, slow.result()]
    assert [answer.status_code for answer in answers] == [202, 202]
    [run] = {answer.json()["run"] for answer in answers}
    assert {message["run"] for message in d.messages()} == {run}


def test_a_lost_answer_to_the_manifest_of_a_persons_call_starts_no_second_run(
    d: Dispatching,
) -> None:
    before = {*d.world.names("_lakefill/runs/")}
    rule = d.world.proxy.faults.add(
        match=lambda r: r.operation == "insert" and "_lakefill/runs/" in (r.name or ""),
        action=LoseResponse(),
    )
    response = d.post({"date": "2007-03"})
    assert rule.hits == 1
    assert response.status_code == 202
    run = response.json()["run"]
    assert {*d.world.names("_lakefill/runs/")} - before == {f"_lakefill/runs/{run}.json"}
    messages = d.messages()
    assert [m["period"] for m in messages] == response.json()["dispatched"]
    assert {m["run"] for m in messages} == {run}


def test_a_lost_answer_to_the_manifest_is_no_reason_to_plan_anew(d: Dispatching) -> None:
    rule = d.world.proxy.faults.add(
        match=lambda r: r.operation == "insert" and "_lakefill/runs/" in (r.name or ""),
        action=LoseResponse(),
    )
    response = d.post({}, headers=headers(hours_ago(3), "lost"))
    assert rule.hits == 1
    assert response.status_code == 202
    messages = d.messages()
    assert [m["period"] for m in messages] == response.json()["dispatched"]
    assert {m["run"] for m in messages} == {response.json()["run"]}
