"""The embedded Pub/Sub, published to by the real client and pushing to a real endpoint."""

import datetime as dt
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import pubsub_v1
from google.pubsub_v1 import PublisherClient as GapicPublisher
from google.pubsub_v1.types import PublishRequest, PubsubMessage

from ingest.local.pubsub import Counts, DeadLetter, EmbeddedPubsub, Subscription
from tests.support.push_endpoint import HANG_UP, Delivery, PushEndpoint

IDLE_SECONDS = 20

Serve = Callable[..., EmbeddedPubsub]
Connect = Callable[[EmbeddedPubsub], pubsub_v1.PublisherClient]


@pytest.fixture
def endpoint() -> Iterator[PushEndpoint]:
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
def connect(monkeypatch: pytest.MonkeyPatch) -> Iterator[Connect]:
    """Make real publisher clients of a Pub/Sub."""
    clients: list[pubsub_v1.PublisherClient] = []

    def client_of(pubsub: EmbeddedPubsub) -> pubsub_v1.PublisherClient:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", pubsub.host)
        clients.append(pubsub_v1.PublisherClient())
        return clients[-1]

    yield client_of
    for client in clients:
        client.stop()
        client.transport.close()


def publish(
    client: pubsub_v1.PublisherClient, topic: str, *payloads: bytes, **attributes: str
) -> list[str]:
    futures = [client.publish(topic, data, **attributes) for data in payloads]
    return [future.result(10) for future in futures]


def test_a_message_arrives_in_the_wrapped_envelope(
    serve: Serve, connect: Connect, endpoint: PushEndpoint
) -> None:
    pubsub = serve(name="projects/p/subscriptions/s", topic="projects/p/topics/t")
    before = dt.datetime.now(dt.UTC)
    [message_id] = publish(connect(pubsub), pubsub.topic, b'{"v": 1}', feed="f", run="r")
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
    serve: Serve, connect: Connect, endpoint: PushEndpoint
) -> None:
    pubsub = serve()
    publish(connect(pubsub), pubsub.topic, b"", feed="f")
    [delivery] = endpoint.wait_for(1)
    assert delivery.body["message"]["data"] == ""
    assert delivery.body["message"]["attributes"] == {"feed": "f"}


def test_the_endpoint_s_path_and_query_are_kept(
    serve: Serve, connect: Connect, endpoint: PushEndpoint
) -> None:
    pubsub = serve(push_endpoint=f"{endpoint.url}/push/here?token=1")
    publish(connect(pubsub), pubsub.topic, b"x")
    [delivery] = endpoint.wait_for(1)
    assert delivery.path == "/push/here?token=1"


@pytest.mark.parametrize("status", [102, 200, 201, 202, 204])
def test_these_statuses_acknowledge(
    serve: Serve, connect: Connect, endpoint: PushEndpoint, status: int
) -> None:
    endpoint.answer = lambda _: status
    pubsub = serve()
    publish(connect(pubsub), pubsub.topic, b"1", b"2")
    assert pubsub.wait_idle(IDLE_SECONDS)
    assert sorted(delivery.data for delivery in endpoint.deliveries) == [b"1", b"2"]
    assert pubsub.counts == Counts(published=2, acknowledged=2)


def test_the_answer_after_an_interim_one_is_not_taken_for_the_next(
    serve: Serve, connect: Connect, endpoint: PushEndpoint
) -> None:
    endpoint.answer = lambda delivery: 503 if delivery.attempt == 1 else 102
    pubsub = serve(max_outstanding=1)
    publish(connect(pubsub), pubsub.topic, *[b"x"] * 5)
    assert pubsub.wait_idle(IDLE_SECONDS)
    assert pubsub.counts == Counts(published=5, acknowledged=5, retried=5)


@pytest.mark.parametrize("status", [203, 206, 302, 400, 404, 412, 429, 500, 503, HANG_UP])
def test_anything_else_has_it_delivered_again(
    serve: Serve, connect: Connect, endpoint: PushEndpoint, status: int
) -> None:
    endpoint.answer = lambda delivery: 200 if delivery.attempt == 3 else status
    pubsub = serve()
    publish(connect(pubsub), pubsub.topic, b"x")
    assert pubsub.wait_idle(IDLE_SECONDS)
    assert [delivery.attempt for delivery in endpoint.deliveries] == [1, 2, 3]
    assert len({delivery.body["message"]["messageId"] for delivery in endpoint.deliveries}) == 1
    assert pubsub.counts == Counts(published=1, acknowledged=1, retried=2)


def test_no_answer_within_the_ack_deadline_has_it_delivered_again(
    serve: Serve, connect: Connect, endpoint: PushEndpoint
) -> None:
    second = threading.Event()

    def answer(delivery: Delivery) -> int:
        # The first delivery is still at work when the second arrives.
        (second.set if delivery.attempt == 2 else second.wait)()
        return 200

    endpoint.answer = answer
    pubsub = serve(ack_deadline_seconds=0.1)
    publish(connect(pubsub), pubsub.topic, b"x")
    assert pubsub.wait_idle(IDLE_SECONDS)
    assert [delivery.attempt for delivery in endpoint.deliveries] == [1, 2]


