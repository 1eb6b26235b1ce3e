"""The embedded Pub/Sub with a push endpoint and real publisher clients.

A test module loads it by `pytest_plugins = "tests.support.pubsub_fixtures"`.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from google.cloud import pubsub_v1

from ingest.local.pubsub import EmbeddedPubsub, Subscription
from tests.support.publishing import PublisherOf, Serve
from tests.support.push_endpoint import PushEndpoint


@pytest.fixture
def endpoint() -> Iterator[PushEndpoint]:
    """Run a push endpoint that answers 200 until it is told otherwise."""
    with PushEndpoint() as endpoint:
        yield endpoint


@pytest.fixture
def serve(endpoint: PushEndpoint) -> Iterator[Serve]:
    """Start Pub/Subs with options of the test's choice, by default without backoff."""
    started: list[EmbeddedPubsub] = []

    def start(**options: Any) -> EmbeddedPubsub:
        defaults: dict[str, Any] = {"push_endpoint": endpoint.url, "min_backoff_seconds": 0}
        pubsub = EmbeddedPubsub(Subscription(**defaults | options))
        pubsub.start()
        started.append(pubsub)
        return pubsub

    yield start
    for pubsub in started:
        pubsub.stop()


@pytest.fixture
def publisher_of(monkeypatch: pytest.MonkeyPatch) -> Iterator[PublisherOf]:
    """Make real publisher clients of a Pub/Sub."""
    clients: list[pubsub_v1.PublisherClient] = []

    def publisher(pubsub: EmbeddedPubsub) -> pubsub_v1.PublisherClient:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", pubsub.host)
        clients.append(pubsub_v1.PublisherClient())
        return clients[-1]

    yield publisher
    for client in clients:
        client.stop()
        client.transport.close()
