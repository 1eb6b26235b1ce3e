"""Oddities that keep nothing from being stored: who tells them, and when."""

import datetime as dt

from tests.support.source_server import Reply
from tests.support.world import CSV, Deliveries, World


def test_a_source_that_lost_a_stored_period_leaves_it_stored_and_is_suspect(
    here: World, day: Deliveries
) -> None:
    here.put(day.path, Reply(CSV))
    day.push()
    here.put(day.path, Reply(status=404))
    assert day.outcome("recheck") == (200, "unchanged")
    suspect = day.line("period_suspect")
    assert (suspect["severity"], suspect["reason"]) == ("WARNING", "gone")
    assert here.unzipped(day.name) == CSV
    assert day.failure() is None


def test_a_body_whose_end_cannot_be_told_is_stored_and_suspect(
    here: World, day: Deliveries
) -> None:
    here.put(day.path, Reply(CSV, framing="close"))
    assert day.outcome() == (200, "stored")
    assert day.line("period_suspect")["reason"] == "unprovable"


def test_an_odd_size_is_stored_and_suspect(here: World, day: Deliveries) -> None:
    here.put(day.path, Reply(CSV))
    day.push()
    day.day += dt.timedelta(days=3)
    here.put(day.path, Reply(CSV * 2))
    assert day.outcome() == (200, "stored")
    assert day.line("period_suspect")["reason"] == "size"
    day.day += dt.timedelta(days=1)
    here.put(day.path, Reply(CSV * 2 + b"1,1\n"))  # as the nearest, four days back, is not
    day.push()
    assert day.worker.lines(event="period_suspect", period=str(day.day)) == []


def test_an_oddity_is_told_by_the_delivery_that_stores_and_by_no_recheck(
    here: World, day: Deliveries
) -> None:
    here.put(day.path, Reply(CSV))
    day.push()
    day.day += dt.timedelta(days=1)
    here.put(day.path, Reply(CSV * 2, framing="close"))
    day.push()
    told = day.worker.lines(event="period_suspect", period=str(day.day))
    assert {line["reason"] for line in told} == {"size", "unprovable"}
    assert day.outcome("recheck", run="run-2") == (200, "unchanged")
    assert day.outcome("force", run="run-3") == (200, "unchanged")
    day.worker.wait_line(event="period_unchanged", run="run-3", period=str(day.day))
    assert day.worker.lines(event="period_suspect", period=str(day.day)) == told
    here.put(day.path, Reply(CSV * 3))
    assert day.outcome("recheck", run="run-4") == (200, "revised")
    line = day.worker.wait_line(event="period_suspect", run="run-4")
    assert line["reason"] == "size"