def test_nobody_listening_ends_in_dead_letters(serve: Serve, connect: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    pubsub = serve(push_endpoint=f"http://127.0.0.1:{port}/", max_delivery_attempts=4)
    publish(connect(pubsub), pubsub.topic, b"x", feed="f")
    dead = pubsub.dead_letters(at_least=1, timeout=IDLE_SECONDS)
    assert dead == [DeadLetter(b"x", {"feed": "f"}, 4)]
    assert pubsub.wait_idle(0)
    assert pubsub.counts == Counts(published=1, retried=3, dead_lettered=1)


def test_a_dead_letter_does_not_hold_up_the_others(
    serve: Serve, connect: Connect, endpoint: PushEndpoint
) -> None:
    endpoint.answer = lambda delivery: 500 if delivery.data == b"bad" else 200
    pubsub = serve(max_delivery_attempts=5, max_outstanding=1)
    publish(connect(pubsub), pubsub.topic, b"bad", *(b"%d" % n for n in range(50)))
    assert pubsub.wait_idle(IDLE_SECONDS)
    assert [dead.data for dead in pubsub.dead_letters()] == [b"bad"]
    attempts = [delivery.attempt for delivery in endpoint.deliveries if delivery.data == b"bad"]
    assert attempts == [1, 2, 3, 4, 5]
    assert {delivery.data for delivery in endpoint.deliveries} == {
        b"bad",
        *(b"%d" % n for n in range(50)),
    }


def test_no_more_deliveries_are_under_way_than_allowed(
    serve: Serve, connect: Connect, endpoint: PushEndpoint
) -> None:
    go_on = threading.Event()
    endpoint.answer = lambda _: 200 if go_on.wait() else 0
    pubsub = serve(max_outstanding=3)
    publish(connect(pubsub), pubsub.topic, *[b"x"] * 10)
    endpoint.wait_for(3)
    assert pubsub.counts == Counts(published=10, under_way=3, queued=7)
    assert not pubsub.wait_idle(0)
    go_on.set()
    assert pubsub.wait_idle(IDLE_SECONDS)
    assert len(endpoint.deliveries) == 10


def test_a_connection_closed_while_idle_is_no_failed_delivery(
    serve: Serve, connect: Connect, endpoint: PushEndpoint
) -> None:
    endpoint.requests_per_connection = 1
    pubsub = serve(max_outstanding=1)
    client = connect(pubsub)
    for number in range(5):
        publish(client, pubsub.topic, b"%d" % number)
        assert pubsub.wait_idle(IDLE_SECONDS)
        endpoint.wait_disconnected()
    assert [delivery.attempt for delivery in endpoint.deliveries] == [1] * 5


def test_every_message_of_a_backfill_is_delivered(
    serve: Serve, connect: Connect, endpoint: PushEndpoint
) -> None:
    pubsub = serve()
    payloads = [b"%d" % number for number in range(2000)]
    ids = publish(connect(pubsub), pubsub.topic, *payloads)
    assert pubsub.wait_idle(IDLE_SECONDS)
    assert {delivery.data for delivery in endpoint.deliveries} == set(payloads)
    assert {delivery.body["message"]["messageId"] for delivery in endpoint.deliveries} == set(
        ids
    )
    assert len(set(ids)) == 2000


def test_an_unknown_topic_is_not_found(
    serve: Serve, connect: Connect, endpoint: PushEndpoint
) -> None:
    pubsub = serve()
    client = connect(pubsub)
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
    serve: Serve, connect: Connect, messages: list[PubsubMessage], problem: str
) -> None:
    pubsub = serve()
    request = PublishRequest(topic=pubsub.topic, messages=messages)
    client = connect(pubsub)
    with pytest.raises(exceptions.InvalidArgument, match=problem):
        GapicPublisher.publish(client, request=request, retry=None)
    assert pubsub.counts == Counts()


def test_a_message_of_almost_10_mb_is_delivered(
    serve: Serve, connect: Connect, endpoint: PushEndpoint
) -> None:
    pubsub = serve()
    data = bytes(9_900_000)
    publish(connect(pubsub), pubsub.topic, data)
    assert pubsub.wait_idle(IDLE_SECONDS)
    assert endpoint.deliveries[0].data == data


def test_it_publishes_and_nothing_else(serve: Serve, connect: Connect) -> None:
    pubsub = serve()
    with pytest.raises(exceptions.MethodNotImplemented):
        connect(pubsub).get_topic(topic=pubsub.topic)


def test_stopping_waits_neither_for_answers_nor_for_backoffs(
    connect: Connect, endpoint: PushEndpoint
) -> None:
    before = set(threading.enumerate())
    forever = threading.Event()
    endpoint.answer = lambda delivery: 503 if delivery.data == b"late" else forever.wait() or 0
    subscription = Subscription(
        push_endpoint=endpoint.url, max_outstanding=4, ack_deadline_seconds=20
    )
    with EmbeddedPubsub(subscription) as pubsub:
        publish(connect(pubsub), pubsub.topic, b"late", *[b"held"] * 3)
        endpoint.wait_for(4)
        begun = time.monotonic()
    assert time.monotonic() - begun < 2
    forever.set()
    ours = {"push", "publish_0", "publish_1"}
    assert not {thread.name for thread in set(threading.enumerate()) - before} & ours


def test_publishing_to_a_stopped_pubsub_fails(connect: Connect, endpoint: PushEndpoint) -> None:
    with EmbeddedPubsub(Subscription(push_endpoint=endpoint.url)) as pubsub:
        client = connect(pubsub)
    future = client.publish(pubsub.topic, b"x", retry=None, timeout=5)
    with pytest.raises(exceptions.ServiceUnavailable):
        future.result(10)
