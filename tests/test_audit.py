"""`POST /audit`: what is due and missing is asked for again, whatever happened before."""

import json
import random
from collections.abc import Callable

import pytest

from tests.support.auditing import GAP, Auditing, days_ago
from tests.support.function import FunctionProcess
from tests.support.picky_pubsub import Picky
from tests.support.storage_proxy import Hold, Status
from tests.support.storage_request import Request

pytest_plugins = "tests.support.audit_fixtures"


def lists(prefix: str) -> Callable[[Request], bool]:
    return lambda r: r.operation == "list" and r.query.get("prefix") == prefix


def test_what_was_deleted_comes_back_and_nothing_is_asked_for_twice(
    a: Auditing, audited_worker: FunctionProcess
) -> None:
    a.fill()
    some = random.Random(5)
    deleted = {
        name: sorted(some.sample(a.due(name), count))
        for name, count in (
            ("days", 17),
            ("other", 2),
            ("bare", 3),
            ("hours", 30),
            ("ended", 4),
        )
    }
    for feed, keys in deleted.items():
        a.has(feed, *keys)
        for key in keys:
            a.world.bucket.blob(a.name(feed, key)).delete()
    feeds = a.audit()
    assert a.dispatched() == deleted
    for name, keys in deleted.items():
        told = feeds[name]
        assert (told["dispatched"], told["missing"]) == (len(keys), len(keys))
        assert told["stored"] + told["missing"] == told["expected"] == len(a.due(name))
        assert a.process.get(f"/runs/{told['run']}").json()["done"] is False

    again = a.audit()  # all of it is under way
    assert a.dispatched() == {}
    assert {f["run"] for f in again.values()} == {None}

    for name, keys in deleted.items():
        a.deliver(audited_worker, name, feeds[name]["run"], *keys)
    feeds = a.audit()
    assert a.dispatched() == {}
    assert {name: f["missing"] for name, f in feeds.items()} == dict.fromkeys(feeds, 0)
    assert all("error" not in f for f in feeds.values())
    summaries = {f["feed"]: f for f in a.coverage()["feeds"]}
    assert all(feeds[name].items() >= summary.items() for name, summary in summaries.items())


def test_a_feed_that_cannot_be_listed_says_so_and_the_others_are_audited(a: Auditing) -> None:
    a.fill("hours")
    a.world.proxy.faults.add(match=lists("days/"), action=Status(403))
    feeds = a.audit()
    assert "roles/storage.objectUser" in feeds["days"]["error"]
    assert feeds["days"]["dispatched"] == 0
    assert a.dispatched() == {name: a.due(name) for name in ("other", "bare", "ended")}
    assert [n for n, f in feeds.items() if "error" in f] == ["days"]
    line = a.process.wait_line(event="audit_feed", severity="ERROR", feed="days")
    assert "could not be audited" in line["message"]
    assert a.process.wait_line(event="audit_done", severity="INFO")["troubled"] == 1
    document = json.loads(a.world.content("_lakefill/coverage/coverage.json"))
    [days] = [feed for feed in document["feeds"] if feed["feed"] == "days"]
    assert days == {"feed": "days", "error": feeds["days"]["error"]}


def test_a_feed_whose_listing_hangs_has_its_share_of_the_time(a: Auditing) -> None:
    a.fill("hours")
    hold = Hold()
    a.world.proxy.faults.add(match=lists("days/"), action=hold, times=99)
    try:
        feeds = a.audit()
    finally:
        a.world.proxy.faults.release_all()
    assert [n for n, f in feeds.items() if "error" in f] == ["days"]
    assert a.dispatched() == {name: a.due(name) for name in ("other", "bare", "ended")}


def test_a_feed_whose_messages_are_not_taken_says_so_and_is_asked_for_next_time(
    a: Auditing,
) -> None:
    a.fill("hours", "bare", "ended")
    picky = Picky()
    picky.refused_period = days_ago(25)  # of `days` alone
    env = a.world.env | {"PUBSUB_EMULATOR_HOST": picky.host}
    try:
        with FunctionProcess("dispatch", env) as process:
            response = process.post("/audit")
            assert response.status_code == 200
            feeds = {feed["feed"]: feed for feed in response.json()["feeds"]}
            line = process.wait_line(event="audit_feed", severity="ERROR", feed="days")
    finally:
        picky.stop()
    assert "Pub/Sub did not take" in feeds["days"]["error"]
    assert "Pub/Sub did not take" in line["error_message"]
    missing = len(a.due("days"))
    taken = len(picky.taken) - len(a.due("other"))
    assert (feeds["days"]["missing"], feeds["days"]["dispatched"]) == (missing, taken)
    assert feeds["other"]["dispatched"] == len(a.due("other"))
    assert "error" not in feeds["other"]
    assert a.audit()["days"]["dispatched"] == missing - taken


