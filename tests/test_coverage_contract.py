"""`GET /coverage` and `GET /`, against a running dispatch process and its lake."""

from datetime import UTC, datetime
from typing import Any

import pytest
from werkzeug.datastructures import MultiDict

from ingest import coverage_query
from ingest.problems import ProblemError
from tests.support.auditing import GAP, TODAY, Auditing, days_ago, within
from tests.support.function import FunctionProcess, envelope
from tests.support.source_server import Reply
from tests.support.storage_proxy import Status

pytest_plugins = "tests.support.audit_fixtures"


def push(a: Auditing, worker: FunctionProcess, key: str, mode: str = "fetch") -> str:
    message = {"v": 1, "feed": "days", "period": key, "run": "run-1", "mode": mode}
    outcome: str = worker.post(json=envelope(message, attempt=5)).json()["outcome"]
    return outcome


def test_each_period_is_what_the_worker_made_of_it(
    a: Auditing, audited_worker: FunctionProcess
) -> None:
    stored, revised, rejected, failed, absent, early = (days_ago(n) for n in (9, 8, 7, 6, 5, 1))
    path = "/days/{}.csv".format
    a.has("days", stored, revised)
    a.world.put(path(rejected), Reply(b"<html>\x00 & sorry</html>"))
    a.world.put(path(failed), Reply(status=500))
    assert push(a, audited_worker, stored) == "stored"
    assert push(a, audited_worker, revised) == "stored"
    a.world.put(path(revised), Reply(b"a,b\n1,2\n3,4\n"))
    assert push(a, audited_worker, revised, "recheck") == "revised"
    a.world.put(path(stored), Reply(status=403))
    assert push(a, audited_worker, stored, "recheck") == "rejected"
    for key, outcome in (
        (rejected, "rejected"),
        (failed, "failed"),
        (absent, "absent"),
        (early, "not_yet"),
    ):
        assert push(a, audited_worker, key) == outcome

    [feed] = a.coverage("?feed=days")["feeds"]
    found: dict[str, dict[str, Any]] = {p["period"]: p for p in feed["periods"]}
    assert found[failed]["state"] == "failed"
    assert found[stored]["state"] == "stored"
    assert found[stored]["last_error"]["reason"] == "status"
    assert found[stored]["object"] == a.name("days", stored)
    assert found[revised].items() >= {"state": "revised", "revision": 1, "rows": 3}.items()
    metadata = a.world.metadata(a.name("days", revised))
    assert found[revised]["sha256"] == metadata["lakefill-sha256"]
    assert found[revised]["fetched_at"] == metadata["lakefill-fetched-at"]
    assert found[revised]["source_url"] == a.world.source.url + path(revised)
    assert found[revised]["size"] == len(a.world.content(a.name("days", revised)))
    assert found[revised]["source_bytes"] == 12
    assert found[rejected]["state"] == "rejected"
    record = a.world.record(f"_lakefill/failures/days/{rejected}.json")
    assert record is not None
    told = found[rejected]["last_error"]
    assert told == {name: record[name] for name in told}
    assert found[absent]["state"] == "late"
    assert found[absent]["last_error"]["outcome"] == "absent"
    assert found[early]["state"] == "awaiting"
    assert found[str(GAP)] == {"period": str(GAP), "state": "known_gap"}
    assert found[str(TODAY)] == {"period": str(TODAY), "state": "not_due"}
    assert (feed["stored"], feed["failed"], feed["rejected"]) == (2, 1, 1)


def test_only_lakefills_own_objects_of_the_feed_itself_count(a: Auditing) -> None:
    key = days_ago(3)
    a.world.bucket.blob(a.name("days", key)).upload_from_string(b"somebody else's")
    a.store("other", key)
    a.store("bare", key)
    a.d.store(f"days/{key}.csv.gz.bak")
    counted = {feed["feed"]: feed["stored"] for feed in a.coverage()["feeds"]}
    assert counted == {"days": 0, "other": 1, "bare": 1, "hours": 0, "ended": 0}


