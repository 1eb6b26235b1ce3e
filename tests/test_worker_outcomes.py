"""Each row of the worker's contract, provoked against a running worker process."""

import datetime as dt
import gzip
from pathlib import Path

import pytest

from tests.support.function import FunctionProcess
from tests.support.source_server import Reply
from tests.support.storage_proxy import Status
from tests.support.world import CSV, Deliveries, World


@pytest.fixture
def recent(day: Deliveries) -> Deliveries:
    """Yesterday: due, and still within grace."""
    day.day = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)
    return day


HTML = Reply(b"<!DOCTYPE html><html><body>Not here</body></html>")


def test_a_new_file_is_stored(here: World, day: Deliveries) -> None:
    here.put(day.path, Reply(CSV))
    assert day.outcome() == (200, "stored")
    assert here.unzipped(day.name) == CSV
    line = day.line("period_stored")
    assert line["severity"] == "INFO"
    assert line["source_bytes"] == len(CSV)
    assert line["stored_bytes"] == len(here.content(day.name))
    assert (line["rows"], line["source_status"], line["resumed"]) == (100, 200, 0)
    assert day.failure() is None


def test_the_same_message_again_does_nothing(here: World, day: Deliveries) -> None:
    here.put(day.path, Reply(CSV))
    day.push()
    assert day.outcome() == (200, "unchanged")
    assert len(here.source.asked_for(day.path)) == 1
    assert day.line("period_unchanged")["severity"] == "INFO"
    run_outcome = day.run_outcome()
    assert run_outcome is not None
    assert run_outcome["outcome"] == "stored"  # the duplicate does not hide what the run did


def test_a_recheck_of_what_the_source_still_has_is_unchanged(
    here: World, day: Deliveries
) -> None:
    here.put(day.path, Reply(CSV, headers={"ETag": '"one"'}))
    day.push()
    assert day.outcome("recheck") == (200, "unchanged")
    assert here.source.asked_for(day.path)[-1].headers["If-None-Match"] == '"one"'
    assert day.line("period_unchanged")["source_status"] == 304


@pytest.mark.parametrize("etag", [{}, {"ETag": '"one"'}], ids=["no ETag", "ETag"])
def test_a_recheck_asks_for_what_is_newer_than_the_last_modified_it_knows(
    here: World, day: Deliveries, etag: dict[str, str]
) -> None:
    modified = "Sat, 03 Jun 2023 09:00:00 GMT"
    here.put(day.path, Reply(CSV, headers={"Last-Modified": modified, **etag}))
    day.push()
    here.put(day.path, Reply(status=304, framing="none"))
    assert day.outcome("recheck") == (200, "unchanged")
    asked = here.source.asked_for(day.path)
    assert asked[-1].headers["If-Modified-Since"] == modified
    assert "If-Modified-Since" not in asked[0].headers


@pytest.mark.parametrize("mode", ["fetch", "force"])
def test_only_a_recheck_asks_on_conditions(here: World, day: Deliveries, mode: str) -> None:
    given = {"ETag": '"one"', "Last-Modified": "Sat, 03 Jun 2023 09:00:00 GMT"}
    here.put(day.path, Reply(CSV, headers=given))
    day.push()
    day.push(mode)
    for asked in here.source.asked_for(day.path):
        assert not {"If-None-Match", "If-Modified-Since"} & asked.headers.keys()


def test_the_same_bytes_under_a_new_etag_are_unchanged_and_the_etag_is_kept(
    here: World, day: Deliveries
) -> None:
    here.put(day.path, Reply(CSV, headers={"ETag": '"one"'}))
    day.push()
    here.put(day.path, Reply(CSV, headers={"ETag": 'W/"two"'}))
    assert day.outcome("recheck") == (200, "unchanged")
    metadata = here.metadata(day.name)
    assert metadata["lakefill-source-etag"] == 'W/"two"'
    assert metadata["lakefill-revision"] == "0"


