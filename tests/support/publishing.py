"""Publishing with the real client."""

from collections.abc import Callable

from google.cloud import pubsub_v1

from ingest.local.pubsub import EmbeddedPubsub

Serve = Callable[..., EmbeddedPubsub]
"""Starts a Pub/Sub with options of its subscription."""

PublisherOf = Callable[[EmbeddedPubsub], pubsub_v1.PublisherClient]
"""Makes a publisher client of a Pub/Sub."""

IDLE_SECONDS = 20
"""Longer than any test's deliveries take."""


def publish(
    client: pubsub_v1.PublisherClient, topic: str, *payloads: bytes, **attributes: str
) -> list[str]:
    """Publish and return the message ids."""
    futures = [client.publish(topic, data, **attributes) for data in payloads]
    return [future.result(10) for future in futures]
