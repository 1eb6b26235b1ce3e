"""Request to lake through Pub/Sub: the same on the embedded one and on Google's emulator."""

import datetime as dt
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from ingest.local import emulator
from ingest.local.pubsub import EmbeddedPubsub, Pubsub, Subscription
from tests.support.function import FunctionProcess, until
from tests.support.source_server import Reply
from tests.support.storage_proxy import Status
from tests.support.world import CSV, World, world

MAX_ATTEMPTS = 5


@dataclass
class Pipeline:
    """Both functions with a Pub/Sub between them."""

    world: World
    dispatch: FunctionProcess
    worker: FunctionProcess
    pubsub: Pubsub

    def backfill(self, question: dict[str, Any]) -> dict[str, Any]:
        """Ask, wait for every outcome, and return the run."""
        response = self.dispatch.post(json=question)
        assert response.status_code == 202, response.text
        path = response.headers["Location"]
        until(lambda: self.dispatch.get(path).json()["done"], timeout=60)
        run: dict[str, Any] = self.dispatch.get(path).json()
        return run


@pytest.fixture(scope="module", params=["embedded", "emulator"])
def pipeline(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pipeline]:
    if request.param == "emulator" and emulator.find() is None:
        pytest.skip("Google's Pub/Sub emulator is not installed")
    folder = tmp_path_factory.mktemp("pipeline")
    with ExitStack() as parts:
        here = parts.enter_context(world(folder))
        topic = here.env["LAKEFILL_TOPIC"]
        env = here.env | {"LAKEFILL_MAX_ATTEMPTS": str(MAX_ATTEMPTS)}
        worker = parts.enter_context(FunctionProcess("worker", env))
        subscription = Subscription(
            topic=topic,
            name="projects/test/subscriptions/worker",
            push_endpoint=worker.url + "/",
            min_backoff_seconds=0.0,
            max_backoff_seconds=0.1,
            max_delivery_attempts=MAX_ATTEMPTS,
        )
        pubsub: Pubsub = (
            EmbeddedPubsub(subscription)
            if request.param == "embedded"
            else emulator.EmulatorPubsub(subscription, log=folder / "pubsub.log")
        )
        parts.enter_context(pubsub)
        env |= {"PUBSUB_EMULATOR_HOST": pubsub.host}
        dispatch = parts.enter_context(FunctionProcess("dispatch", env))
        yield Pipeline(here, dispatch, worker, pubsub)


def days(first: str, count: int) -> list[str]:
    start = dt.date.fromisoformat(first)
    return [str(start + dt.timedelta(days=n)) for n in range(count)]


def test_a_backfill_stores_every_period_once(pipeline: Pipeline) -> None:
    month = days("2005-03-01", 31)
    for day in month:
        pipeline.world.put(f"/tiny/{day}.csv", Reply(CSV + day.encode() + b",1\n"))
    run = pipeline.backfill({"feed": "tiny", "date": "2005-03"})
    assert {p["period"]: p["outcome"] for p in run["periods"]} == dict.fromkeys(month, "stored")
    for day in month:
        name = f"tiny/2005/{day}.csv.gz"
        assert pipeline.world.unzipped(name) == CSV + day.encode() + b",1\n"
        assert pipeline.world.metadata(name)["lakefill-run"] == run["run"]
    again = pipeline.dispatch.post(json={"feed": "tiny", "date": "2005-03"})
    assert again.status_code == 200
    assert {s["reason"] for s in again.json()["skipped"]} == {"stored"}


def test_each_period_comes_to_its_own_end(pipeline: Pipeline) -> None:
    missing, wrong, shaky, fine = days("2006-01-01", 4)
    pipeline.world.put(f"/tiny/{wrong}.csv", Reply(b"<html>no</html>"))
    pipeline.world.put(f"/tiny/{shaky}.csv", [Reply(status=503), Reply(status=429), Reply(CSV)])
    pipeline.world.put(f"/tiny/{fine}.csv", Reply(CSV))
    run = pipeline.backfill({"feed": "tiny", "start": missing, "end": fine})
    assert {p["period"]: p["outcome"] for p in run["periods"]} == {
        missing: "absent",
        wrong: "rejected",
        shaky: "stored",
        fine: "stored",
    }
    assert len(pipeline.worker.lines(event="period_retry", period=shaky)) == 2


def test_what_never_succeeds_becomes_a_dead_letter(pipeline: Pipeline) -> None:
    [day] = days("2006-02-01", 1)
    pipeline.world.put(f"/tiny/{day}.csv", Reply(status=500))
    before = len(pipeline.pubsub.dead_letters())
    assert pipeline.dispatch.post(json={"feed": "tiny", "date": day}).status_code == 202
    letters = pipeline.pubsub.dead_letters(at_least=before + 1, timeout=60)
    assert letters[-1].attributes["period"] == day
    attempts = pipeline.world.source.asked_for(f"/tiny/{day}.csv")
    assert len(attempts) >= MAX_ATTEMPTS


def test_a_lake_that_fails_for_a_while_loses_nothing(pipeline: Pipeline) -> None:
    [day] = days("2006-03-01", 1)
    pipeline.world.put(f"/tiny/{day}.csv", Reply(CSV))
    rule = pipeline.world.proxy.faults.add(
        match=lambda r: r.operation == "insert" and r.name == f"tiny/2006/{day}.csv.gz",
        action=Status(403),
        times=2,
    )
    run = pipeline.backfill({"feed": "tiny", "date": day})
    assert rule.hits == 2
    assert run["periods"][0]["outcome"] == "stored"
    assert pipeline.world.unzipped(f"tiny/2006/{day}.csv.gz") == CSV