def test_other_bytes_are_a_revision_and_the_old_generation_stays(
    here: World, day: Deliveries
) -> None:
    here.put(day.path, Reply(CSV))
    day.push()
    old = here.bucket.get_blob(day.name).generation
    here.put(day.path, Reply(CSV + b"7,7\n"))
    assert day.outcome("recheck", run="run-2") == (200, "revised")
    assert here.unzipped(day.name) == CSV + b"7,7\n"
    metadata = here.metadata(day.name)
    assert (metadata["lakefill-revision"], metadata["lakefill-run"]) == ("1", "run-2")
    before = here.bucket.blob(day.name, generation=old)
    assert gzip.decompress(before.download_as_bytes(raw_download=True)) == CSV
    line = day.line("period_revised")
    assert line["severity"] == "WARNING"
    assert line["previous_sha256"] != line["sha256"] == metadata["lakefill-sha256"]
    assert (line["previous_bytes"], line["source_bytes"]) == (len(CSV), len(CSV) + 4)


@pytest.mark.parametrize("reply", [Reply(status=404), Reply(status=410), HTML, Reply(b"")])
def test_what_is_missing_within_grace_is_not_yet(
    here: World, recent: Deliveries, reply: Reply
) -> None:
    here.put(recent.path, reply)
    assert recent.outcome() == (200, "not_yet")
    assert recent.failure() is None
    assert recent.line("period_not_yet")["severity"] == "INFO"


@pytest.mark.parametrize("status", [404, 410, 204])
def test_what_is_missing_after_grace_is_absent_and_on_record(
    here: World, day: Deliveries, status: int
) -> None:
    here.put(day.path, Reply(status=status, framing="none" if status == 204 else "length"))
    assert day.outcome() == (200, "absent")
    line = day.line("period_absent")
    assert (line["severity"], line["source_status"]) == ("ERROR", status)
    failure = day.failure()
    assert failure is not None
    assert (failure["outcome"], failure["reason"], failure["mode"]) == (
        "absent",
        "absent",
        "fetch",
    )
    assert failure["attempts"] == 1
    assert failure["next_retry"] > failure["last"] >= failure["first"]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (HTML, "html"),
        (Reply(b"some page", headers={"Content-Type": "text/html"}), "header"),
        (Reply(b""), "empty"),
        (Reply(b"a,b\n1,2\n"), "small"),
        (Reply(b"x,y\n" + CSV), "header"),
        (Reply(CSV, headers={"Content-Encoding": "br"}), "encoding"),
        (Reply(CSV, headers={"Content-Encoding": "gzip"}), "encoding"),
        (Reply(CSV, status=401), "status"),
        (Reply(CSV, status=403), "status"),
        (Reply(CSV, status=206), "status"),
        (Reply(CSV, status=304), "status"),
        (Reply(status=302, headers={"Location": "http://127.0.0.1:9/elsewhere"}), "redirect"),
        (Reply(status=302, headers={"Location": "ftp://127.0.0.1/"}), "redirect"),
        (Reply(status=302, headers={"Location": "http://[bad"}), "redirect"),
        (Reply(status=302), "redirect"),
    ],
)
def test_what_is_not_the_file_is_rejected_and_on_record(
    here: World, day: Deliveries, reply: Reply, reason: str
) -> None:
    here.put(day.path, reply)
    response = day.push()
    assert (response.status_code, response.json()["outcome"]) == (200, "rejected")
    assert response.json()["reason"] == reason
    assert day.line("period_rejected") | {"severity": "ERROR", "reason": reason} == day.line(
        "period_rejected"
    )
    failure = day.failure()
    assert failure is not None
    assert (failure["outcome"], failure["reason"]) == ("rejected", reason)
    assert here.names(day.name) == []


def test_a_redirect_that_goes_round_is_rejected(here: World, day: Deliveries) -> None:
    here.put(day.path, Reply(status=302, headers={"Location": day.path}))
    assert day.push().json()["reason"] == "redirect"


def test_a_redirect_to_an_allowed_host_is_followed(here: World, day: Deliveries) -> None:
    port = here.source.server_port
    here.put(
        day.path, Reply(status=302, headers={"Location": f"http://localhost:{port}/moved.csv"})
    )
    here.put("/moved.csv", Reply(CSV))
    assert day.outcome() == (200, "stored")
    assert here.metadata(day.name)["lakefill-source-url"].endswith(day.path)


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_more_than_max_bytes_is_rejected(here: World, day: Deliveries, framing: str) -> None:
    here.put(day.path, Reply(b"a,b\n" + bytes(100 * 2**20), framing=framing))
    assert day.push().json()["reason"] == "large"
    assert here.names(day.name) == []


