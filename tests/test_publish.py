"""Publishing with the real client: within its time, past what passes."""

import time
from collections.abc import Iterator
from threading import Event

import grpc
import pytest

from ingest import publish as publish_module
from ingest.deadline import Deadline
from ingest.messages import Message
from ingest.publish import Publisher, new_client
from tests.support.picky_pubsub import Picky

MESSAGES = [Message(1, "f", f"2023-01-0{n}", "r", "fetch") for n in range(1, 4)]
KEYS = [message.period for message in MESSAGES]


@pytest.fixture
def publisher(picky: Picky, monkeypatch: pytest.MonkeyPatch) -> Iterator[Publisher]:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", picky.host)
    client = new_client()
    yield Publisher(client, picky.topic)
    if picky.hang is not None:
        picky.hang.set()
    if not client._is_stopped:
        client.stop()


def test_publishing_gives_up_at_the_deadline_when_pubsub_does_not_answer(
    picky: Picky, publisher: Publisher
) -> None:
    picky.hang = Event()
    failed = publisher.publish(MESSAGES, Deadline(1, time.monotonic))
    assert failed == dict.fromkeys(KEYS, "TimeoutError")


@pytest.mark.parametrize(("deadline", "limit"), [(480, 60), (30, 30)])
def test_publishing_takes_a_minute_at_most_and_no_more_than_is_left(
    picky: Picky,
    publisher: Publisher,
    monkeypatch: pytest.MonkeyPatch,
    deadline: float,
    limit: float,
) -> None:
    monkeypatch.setattr(publish_module, "_MESSAGES_AT_ONCE", 1)
    now = 0.0
    steps = [limit - 5, 5.0]

    def pass_time() -> None:
        nonlocal now
        now += steps.pop(0)

    picky.on_taken = pass_time
    failed = publisher.publish(MESSAGES, Deadline(deadline, lambda: now))
    assert picky.taken == KEYS[:2]
    assert failed == {KEYS[2]: "TimeoutError"}


def test_nothing_is_published_once_the_time_is_over(picky: Picky, publisher: Publisher) -> None:
    failed = publisher.publish(MESSAGES, Deadline(0, time.monotonic))
    assert failed == dict.fromkeys(KEYS, "TimeoutError")
    assert picky.taken == []


@pytest.mark.parametrize(
    "status",
    [
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.UNKNOWN,
    ],
)
def test_what_passes_is_tried_again(
    picky: Picky, publisher: Publisher, status: grpc.StatusCode
) -> None:
    picky.failures = [status]
    assert publisher.publish(MESSAGES, Deadline(30, time.monotonic)) == {}
    assert sorted(picky.taken) == KEYS


def test_what_does_not_pass_is_told_at_once(picky: Picky, publisher: Publisher) -> None:
    picky.failures = [grpc.StatusCode.PERMISSION_DENIED] * 3
    failed = publisher.publish(MESSAGES, Deadline(30, time.monotonic))
    assert failed == dict.fromkeys(KEYS, "PermissionDenied")


def test_what_the_client_itself_refuses_is_not_taken(
    picky: Picky, publisher: Publisher
) -> None:
    publisher._client.stop()
    failed = publisher.publish(MESSAGES, Deadline(30, time.monotonic))
    assert failed == dict.fromkeys(KEYS, "RuntimeError")
    assert picky.taken == []
