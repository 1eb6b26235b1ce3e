"""The contract of `POST /`, against a running dispatch process."""

import datetime as dt
import re

import pytest
import requests

from tests.support.dispatching import Dispatching
from tests.support.storage_proxy import Status

RUN = re.compile(r"[a-z0-9-]{1,64}")


def today() -> dt.date:
    return dt.datetime.now(dt.UTC).date()


def test_a_date_is_dispatched_as_one_message(d: Dispatching) -> None:
    response = d.post({"feed": "tiny", "date": "2005-03-01"})
    assert response.status_code == 202
    body = response.json()
    assert RUN.fullmatch(body["run"])
    assert response.headers["Location"] == f"/runs/{body['run']}"
    assert body == {
        "run": body["run"],
        "feed": "tiny",
        "dispatched": ["2005-03-01"],
        "skipped": [],
        "dry_run": False,
    }
    assert d.messages() == [
        {"v": 1, "feed": "tiny", "period": "2005-03-01", "run": body["run"], "mode": "fetch"}
    ]
    attributes = d.endpoint.deliveries[-1].body["message"]["attributes"]
    assert attributes == {"feed": "tiny", "period": "2005-03-01", "run": body["run"]}
    d.process.wait_line(event="run_dispatched", severity="INFO", run=body["run"])


@pytest.mark.parametrize(
    ("question", "periods"),
    [
        ({"date": "2005-04"}, [f"2005-04-{n:02}" for n in range(1, 31)]),
        ({"start": "2005-04-29", "end": "2005-05-02"}, None),
        ({"feed": "hourly", "date": "2010-01-03"}, [f"2010-01-03T{n:02}" for n in range(24)]),
        ({"feed": "hourly", "date": "2010-01-03T07"}, ["2010-01-03T07"]),
        ({"feed": "ended", "date": "2011"}, [f"2011-{n:02}-01" for n in range(1, 13)]),
        ({"feed": "ended", "date": "2009-12-15"}, ["2009-12-15"]),
        ({"feed": "ended", "start": "2012-10"}, ["2012-10-01", "2012-11-01"]),
        ({"feed": "ended", "start": "2000", "end": "2010-02"}, ["2009-12-15", "2010-02-01"]),
    ],
    ids=str,
)
def test_partial_dates_and_ranges_name_every_period_within(
    d: Dispatching, question: dict[str, str], periods: list[str] | None
) -> None:
    expected = periods or ["2005-04-29", "2005-04-30", "2005-05-01", "2005-05-02"]
    response = d.post(question if "feed" in question else {"feed": "tiny", **question})
    assert response.status_code == 202
    assert response.json()["dispatched"] == expected
    assert [m["period"] for m in d.messages()] == expected


def test_the_default_feed_is_the_first_of_the_catalogue(d: Dispatching) -> None:
    assert d.post({"date": "2005-03-02"}).json()["feed"] == "tiny"


def test_nothing_asked_means_the_latest_due_and_the_rechecked_ones(d: Dispatching) -> None:
    days = [today() - dt.timedelta(days=n) for n in (3, 2, 1)]
    d.store(f"tiny/{days[1].year}/{days[1]}.csv.gz")
    for body in (b"", b"{}", b" \n"):
        response = d.process.post(data=body)
        assert response.status_code == 202
        assert response.json()["dispatched"] == [str(day) for day in days]
        assert [(m["period"], m["mode"]) for m in d.messages()] == [
            (str(days[0]), "fetch"),
            (str(days[1]), "recheck"),
            (str(days[2]), "fetch"),
        ]


def test_today_is_not_due_and_is_skipped_not_refused(d: Dispatching) -> None:
    response = d.post({"feed": "tiny", "date": str(today())})
    assert response.status_code == 200
    assert response.json()["skipped"] == [{"period": str(today()), "reason": "not_due"}]
    assert d.messages() == []


def test_stored_periods_and_known_gaps_are_skipped_with_their_reason(d: Dispatching) -> None:
    d.store("tiny/2001/2001-02-02.csv.gz")
    d.world.bucket.blob("tiny/2001/2001-02-01.csv.gz").upload_from_string(b"not lakefill's")
    response = d.post({"feed": "tiny", "start": "2001-02-01", "end": "2001-02-04"})
    assert response.json()["dispatched"] == ["2001-02-01", "2001-02-04"]
    assert response.json()["skipped"] == [
        {"period": "2001-02-02", "reason": "stored"},
        {"period": "2001-02-03", "reason": "known_gap"},
    ]
    assert len(d.messages()) == 2


def test_force_asks_for_what_is_stored_too(d: Dispatching) -> None:
    d.store("tiny/2005/2005-06-01.csv.gz")
    assert d.post({"date": "2005-06-01"}).status_code == 200
    response = d.post({"date": "2005-06-01", "force": True})
    assert response.json()["dispatched"] == ["2005-06-01"]
    assert [m["mode"] for m in d.messages()] == ["force"]


def test_a_dry_run_publishes_and_writes_nothing(d: Dispatching) -> None:
    response = d.post({"date": "2005-07-01", "dry_run": True})
    assert response.status_code == 200
    body = response.json()
    assert (body["dispatched"], body["dry_run"]) == (["2005-07-01"], True)
    assert "Location" not in response.headers
    assert d.manifest(body["run"]) is None
    assert d.messages() == []


