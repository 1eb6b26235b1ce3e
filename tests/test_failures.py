"""Failure records: what they count, and how success gets rid of them whatever happens."""

import pytest

from tests.support.source_server import Reply
from tests.support.storage_proxy import Status
from tests.support.world import CSV, Deliveries, World


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
