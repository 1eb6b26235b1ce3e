"""Failure records: what they count, and how success gets rid of them whatever happens."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.coverage import FailedOutcome
from ingest.deadline import Deadline
from ingest.failures import record_failure, retry_delay
from ingest.feeds import load_catalogue
from ingest.job import Job
from ingest.lake import Lake
from ingest.times import iso
from tests.support.source_server import Reply
from tests.support.storage_proxy import Status
from tests.support.world import CSV, Deliveries, World

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def fail_once_deleting(here: World, day: Deliveries) -> None:
    """Have Cloud Storage refuse to delete the day's failure record, once."""
    record = f"_lakefill/failures/tiny/{day.day}.json"
    here.proxy.faults.add(
        match=lambda r: r.operation == "delete" and r.name == record, action=Status(403)
    )


@pytest.mark.parametrize("mode", ["fetch", "recheck", "force"])
def test_a_record_whose_removal_failed_goes_with_the_redelivery(
    here: World, day: Deliveries, mode: str
) -> None:
    day.push(run="before")
    assert day.failure() is not None
    here.put(day.path, Reply(CSV))
    fail_once_deleting(here, day)
    assert day.outcome(mode) == (503, "retry")
    assert here.unzipped(day.name) == CSV
    assert day.outcome(mode) == (200, "unchanged")
    assert day.failure() is None


def test_a_duplicate_costs_two_reads(here: World, day: Deliveries) -> None:
    here.put(day.path, Reply(CSV))
    day.push()
    before = len(here.proxy.requests)
    assert day.outcome() == (200, "unchanged")
    asked = [(r.operation, r.name) for r in here.proxy.requests[before:]]
    assert asked == [("get", day.name), ("get", f"_lakefill/runs/run-1/{day.day}.json")]


def test_a_fetch_that_had_nothing_to_do_leaves_a_rechecks_failure_on_record(
    here: World, day: Deliveries
) -> None:
    here.put(day.path, Reply(CSV))
    day.push()
    here.put(day.path, Reply(status=403))
    assert day.outcome("recheck", run="run-2") == (200, "rejected")
    assert day.outcome("fetch", run="run-3") == (200, "unchanged")
    assert day.outcome("fetch") == (200, "unchanged")
    failure = day.failure()
    assert failure is not None
    assert failure["run"] == "run-2"


def record(
    here: World, day: Deliveries, run: str, hours: int, outcome: FailedOutcome = "absent"
) -> dict[str, object]:
    """Have a run fail so many hours after NOW, and return the record."""
    feed = load_catalogue(Path(here.env["LAKEFILL_FEEDS"]))["tiny"]
    deadline = Deadline(60, lambda: 0.0)
    record_failure(
        Lake(here.bucket),
        Job(feed, feed.calendar.period(str(day.day)), "fetch", run, deadline),
        outcome=outcome,
        reason=outcome,
        message="it failed",
        now=NOW + timedelta(hours=hours),
        deadline=deadline,
    )
    written = day.failure()
    assert written is not None
    return written


def after(hours: float) -> str:
    return iso(NOW + timedelta(hours=hours))


def test_a_record_tells_the_first_and_the_last_time_and_when_to_try_again(
    here: World, day: Deliveries
) -> None:
    expected = [(0, 0, 1, 6), (10, 10, 2, 12), (30, 30, 3, 24)]
    for n, (hours, last, attempts, delay) in enumerate(expected):
        written = record(here, day, f"run-{n}", hours)
        assert (written["first"], written["last"]) == (after(0), after(last))
        assert written["attempts"] == attempts
        assert written["next_retry"] == after(last + delay)


def test_attempts_count_runs_that_failed_and_no_duplicates(
    here: World, day: Deliveries
) -> None:
    record(here, day, "run-1", 0, "failed")
    # Delivered once more, and with another end.
    for hours, outcome in ((1, "failed"), (2, "absent")):
        written = record(here, day, "run-1", hours, outcome)  # type: ignore[arg-type]
        assert (written["attempts"], written["outcome"]) == (1, outcome)
        assert (written["first"], written["last"]) == (after(0), after(hours))
        assert written["next_retry"] == after(hours + 6)
    assert record(here, day, "run-2", 20)["attempts"] == 2


def test_absences_are_counted_by_themselves(here: World, day: Deliveries) -> None:
    ends: list[tuple[str, FailedOutcome, int]] = [
        ("run-1", "failed", 0),
        ("run-2", "absent", 1),
        ("run-2", "absent", 1),
        ("run-3", "rejected", 1),
        ("run-3", "absent", 2),
    ]
    for hours, (run, outcome, absences) in enumerate(ends):
        assert record(here, day, run, hours, outcome)["absences"] == absences


@given(st.integers(1, 10_000))
def test_the_delay_doubles_from_six_hours_up_to_a_week(attempts: int) -> None:
    assert retry_delay(1) == timedelta(hours=6)
    doubled = min(2 * retry_delay(attempts), timedelta(days=7))
    assert retry_delay(attempts + 1) == doubled
