"""Oddities that keep nothing from being stored: who tells them, and when."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.support.source_server import Reply
from tests.support.world import CSV, Deliveries, World

HTML = Reply(b"<!DOCTYPE html><html><body>Not here</body></html>")


@pytest.fixture
def recent(here: World, day: Deliveries) -> Iterator[Deliveries]:
    """Yesterday: due, and still within grace; not stored before, nor afterwards."""
    day.day = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)
    yield day
    for name in here.names(day.name):
        here.bucket.delete_blob(name)


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


@pytest.mark.parametrize("reply", [HTML, Reply(b""), Reply(status=404), Reply(status=204)])
def test_a_recheck_within_grace_that_finds_no_file_keeps_what_is_stored(
    here: World, recent: Deliveries, reply: Reply
) -> None:
    here.put(recent.path, Reply(CSV))
    assert recent.outcome(run="kept-1") == (200, "stored")
    here.put(recent.path, replace(reply, framing="none" if reply.status == 204 else "length"))
    assert recent.outcome("recheck", run="kept-2") == (200, "unchanged")
    assert recent.worker.wait_line(event="period_suspect", run="kept-2")["reason"] == "gone"
    assert here.unzipped(recent.name) == CSV


@pytest.mark.parametrize(("reply", "reason"), [(HTML, "html"), (Reply(b""), "empty")])
def test_after_grace_a_web_page_in_place_of_a_stored_file_is_rejected(
    here: World, day: Deliveries, reply: Reply, reason: str
) -> None:
    here.put(day.path, Reply(CSV))
    day.push()
    here.put(day.path, reply)
    assert day.outcome("recheck") == (200, "rejected")
    assert day.line("period_rejected")["reason"] == reason
    assert here.unzipped(day.name) == CSV


def test_within_grace_wrong_content_in_place_of_a_stored_file_is_rejected(
    here: World, recent: Deliveries
) -> None:
    here.put(recent.path, Reply(CSV))
    recent.push(run="kept-3")
    here.put(recent.path, Reply(b"x" + CSV))
    assert recent.outcome("recheck", run="kept-4") == (200, "rejected")
    here.bucket.delete_blob(recent.name)
    assert recent.outcome("fetch", run="kept-5") == (200, "rejected")
    here.put(recent.path, Reply(CSV))
    assert recent.outcome("fetch", run="kept-6") == (200, "stored")


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
    day.line("period_stored")
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
