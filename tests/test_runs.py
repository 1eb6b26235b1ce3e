"""Runs: followed by `GET /runs/{run}`, and Pub/Sub that takes only some of the messages."""

import time
from collections.abc import Iterator
from threading import Event

import pytest

from ingest.messages import Message
from ingest.publish import Publisher, new_client
from tests.support.dispatching import Dispatching
from tests.support.function import FunctionProcess, envelope
from tests.support.picky import Picky
from tests.support.source_server import Reply
from tests.support.world import CSV, World


def test_a_run_is_done_when_every_period_has_a_final_outcome(
    d: Dispatching, worker: FunctionProcess
) -> None:
    d.world.put("/tiny/2002-05-01.csv", Reply(CSV))
    d.world.put("/tiny/2002-05-02.csv", Reply(status=500))
    question = {"start": "2002-05-01", "end": "2002-05-03"}
    response = d.post(question)
    path = response.headers["Location"]
    messages = d.messages()
    body = d.process.get(path).json()
    assert (body["run"], body["feed"], body["done"]) == (response.json()["run"], "tiny", False)
    assert [p["outcome"] for p in body["periods"]] == [None, None, None]
    for message in messages:
        worker.post(json=envelope(message))
    body = d.process.get(path).json()
    assert not body["done"]  # one is to be tried again
    assert [p["outcome"] for p in body["periods"]] == ["stored", None, "absent"]
    worker.post(json=envelope(messages[1], attempt=5))
    body = d.process.get(path).json()
    assert body["done"]
    assert [(p["period"], p["outcome"]) for p in body["periods"]] == [
        ("2002-05-01", "stored"),
        ("2002-05-02", "failed"),
        ("2002-05-03", "absent"),
    ]
    assert body["periods"][1]["reason"] == "server_error"


def test_a_run_with_nothing_to_do_is_done(d: Dispatching) -> None:
    d.store("tiny/2002/2002-06-01.csv.gz")
    response = d.post({"date": "2002-06-01"})
    assert response.status_code == 200
    body = d.process.get(f"/runs/{response.json()['run']}").json()
    assert body["done"]
    assert body["skipped"] == [{"period": "2002-06-01", "reason": "stored"}]


@pytest.fixture
def picky() -> Iterator[Picky]:
    server = Picky()
    yield server
    server.stop()


def test_what_pubsub_did_not_take_is_named_in_answer_and_manifest(
    here: World, picky: Picky
) -> None:
    picky.refused_period = "2010-01-20T00"
    question = {"feed": "hourly", "start": "2010-01-01", "end": "2010-03-31"}
    env = here.env | {"PUBSUB_EMULATOR_HOST": picky.host}
    with FunctionProcess("dispatch", env) as process:
        response = process.post(json=question)
        assert response.status_code == 502
        body = response.json()
        assert response.headers["Content-Type"] == "application/problem+json"
        assert "2010-01-20T00" in body["failed"]
        assert sorted(body["dispatched"]) == sorted(picky.taken)
        assert len(body["dispatched"]) + len(body["failed"]) == 90 * 24
        manifest = here.record(f"_lakefill/runs/{body['run']}.json")
        assert manifest is not None
        assert manifest["unpublished"] == body["failed"]
        run = process.get(f"/runs/{body['run']}").json()
        assert run["unpublished"] == body["failed"]
        picky.refused_period = None
        again = process.post(json=question)
    assert again.status_code == 202
    assert len(again.json()["dispatched"]) == 90 * 24


def test_publishing_gives_up_in_its_time_when_pubsub_does_not_answer(
    picky: Picky, monkeypatch: pytest.MonkeyPatch
) -> None:
    picky.hang = Event()
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", picky.host)
    client = new_client()
    publisher = Publisher(client, picky.topic, time.monotonic, seconds=1)
    messages = [Message(1, "f", f"2023-01-0{n}", "r", "fetch") for n in range(1, 4)]
    assert publisher.publish(messages).keys() == {m.period for m in messages}
    picky.hang.set()
    client.stop()