@pytest.mark.parametrize(
    "content_type", ["application/octet-stream", "application/x-www-form-urlencoded", None, "x"]
)
def test_json_is_read_whatever_the_content_type_says(
    d: Dispatching, content_type: str | None
) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    response = d.process.post(data=b'{"date": "2005-07-02"}', headers=headers)
    assert response.json()["dispatched"] == ["2005-07-02"]


BAD_BODIES = [
    b"{",
    b"[]",
    b'["2023-06-03"]',
    b'"2023-06-03"',
    b"null",
    b"NaN",
    b"1",
    b'{"date": NaN}',
    b'{"date": null}',
    b'{"date": 2023}',
    b'{"date": ["2023"]}',
    b'{"feed": 1}',
    b'{"force": "false"}',
    b'{"force": 1}',
    b'{"dry_run": 0}',
    b'{"dates": "2023"}',
    b'{"date": "2023", "date": "2022"}',
    b'{"date": "2023", "start": "2022"}',
    b'{"date": "2023", "end": "2022"}',
    b'{"end": "2022"}',
    b'{"date": "\xff"}',
    b"\xef\xbb\xbf{}",
    '{"date": "2023"}'.encode("utf-16"),
    b'{"date": "20\x0023"}',
    b"[" * 60_000,
    b'{"a":' * 10_000,
    b"1" * 60_000,
    b"date=2023-06-03",
]


@pytest.mark.parametrize("body", BAD_BODIES, ids=range(len(BAD_BODIES)))
def test_a_malformed_body_is_refused_with_400(d: Dispatching, body: bytes) -> None:
    response = d.process.post(data=body)
    assert response.status_code == 400
    assert_problem(response)
    assert d.messages() == []


def assert_problem(response: requests.Response) -> None:
    assert response.headers["Content-Type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == response.status_code
    assert problem["title"]
    assert len(problem["detail"]) > 10


def test_a_long_body_is_refused_with_413(d: Dispatching) -> None:
    long = b'{"feed": "' + b"x" * 64 * 1024 + b'"}'
    for body in (long, b"x" * 10_000_000, iter([b"x" * 70_000])):
        response = d.process.post(data=body)
        assert response.status_code == 413
        assert_problem(response)


@pytest.mark.parametrize(
    ("question", "named"),
    [
        ({"date": "2005-02-30"}, "2023-06-03"),
        ({"date": "2005-W05-6"}, "2023-06-03"),
        ({"date": "\uff12\uff10\uff10\uff15-03-01"}, "2023-06-03"),
        ({"date": "2005-03-01\n"}, "2023-06-03"),
        ({"date": ""}, "2023-06-03"),
        ({"date": "\u0000"}, "2023-06-03"),
        ({"date": "\ud800"}, "2023-06-03"),
        ({"date": "2999-01-01"}, "future"),
        ({"date": "2999"}, "future"),
        ({"start": "2005", "end": "2999-01-01"}, "future"),
        ({"start": "2005-02-01", "end": "2005-01-01"}, "start"),
        ({"date": "1999-12-31"}, "2000-01-01"),
        ({"date": "1999"}, "2000-01-01"),
        ({"date": "2005-03-01T07"}, "2005-03-02"),
        ({"start": "2000-01-01"}, "400"),
        ({"feed": "ended", "date": "2011-05-02"}, "2011-05-01 and 2011-06-01"),
        ({"feed": "ended", "date": "2013-01-01"}, "2012-11-01"),
        ({"feed": "ended", "date": "2010-01-01"}, "2009-12-15 and 2010-02-01"),
        ({"feed": "ended", "start": "2011-05-02", "end": "2011-05-30"}, "2011-06-01"),
    ],
    ids=str,
)
def test_what_cannot_be_meant_is_refused_with_422_and_a_way_out(
    d: Dispatching, question: dict[str, str], named: str
) -> None:
    response = d.post(question)
    assert response.status_code == 422
    assert_problem(response)
    assert named in response.json()["detail"]
    assert d.messages() == []
    d.process.wait_line(event="request_refused", severity="WARNING", status=422)


def test_an_unknown_feed_path_or_run_is_404_and_a_wrong_method_405(d: Dispatching) -> None:
    for feed in ("nope", "../tiny", "\ud800", ""):
        response = d.post({"feed": feed})
        assert response.status_code == 404
        assert_problem(response)
    for path in ("/nope", "/openapiXjson", "/runs/", "/runs/a/b", "/runs/none", "/runs/UPPER"):
        response = d.process.get(path)
        assert response.status_code == 404, path
        assert_problem(response)
    assert d.process.post("/runs/x").status_code == 405
    for method in ("PUT", "DELETE", "PATCH"):
        response = d.process.session.request(method, d.process.url + "/")
        assert response.status_code == 405
        assert "POST" in response.headers["Allow"]


def test_a_lake_that_cannot_be_read_is_503(d: Dispatching) -> None:
    d.world.proxy.faults.add(match=lambda r: r.operation == "list", action=Status(403))
    response = d.post({"date": "2005-08-01"})
    assert response.status_code == 503
    assert_problem(response)
    assert d.messages() == []


def test_the_manifest_is_written_before_the_first_message(d: Dispatching) -> None:
    d.world.proxy.faults.add(
        match=lambda r: r.operation == "insert" and "_lakefill/runs/" in (r.name or ""),
        action=Status(403),
    )
    assert d.post({"date": "2005-08-02"}).status_code == 503
    assert d.messages() == []
    run = d.post({"date": "2005-08-02"}).json()["run"]
    manifest = d.manifest(run)
    assert manifest is not None
    assert manifest["dispatched"] == {"2005-08-02": "fetch"}
