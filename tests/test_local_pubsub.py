"""The embedded Pub/Sub takes what Cloud Pub/Sub takes, and sends what it sends."""

import datetime as dt
import threading
import time

import pytest
from google.api_core import exceptions
from google.pubsub_v1 import PublisherClient as GapicPublisher
from google.pubsub_v1.types import PublishRequest, PubsubMessage

from ingest.local.pubsub import Counts, EmbeddedPubsub, Subscription
from tests.support.publishing import IDLE_SECONDS, PublisherOf, Serve, publish
from tests.support.push_endpoint import PushEndpoint

pytest_plugins = "tests.support.pubsub_fixtures"


def test_a_message_arrives_in_the_wrapped_envelope(
    serve: Serve, publisher_of: PublisherOf, endpoint: PushEndpoint
) -> None:
    pubsub = serve(name="projects/p/subscriptions/s", topic="projects/p/topics/t")
    before = dt.datetime.now(dt.UTC)
    [message_id] = publish(publisher_of(pubsub), pubsub.topic, b'{"v": 1}', feed="f", run="r")
    assert pubsub.wait_idle(IDLE_SECONDS)
    [delivery] = endpoint.deliveries
    published = delivery.body["message"]["publishTime"]
    assert delivery.content_type == "application/json"
    assert delivery.body == {
        "message": {
            "data": "eyJ2IjogMX0=",
            "attributes": {"feed": "f", "run": "r"},
            "messageId": message_id,
            "message_id": message_id,
            "publishTime": published,
            "publish_time": published,
        },
        "subscription": "projects/p/subscriptions/s",
        "deliveryAttempt": 1,
    }
    assert before <= dt.datetime.fromisoformat(published) <= dt.datetime.now(dt.UTC)
    assert published.endswith("Z")


def test_a_message_may_have_attributes_only(
    serve: Serve, publisher_of: PublisherOf, endpoint: PushEndpoint
) -> None:
    pubsub = serve()
    publish(publisher_of(pubsub), pubsub.topic, b"", feed="f")
    [delivery] = endpoint.wait_for(1)
    assert delivery.body["message"]["data"] == ""
    assert delivery.body["message"]["attributes"] == {"feed": "f"}


def test_the_endpoint_s_path_and_query_are_kept(
    serve: Serve, publisher_of: PublisherOf, endpoint: PushEndpoint
) -> None:
    pubsub = serve(push_endpoint=f"{endpoint.url}/push/here?token=1")
    publish(publisher_of(pubsub), pubsub.topic, b"x")
    [delivery] = endpoint.wait_for(1)
    assert delivery.path == "/push/here?token=1"


def test_an_unknown_topic_is_not_found(
    serve: Serve, publisher_of: PublisherOf, endpoint: PushEndpoint
) -> None:
    pubsub = serve()
    client = publisher_of(pubsub)
    with pytest.raises(exceptions.NotFound, match="projects/local/topics/nope"):
        publish(client, "projects/local/topics/nope", b"x")
    assert pubsub.counts == Counts()


@pytest.mark.parametrize(
    ("messages", "problem"),
    [
        ([], "0 messages"),
        ([PubsubMessage(data=b"x")] * 1001, "1001 messages"),
        ([PubsubMessage(data=b"x"), PubsubMessage()], "needs data or at least one attribute"),
        ([PubsubMessage(data=bytes(10_000_001))], "10000000 are allowed"),
    ],
)
def test_a_request_over_the_limits_is_refused_whole(
    serve: Serve, publisher_of: PublisherOf, messages: list[PubsubMessage], problem: str
) -> None:
    pubsub = serve()
    request = PublishRequest(topic=pubsub.topic, messages=messages)
    client = publisher_of(pubsub)
    with pytest.raises(exceptions.InvalidArgument, match=problem):
        GapicPublisher.publish(client, request=request, retry=None)
    assert pubsub.counts == Counts()


def test_a_message_of_almost_10_mb_is_delivered(
    serve: Serve, publisher_of: PublisherOf, endpoint: PushEndpoint
) -> None:
    pubsub = serve()
    data = bytes(9_900_000)
    publish(publisher_of(pubsub), pubsub.topic, data)
    assert pubsub.wait_idle(IDLE_SECONDS)
    assert endpoint.deliveries[0].data == data


def test_it_publishes_and_nothing_else(serve: Serve, publisher_of: PublisherOf) -> None:
    pubsub = serve()
    with pytest.raises(exceptions.MethodNotImplemented):
        publisher_of(pubsub).get_topic(topic=pubsub.topic)


def test_stopping_waits_neither_for_answers_nor_for_backoffs(
    publisher_of: PublisherOf, endpoint: PushEndpoint
) -> None:
    before = set(threading.enumerate())
    forever = threading.Event()
    endpoint.answer = lambda delivery: 503 if delivery.data == b"late" else forever.wait() or 0
    subscription = Subscription(
        push_endpoint=endpoint.url, max_outstanding=4, ack_deadline_seconds=20
    )
    with EmbeddedPubsub(subscription) as pubsub:
        publish(publisher_of(pubsub), pubsub.topic, b"late", *[b"held"] * 3)
        endpoint.wait_for(4)
        begun = time.monotonic()
    assert time.monotonic() - begun < 2
    forever.set()
    ours = {"push", "publish_0", "publish_1"}
    assert not {thread.name for thread in set(threading.enumerate()) - before} & ours


def test_publishing_to_a_stopped_pubsub_fails(
    publisher_of: PublisherOf, endpoint: PushEndpoint
) -> None:
    with EmbeddedPubsub(Subscription(push_endpoint=endpoint.url)) as pubsub:
        client = publisher_of(pubsub)
    future = client.publish(pubsub.topic, b"x", retry=None, timeout=5)
    with pytest.raises(exceptions.ServiceUnavailable):
        future.result(10)
