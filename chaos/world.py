"""Everything that a run needs, brought up and taken down."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from chaos.child import Child
from chaos.functions import Function, Workers
from chaos.readback import Truth, examine, listing
from chaos.router import Router
from chaos.script import BUCKET, FEED, FULL, File, draw, rechecked
from chaos.source import Source
from chaos.storage import Storage
from chaos.verdict import Evidence, Verdict, judge
from ingest.local.pubsub import EmbeddedPubsub, Subscription

_CATALOGUE = """
{feed}:
  title: Files of a chaos run
  url: {source}/files/{{date:%Y-%m-%dT%H}}.csv
  object: {feed}/{{date:%Y-%m-%dT%H}}.csv.gz
  cadence: hour
  first: {first}
  last: {last}
  recheck: {recheck}
  checks: {{header: reading, min_bytes: 100}}
"""
_WORKERS, _THREADS = 2, 16
_MAX_ATTEMPTS = 10
_DISPATCH_SECONDS = 300
_ASKS = 30
_TELL_SECONDS = 5


@dataclass
class World:
    """A run's parts, and what can be done with them."""

    seed: int
    files: list[File]
    source: Child
    storage: Child
    workers: Workers
    router: Router
    pubsub: EmbeddedPubsub
    dispatch: Function

    def ask(self, **question: object) -> int:
        """Have periods dispatched, asking again as the contract says; return how many."""
        for _ in range(_ASKS):
            body = {"feed": FEED, **question}
            answer = requests.post(self.dispatch.url, json=body, timeout=_DISPATCH_SECONDS)
            if answer.status_code not in {502, 503}:
                answer.raise_for_status()
                return len(answer.json()["dispatched"])
            time.sleep(1)
        raise TimeoutError(f"dispatch keeps refusing: {answer.text}")

    def ask_all(self) -> int:
        """Have every period dispatched."""
        return self.ask(start=self.files[0].key, end=self.files[-1].key)

    def settled(self) -> int:
        """Count the messages that have come to their end."""
        counts = self.pubsub.counts
        return counts.acknowledged + counts.dead_lettered

    def wait(self, messages: int, tell: Callable[["World"], None]) -> None:
        """Wait until so many messages are settled, and call `tell` every few seconds."""
        while self.settled() < messages and not self.pubsub.wait_idle(_TELL_SECONDS):
            tell(self)

    def wait_idle(self, tell: Callable[["World"], None]) -> None:
        """Wait until all are, and no copy of one is under way."""
        while not self.pubsub.wait_idle(_TELL_SECONDS):
            tell(self)
        self.router.wait_idle()

    def calm(self) -> None:
        """Turn all faults off."""
        for child in (self.source, self.storage):
            child.ask("calm")
        self.router.calm()
        self.workers.calm()

    def verdict(self) -> tuple[Verdict, Evidence]:
        """Read the lake back and judge it."""
        _, url = self.storage.ask("urls")
        files = {file.object_name: file for file in self.files}
        truth = Truth(self.seed, files, self.source.ask("served"))
        generations = listing(url)
        evidence = Evidence(
            files=self.files,
            generations=generations,
            findings=examine(url, truth, generations),
            written=self.storage.ask("written"),
            acknowledged=self.router.heard.acknowledged,
            dead={letter.attributes["period"] for letter in self.pubsub.dead_letters()},
        )
        return judge(evidence), evidence


@contextmanager
def world(seed: int, deliveries: int, folder: Path) -> Iterator[World]:
    """Bring a world up; the functions' logs go to `folder`."""
    files, full = draw(seed, deliveries), deliveries >= FULL
    with ExitStack() as parts:
        storage = parts.enter_context(Child(Storage, seed))
        source = parts.enter_context(Child(Source, seed, deliveries))
        proxy_url, _ = storage.ask("urls")
        feeds = folder / "feeds.yaml"
        feeds.write_text(_catalogue(source.ask("address"), files))
        env = {
            "LAKEFILL_BUCKET": BUCKET,
            "LAKEFILL_TOPIC": "projects/chaos/topics/lakefill",
            "LAKEFILL_FEEDS": str(feeds),
            "LAKEFILL_MAX_ATTEMPTS": str(_MAX_ATTEMPTS),
            # A stall costs a quarter of it; the largest file takes a half.
            "LAKEFILL_DEADLINE_SECONDS": "20" if full else "8",
            "STORAGE_EMULATOR_HOST": proxy_url,
            "GOOGLE_CLOUD_PROJECT": "chaos",
            "THREADS": str(_THREADS),
        }
        between = (50, 250) if full else (30, 110)
        workers = parts.enter_context(
            Workers(_WORKERS, env, folder, seed=seed, between=between)
        )
        router = parts.enter_context(Router(workers, seed))
        subscription = Subscription(
            push_endpoint=router.url,
            topic=env["LAKEFILL_TOPIC"],
            min_backoff_seconds=0.2,
            max_backoff_seconds=2.0 if full else 0.5,
            max_delivery_attempts=_MAX_ATTEMPTS,
            max_outstanding=_WORKERS * _THREADS,
        )
        pubsub = parts.enter_context(EmbeddedPubsub(subscription))
        patient = {"LAKEFILL_DEADLINE_SECONDS": str(_DISPATCH_SECONDS)}
        dispatch = Function(
            "dispatch",
            "dispatch",
            env | patient | {"PUBSUB_EMULATOR_HOST": pubsub.host},
            folder,
        )
        dispatch.start()
        parts.callback(dispatch.kill)
        yield World(seed, files, source, storage, workers, router, pubsub, dispatch)


def _catalogue(source: str, files: list[File]) -> str:
    values: dict[str, Any] = {"first": files[0].key, "last": files[-1].key}
    return _CATALOGUE.format(feed=FEED, source=source, recheck=rechecked(len(files)), **values)
