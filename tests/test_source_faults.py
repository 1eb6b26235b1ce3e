"""Each fault of a source, against a running worker."""

import threading
import time
from pathlib import Path

import pytest

from ingest.deadline import Deadline
from ingest.errors import RetryError
from ingest.feeds import load_catalogue
from ingest.session import new_session
from ingest.source import Fetch, Source
from ingest.times import utc_now
from tests.support.source_faults import FAULTS
from tests.support.source_scripts import ROWS, Fault, drip, drip_headers
from tests.support.source_server import Reply, Wire
from tests.support.world import Deliveries, World


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_source_fault(here: World, day: Deliveries, fault: Fault) -> None:
    suffix = {"zipped": ".gz", "archived": ".zip", "columns": ".parquet"}.get(
        fault.feed, ".csv"
    )
    path = f"/{fault.feed}/{day.day}{suffix}"
    name = day.name if fault.feed == "tiny" else f"{fault.feed}/{day.day}{suffix}"
    here.source.scripts[path] = fault.script
    staged = here.names("_lakefill/staging/")
    response = day.push(feed=fault.feed)
    body = response.json()
    assert (body["outcome"], body.get("reason")) == (fault.outcome, fault.reason), body
    assert response.status_code == (503 if fault.outcome == "retry" else 200)
    event = day.line(f"period_{fault.outcome}")
    if fault.stores is None:
        assert here.names(name) == []
    else:
        read = here.unzipped if suffix == ".csv" else here.content
        assert read(name) == fault.stores
        assert event["source_bytes"] == len(fault.stores)
    if fault.asked is not None:
        assert len(here.source.asked_for(path)) == fault.asked
    if fault.resumed is not None:
        assert event["resumed"] == fault.resumed or (fault.resumed < 0 < event["resumed"])
    assert here.names("_lakefill/staging/") == staged


def test_no_connection_outlasts_a_delivery_that_headers_kept_waiting(
    here: World, day: Deliveries
) -> None:
    hung_up = threading.Event()

    def script(wire: Wire) -> None:
        try:
            drip_headers(wire)
        except OSError:
            hung_up.set()

    here.source.scripts[f"/tiny/{day.day}.csv"] = script
    assert day.push().json()["reason"] == "deadline"
    assert hung_up.wait(10)


def test_an_abort_between_headers_and_body_is_not_lost(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = "/tiny/1999-01-01.csv"
    here.source.scripts[path] = drip
    source = Source(new_session(), "test", now=utc_now)
    feed = load_catalogue(Path(here.env["LAKEFILL_FEEDS"]))["tiny"]
    fetch = Fetch(source, feed, here.source.url + path, Deadline(60, time.monotonic))
    monkeypatch.setattr("ingest.source._judge", lambda *_, **__: fetch.abort())
    with pytest.raises(RetryError), fetch.open() as download:
        next(download.blocks())


@pytest.mark.parametrize("etag", ["€", "a\nb", ""])
def test_a_stored_validator_that_is_none_is_not_sent(
    here: World, day: Deliveries, etag: str
) -> None:
    here.put(day.path, Reply(ROWS, headers={"ETag": '"one"'}))
    assert day.outcome() == (200, "stored")
    blob = here.bucket.get_blob(day.name)
    blob.metadata = {**blob.metadata, "lakefill-source-etag": etag}
    blob.patch()
    assert day.outcome("recheck") == (200, "unchanged")
    assert here.metadata(day.name)["lakefill-source-etag"] == '"one"'


def test_connection_refused(here: World, day: Deliveries) -> None:
    body = day.push(feed="refused").json()
    assert (body["outcome"], body["reason"]) == ("retry", "network")
