"""Each fault of a source, against a running worker."""

import threading

import pytest

from tests.support.source_faults import FAULTS, Fault, drip_headers
from tests.support.source_server import Wire
from tests.support.world import Deliveries, World


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_source_fault(here: World, day: Deliveries, fault: Fault) -> None:
    suffix = ".gz" if fault.feed == "zipped" else ".csv"
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
        assert here.unzipped(name) == fault.stores
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


def test_connection_refused(here: World, day: Deliveries) -> None:
    body = day.push(feed="refused").json()
    assert (body["outcome"], body["reason"]) == ("retry", "network")