def test_a_listing_asks_for_little_and_passes_lakefills_records_by(a: Auditing) -> None:
    a.audit()
    a.d.messages()
    a.world.proxy.requests.clear()
    a.coverage("?feed=bare")
    assert {request.operation for request in a.world.proxy.requests} == {"list"}
    records, before, after = a.world.proxy.requests
    assert records.query["prefix"] == "_lakefill/failures/bare/"
    assert (before.query["endOffset"], after.query["startOffset"]) == (
        "_lakefill/",
        "_lakefill0",
    )
    for request in a.world.proxy.requests:
        assert "metadata" in request.query["fields"]
        assert "crc32c" not in request.query["fields"]
    a.world.proxy.requests.clear()
    a.coverage("?feed=days")
    assert [r.query["prefix"] for r in a.world.proxy.requests] == [
        "_lakefill/failures/days/",
        "days/",
    ]


def test_periods_come_with_one_feed_alone_and_may_be_narrowed(a: Auditing) -> None:
    a.store("ended", "2012-08-01")
    assert all("periods" not in feed for feed in a.coverage()["feeds"])
    [whole] = a.coverage("?feed=ended")["feeds"]
    assert [p["period"] for p in whole["periods"]] == [
        *("2009-12-15", "2012-06-01", "2012-07-01", "2012-08-01"),
        *("2012-09-01", "2012-10-01", "2012-11-01"),
    ]
    assert (whole["next_due"], whole["next_due_at"]) == (None, None)
    for query, keys in (
        ("start=2012-08&end=2012-09-01", ["2012-08-01", "2012-09-01"]),
        ("end=2009", ["2009-12-15"]),
        ("start=2012-10-02", ["2012-11-01"]),
        ("start=2013", []),
    ):
        [feed] = a.coverage(f"?feed=ended&{query}")["feeds"]
        assert [p["period"] for p in feed.pop("periods")] == keys
        assert feed == {name: value for name, value in whole.items() if name != "periods"}


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("feed=", 404),
        ("feed=nope", 404),
        ("feed=%ff%00", 404),
        ("feed=../days", 404),
        ("feed=days&feed=days", 400),
        ("feed=days&state=late", 400),
        ("start=2023", 400),
        ("end=2023", 400),
        ("feed=days&start=", 422),
        ("feed=days&start=2023-02-30", 422),
        ("feed=days&start=%ED%A0%80", 422),
        ("feed=days&start=%D9%A2%D9%A0%D9%A2%D9%A3", 422),
        ("feed=days&end=0000", 422),
        ("feed=days&start=2023&end=2022", 422),
        ("feed=days&start=" + "9" * 5000, 422),
    ],
)
def test_what_cannot_be_meant_is_refused(a: Auditing, query: str, status: int) -> None:
    response = a.process.get(f"/coverage?{query}")
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/problem+json"
    assert len(response.json()["detail"]) > 10
    assert "Traceback" not in a.process.output


def test_an_answer_that_would_be_too_long_is_refused(
    a: Auditing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coverage_query, "_MOST_BYTES", 1000)
    now = datetime.now(UTC)
    few = MultiDict({"feed": "days", "start": days_ago(2)})
    query = coverage_query.parse_query(few, a.catalogue)
    assert coverage_query.answer_query(query, a.lake, now, within()).startswith(b'{"as_of"')
    query = coverage_query.parse_query(MultiDict({"feed": "days"}), a.catalogue)
    with pytest.raises(ProblemError, match="narrow it by start and end") as caught:
        coverage_query.answer_query(query, a.lake, now, within())
    assert caught.value.status == 422


@pytest.mark.parametrize("path", ["/coverage", "/coverage?feed=days", "/"])
def test_a_lake_that_cannot_be_read_is_503(a: Auditing, path: str) -> None:
    a.world.proxy.faults.add(match=lambda r: r.operation == "list", action=Status(403))
    response = a.process.get(path)
    assert response.status_code == 503
    assert response.headers["Content-Type"] == "application/problem+json"
    assert a.process.get(path).status_code == 200


def test_the_page_is_served_with_a_strict_policy(a: Auditing) -> None:
    a.store("days", days_ago(3))
    response = a.process.get("/")
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "no-cache"
    assert "<title>" in response.text
    head = a.process.session.head(a.process.url + "/")
    assert (head.status_code, head.content) == (200, b"")