def test_the_page_and_the_json_are_published(a: Auditing) -> None:
    a.fill()
    a.audit()
    for name, media_type in (
        ("index.html", "text/html"),
        ("coverage.json", "application/json"),
    ):
        blob = a.world.bucket.get_blob(f"_lakefill/coverage/{name}")
        assert blob is not None
        assert blob.content_type.split(";")[0] == media_type
        assert blob.cache_control == "no-cache"
        assert blob.content_encoding is None
    document = json.loads(a.world.content("_lakefill/coverage/coverage.json"))
    for feed in document["feeds"]:
        served = a.coverage(f"?feed={feed['feed']}")["feeds"]
        assert served == [feed]
    a.world.bucket.blob(a.name("days", days_ago(3))).delete()
    a.audit()
    newer = json.loads(a.world.content("_lakefill/coverage/coverage.json"))
    assert newer["feeds"][0]["missing"] == 1


def test_the_page_of_a_later_audit_stays(a: Auditing) -> None:
    """One that was slow to publish does not bring back what was seen before."""
    for name in ("index.html", "coverage.json"):
        blob = a.world.bucket.blob(f"_lakefill/coverage/{name}")
        blob.metadata = {"lakefill-as-of": "2999-01-01T00:00:00Z"}
        blob.upload_from_string(b"of a later instant")
    a.audit()
    for name in ("index.html", "coverage.json"):
        assert a.world.content(f"_lakefill/coverage/{name}") == b"of a later instant"


def test_an_audit_that_cannot_publish_its_page_says_so(a: Auditing) -> None:
    a.fill("days", "hours", "other", "bare")
    a.world.proxy.faults.add(
        match=lambda r: r.operation == "insert" and "coverage" in (r.name or ""),
        action=Status(403),
    )
    response = a.process.post("/audit")
    assert response.status_code == 200
    assert "403" in response.json()["error"]
    a.process.wait_line(event="audit_done", severity="ERROR")
    assert a.dispatched() == {"ended": a.due("ended")}


def test_a_line_of_each_feed_says_how_it_is(a: Auditing) -> None:
    a.fill("days", "ended", "hours", "bare")
    a.audit()
    other = a.due("other")
    line = a.process.wait_line(event="audit_feed", feed="other")
    assert line["severity"] == "ERROR"
    told = {
        "expected": len(other),
        "stored": 0,
        "missing": len(other),
        "failed": 0,
        "rejected": 0,
        "dispatched": len(other),
        "oldest_missing": other[0],
    }
    assert line.items() >= told.items()
    assert line["late"] > 0
    good = a.process.wait_line(event="audit_feed", feed="days")
    assert good["severity"] == "INFO"
    assert good["newest_stored"] == a.due("days")[-1]
    assert f"{GAP}" not in a.due("days")


def test_what_awaits_its_file_is_asked_for_and_is_no_error(a: Auditing) -> None:
    a.fill()
    a.world.bucket.blob(a.name("days", days_ago(1))).delete()
    assert a.audit()["days"]["awaiting"] == 1
    assert a.dispatched() == {"days": [days_ago(1)]}
    assert a.process.wait_line(event="audit_feed", feed="days")["severity"] == "INFO"


@pytest.mark.parametrize("body", [b'{"feed": "days"}', b"[]", b"x", b'"'])
def test_an_audit_takes_no_fields(a: Auditing, body: bytes) -> None:
    response = a.process.post("/audit", data=body)
    assert response.status_code == 400
    assert response.headers["Content-Type"] == "application/problem+json"
    assert a.process.get("/audit").status_code == 405
    assert a.process.post("/audit", data=b"{}").status_code == 200


def test_a_feed_that_is_not_enabled_is_not_audited_and_shown_where_it_is_named(
    a: Auditing,
) -> None:
    a.store("idle", days_ago(3))
    assert "idle" not in a.audit()
    assert "idle" not in a.dispatched()
    assert "idle" not in {feed["feed"] for feed in a.coverage()["feeds"]}
    [told] = a.coverage("?feed=idle")["feeds"]
    assert (told["expected"], told["stored"], told["missing"]) == (0, 1, 0)
    assert [p["period"] for p in told["periods"]] == [days_ago(3)]
    asked = a.process.post("/", json={"feed": "idle", "start": days_ago(4)}).json()
    assert asked["dispatched"] == [days_ago(4), days_ago(2), days_ago(1)]
    a.d.messages()
