"""The embedded Pub/Sub delivers at least once, again and again, until it gives up."""

import socket
import threading

import pytest

from ingest.local.pubsub import Counts, DeadLetter
from tests.support.publishing import IDLE_SECONDS, PublisherOf, Serve, publish
from tests.support.push_endpoint import HANG_UP, Delivery, PushEndpoint

pytest_plugins = "tests.support.pubsub_fixtures"


@pytest.mark.parametrize("status", [102, 200, 201, 202, 204])
def test_these_statuses_acknowledge(
    serve: Serve, publisher_of: PublisherOf, endpoint: PushEndpoint, status: int
) -> None:
    endpoint.answer = lambda _: status
    pubsub = serve()
    publish(publisher_of(pubsub), pubsub.topic, b"1", b"2")
    assert pubsub.wait_idle(IDLE_SECONDS)
    assert sorted(delivery.data for delivery in endpoint.deliveries) == [b"1", b"2"]
    assert pubsub.counts == Counts(published=2, acknowledged=2)


def test_a_final_answer_is_not_taken_for_the_next_message_s(
    serve: Serve, publisher_of: PublisherOf, endpoint: PushEndpoint
) -> None:
    def answer(delivery: Delivery) -> int:
        if len(endpoint.deliveries) == 1:
            return 102
        endpoint.final_answers.set()  # that of the first delivery, late
        return 503 if delivery.attempt == 1 else 200

    endpoint.final_answers.clear()
    endpoint.answer = answer
    pubsub = serve(max_outstanding=1)
    publish(publisher_of(pubsub), pubsub.topic, b"1", b"2")
    assert pubsub.wait_idle(IDLE_SECONDS)
    assert pubsub.counts == Counts(published=2, acknowledged=2, retried=1)


@pytest.mark.parametrize("status", [203, 206, 302, 400, 404, 412, 429, 500, 503, HANG_UP])
def test_anything_else_has_it_delivered_again(
    serve: Serve, publisher_of: PublisherOf, endpoint: PushEndpoint, status: int
) -> None:
    endpoint.answer = lambda delivery: 200 if delivery.attempt == 3 else status
    pubsub = serve()
    publish(publisher_of(pubsub), pubsub.topic, b"x")
    assert pubsub.wait_idle(IDLE_SECONDS)
    assert [delivery.attempt for delivery in endpoint.deliveries] == [1, 2, 3]
    assert len({delivery.body["message"]["messageId"] for delivery in endpoint.deliveries}) == 1
    assert pubsub.counts == Counts(published=1, acknowledged=1, retried=2)


def test_no_answer_within_the_ack_deadline_has_it_delivered_again(
    serve: Serve, publisher_of: PublisherOf, endpoint: PushEndpoint
) -> None:
    second = threading.Event()

    def answer(delivery: Delivery) -> int:
        # The first delivery is still at work when the second arrives.
        (second.set if delivery.attempt == 2 else second.wait)()
        return 200

    endpoint.answer = answer
    pubsub = serve(ack_deadline_seconds=0.1)
    publish(publisher_of(pubsub), pubsub.topic, b"x")
    assert pubsub.wait_idle(IDLE_SECONDS)
    assert [delivery.attempt for delivery in endpoint.deliveries] == [1, 2]


def test_nobody_listening_ends_in_dead_letters(serve: Serve, publisher_of: PublisherOf) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    pubsub = serve(push_endpoint=f"http://127.0.0.1:{port}/", max_delivery_attempts=4)
    publish(publisher_of(pubsub), pubsub.topic, b"x", feed="f")
    dead = pubsub.dead_letters(at_least=1, timeout=IDLE_SECONDS)
    assert dead == [DeadLetter(b"x", {"feed": "f"}, 4)]
    assert pubsub.wait_idle(0)
    assert pubsub.counts == Counts(published=1, retried=3, dead_lettered=1)


def test_a_dead_letter_does_not_hold_up_the_others(
    serve: Serve, publisher_of: PublisherOf, endpoint: PushEndpoint
) -> None:
    endpoint.answer = lambda delivery: 500 if delivery.data == b"bad" else 200
    pubsub = serve(max_delivery_attempts=5, max_outstanding=1)
    publish(publisher_of(pubsub), pubsub.topic, b"bad", *(b"%d" % n for n in range(50)))
    assert pubsub.wait_idle(IDLE_SECONDS)
    assert [dead.data for dead in pubsub.dead_letters()] == [b"bad"]
    attempts = [delivery.attempt for delivery in endpoint.deliveries if delivery.data == b"bad"]
    assert attempts == [1, 2, 3, 4, 5]
    assert {delivery.data for delivery in endpoint.deliveries} == {
        b"bad",
        *(b"%d" % n for n in range(50)),
    }


def test_no_more_deliveries_are_under_way_than_allowed(
    serve: Serve, publisher_of: PublisherOf, endpoint: PushEndpoint
) -> None:
    go_on = threading.Event()
    endpoint.answer = lambda _: 200 if go_on.wait() else 0
    pubsub = serve(max_outstanding=3)
    publish(publisher_of(pubsub), pubsub.topic, *[b"x"] * 10)
    endpoint.wait_for(3)
    assert pubsub.counts == Counts(published=10, under_way=3, queued=7)
    assert not pubsub.wait_idle(0)
    go_on.set()
    assert pubsub.wait_idle(IDLE_SECONDS)
    assert len(endpoint.deliveries) == 10


def test_a_connection_closed_while_idle_is_no_failed_delivery(
    serve: Serve, publisher_of: PublisherOf, endpoint: PushEndpoint
) -> None:
    endpoint.requests_per_connection = 1
    pubsub = serve(max_outstanding=1)
    client = publisher_of(pubsub)
    for number in range(5):
        publish(client, pubsub.topic, b"%d" % number)
        assert pubsub.wait_idle(IDLE_SECONDS)
        endpoint.wait_disconnected()
    assert [delivery.attempt for delivery in endpoint.deliveries] == [1] * 5


def test_every_message_of_a_backfill_is_delivered(
    serve: Serve, publisher_of: PublisherOf, endpoint: PushEndpoint
) -> None:
    pubsub = serve()
    payloads = [b"%d" % number for number in range(2000)]
    ids = publish(publisher_of(pubsub), pubsub.topic, *payloads)
    assert pubsub.wait_idle(IDLE_SECONDS)
    assert {delivery.data for delivery in endpoint.deliveries} == set(payloads)
    assert {delivery.body["message"]["messageId"] for delivery in endpoint.deliveries} == set(
        ids
    )
    assert len(set(ids)) == 2000