@pytest.mark.parametrize(
    "body",
    [
        gzip.compress(CSV)[:-1],
        gzip.compress(CSV)[:-8] + bytes(8),
        CSV,
        gzip.compress(CSV) + b"junk",
    ],
    ids=["cut", "wrong crc", "no gzip", "junk behind"],
)
def test_broken_gzip_that_would_be_stored_as_it_is_is_rejected(
    here: World, day: Deliveries, body: bytes
) -> None:
    here.put(f"/zipped/{day.day}.gz", Reply(body))
    response = day.push(feed="zipped")
    assert (response.json()["outcome"], response.json()["reason"]) == ("rejected", "gzip")


def test_sound_gzip_is_stored_as_it_is(here: World, day: Deliveries) -> None:
    body = gzip.compress(CSV) + gzip.compress(CSV)
    here.put(f"/zipped/{day.day}.gz", Reply(body))
    assert day.outcome(feed="zipped") == (200, "stored")
    assert here.content(f"zipped/{day.day}.gz") == body


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(status=500), "server_error"),
        (Reply(status=503), "server_error"),
        (Reply(status=408), "request_timeout"),
        (Reply(status=429), "throttled"),
        (Reply(status=202), "accepted"),
        (Reply(CSV, cut_at=50), "cut"),
        (Reply(CSV, cut_at=50, framing="chunked"), "cut"),
    ],
)
def test_passing_trouble_is_a_retry_and_stores_nothing(
    here: World, day: Deliveries, reply: Reply, reason: str
) -> None:
    here.put(day.path, reply)
    response = day.push()
    assert (response.status_code, response.json()["outcome"]) == (503, "retry")
    assert response.json()["reason"] == reason
    assert day.line("period_retry")["severity"] == "WARNING"
    assert (day.failure(), day.run_outcome(), here.names(day.name)) == (None, None, [])


def test_a_source_that_cannot_be_reached_is_a_retry(here: World, tmp_path: Path) -> None:
    catalogue = Path(here.env["LAKEFILL_FEEDS"]).read_text()
    feeds = tmp_path / "feeds.yaml"
    feeds.write_text(catalogue.replace(here.source.url, "http://127.0.0.1:9"))
    with FunctionProcess("worker", here.env | {"LAKEFILL_FEEDS": str(feeds)}) as process:
        response = Deliveries(process, here).push()
    assert (response.status_code, response.json()["reason"]) == (503, "network")


def test_storage_trouble_is_a_retry(here: World, day: Deliveries) -> None:
    here.put(day.path, Reply(CSV))
    rule = here.proxy.faults.add(
        match=lambda request: str(day.day) in request.target, action=Status(403), times=1
    )
    response = day.push()
    assert rule.hits == 1
    assert (response.status_code, response.json()["reason"]) == (503, "permission")
    line = day.line("unexpected_error")
    assert line["severity"] == "ERROR"
    assert "roles/storage.objectUser" in line["message"]
    assert day.outcome() == (200, "stored")


def test_a_retry_on_the_last_attempt_has_failed_and_is_on_record(
    here: World, day: Deliveries
) -> None:
    here.put(day.path, Reply(status=500))
    assert day.outcome(attempt=4) == (503, "retry")
    assert day.outcome(attempt=5) == (503, "failed")
    assert day.line("period_failed")["severity"] == "ERROR"
    failure = day.failure()
    assert failure is not None
    assert (failure["outcome"], failure["reason"]) == ("failed", "server_error")
    run_outcome = day.run_outcome()
    assert run_outcome is not None
    assert run_outcome["outcome"] == "failed"


def test_success_removes_the_failure_record(here: World, day: Deliveries) -> None:
    day.push()
    day.push(run="run-2")
    failure = day.failure()
    assert failure is not None
    assert failure["attempts"] == 2
    here.put(day.path, Reply(CSV))
    assert day.outcome(run="run-3") == (200, "stored")
    assert day.failure() is None
