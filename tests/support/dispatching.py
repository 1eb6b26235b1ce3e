"""A dispatch process, and what it publishes as Pub/Sub delivers it."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import requests

from ingest.local.pubsub import EmbeddedPubsub, Subscription
from tests.support.function import FunctionProcess
from tests.support.push_endpoint import PushEndpoint
from tests.support.world import CSV, World


@dataclass
class Dispatching:
    """A dispatch process, and what it publishes as Pub/Sub delivers it."""

    world: World
    process: FunctionProcess
    endpoint: PushEndpoint
    pubsub: EmbeddedPubsub
    seen: int = field(default=0)

    def post(self, body: object = None, **kwargs: Any) -> requests.Response:
        if body is not None:
            kwargs["json"] = body
        return self.process.post(**kwargs)

    def messages(self) -> list[dict[str, Any]]:
        """The messages published since the last call, by period."""
        assert self.pubsub.wait_idle(20)
        new = self.endpoint.deliveries[self.seen :]
        self.seen += len(new)
        return sorted((json.loads(d.data) for d in new), key=lambda m: str(m["period"]))

    def store(self, name: str, **metadata: str) -> None:
        """Put an object in the lake as the worker would have."""
        blob = self.world.bucket.blob(name)
        blob.metadata = {"lakefill-sha256": "0" * 64, **metadata}
        blob.upload_from_string(CSV)

    def manifest(self, run: str) -> dict[str, Any] | None:
        return self.world.record(f"_lakefill/runs/{run}.json")


@contextlib.contextmanager
def dispatching(here: World) -> Iterator[Dispatching]:
    topic = here.env["LAKEFILL_TOPIC"]
    with PushEndpoint() as endpoint:
        subscription = Subscription(topic=topic, push_endpoint=endpoint.url)
        with EmbeddedPubsub(subscription) as pubsub:
            env = here.env | {
                "PUBSUB_EMULATOR_HOST": pubsub.host,
                "LAKEFILL_MAX_PERIODS": "400",
            }
            with FunctionProcess("dispatch", env) as process:
                yield Dispatching(here, process, endpoint, pubsub)
