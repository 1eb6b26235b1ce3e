"""When a message is due, delivered again, or given up: without threads, on a clock of ours."""

import threading
from itertools import pairwise
from typing import Any

import pytest
from google.pubsub_v1.types import PubsubMessage

from ingest.local.backlog import Backlog, Counts, DeadLetter, Message, Subscription


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def message(data: bytes = b"x", **attributes: str) -> Message:
    return Message(PubsubMessage.serialize(PubsubMessage(data=data, attributes=attributes)))


def data_of(message: Message) -> bytes:
    return bytes(PubsubMessage.deserialize(message.wire).data)


def take(backlog: Backlog) -> Message:
    message = backlog.take()
    assert message is not None
    return message


def subscription(**options: Any) -> Subscription:
    return Subscription(push_endpoint="http://127.0.0.1:1/", **options)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            {"min_backoff_seconds": 10, "max_backoff_seconds": 600},
            [10, 20, 40, 80, 160, 320, 600],
        ),
        ({"min_backoff_seconds": 0, "max_backoff_seconds": 600}, [0, 0, 0]),
        ({"min_backoff_seconds": 7, "max_backoff_seconds": 7}, [7, 7, 7]),
    ],
)
def test_backoff_doubles_between_its_bounds(
    options: dict[str, float], expected: list[float]
) -> None:
    policy = subscription(**options)
    assert [policy.backoff(n) for n in range(1, len(expected) + 1)] == expected
    assert policy.backoff(100_000) == expected[-1]


@pytest.mark.parametrize(
    "options",
    [
        {"push_endpoint": "ftp://127.0.0.1/"},
        {"min_backoff_seconds": -1},
        {"min_backoff_seconds": 5, "max_backoff_seconds": 4},
        {"ack_deadline_seconds": 0},
        {"max_delivery_attempts": 0},
        {"max_outstanding": 0},
    ],
)
def test_a_subscription_that_cannot_work_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(reversed(options))):
        Subscription(**{"push_endpoint": "http://127.0.0.1:1/"} | options)


def test_a_rejected_message_comes_again_after_each_longer_backoff(clock: Clock) -> None:
    policy = subscription(
        min_backoff_seconds=10, max_backoff_seconds=35, max_delivery_attempts=5
    )
    backlog = Backlog(policy, clock=clock)
    backlog.add([message()])
    attempts: list[int] = []
    moments: list[float] = []
    while (due := backlog.next_due) is not None:
        clock.now = due
        taken = take(backlog)
        attempts.append(taken.attempts)
        moments.append(clock.now)
        backlog.reject(taken)
    assert attempts == [1, 2, 3, 4, 5]
    assert [b - a for a, b in pairwise(moments)] == [10, 20, 35, 35]


def test_the_message_due_first_is_taken_first(clock: Clock) -> None:
    policy = subscription(min_backoff_seconds=10, max_backoff_seconds=600)
    backlog = Backlog(policy, clock=clock)
    backlog.add([message(b"a")])
    backlog.reject(take(backlog))
    clock.now += 9
    backlog.add([message(b"b")])
    assert backlog.next_due == clock.now
    clock.now += 1
    assert [data_of(take(backlog)), data_of(take(backlog))] == [b"b", b"a"]


def test_a_message_ends_as_a_dead_letter_after_its_last_attempt(clock: Clock) -> None:
    policy = subscription(min_backoff_seconds=0, max_delivery_attempts=3)
    backlog = Backlog(policy, clock=clock)
    backlog.add([message(b"bad", feed="f"), message(b"good")])
    while backlog.next_due is not None:
        taken = take(backlog)
        good = data_of(taken) == b"good"
        (backlog.acknowledge if good else backlog.reject)(taken)
    assert backlog.dead_letters() == [DeadLetter(b"bad", {"feed": "f"}, 3)]
    assert backlog.counts == Counts(published=2, acknowledged=1, retried=2, dead_lettered=1)


def test_dead_letters_can_be_waited_for(clock: Clock) -> None:
    backlog = Backlog(subscription(max_delivery_attempts=1), clock=clock)
    backlog.add([message(b"1"), message(b"2")])
    backlog.reject(take(backlog))
    with pytest.raises(TimeoutError, match="1 dead letters, not 2"):
        backlog.dead_letters(at_least=2)
    last = take(backlog)
    helper = threading.Thread(target=backlog.reject, args=(last,))
    helper.start()
    assert [dead.data for dead in backlog.dead_letters(at_least=2, timeout=10)] == [b"1", b"2"]
    helper.join()


def test_idle_means_nothing_queued_and_nothing_under_way(clock: Clock) -> None:
    backlog = Backlog(subscription(min_backoff_seconds=10), clock=clock)
    assert backlog.wait_idle(0)
    backlog.add([message()])
    assert not backlog.wait_idle(0)
    taken = take(backlog)
    assert not backlog.wait_idle(0)
    backlog.reject(taken)
    assert not backlog.wait_idle(0), "it waits for its second delivery"
    clock.now += 10
    backlog.acknowledge(take(backlog))
    assert backlog.wait_idle(0)


def test_closing_releases_those_who_wait(clock: Clock) -> None:
    backlog = Backlog(subscription(), clock=clock)
    taken: list[Message | None] = []
    waiting = [threading.Thread(target=lambda: taken.append(backlog.take())) for _ in range(3)]
    for thread in waiting:
        thread.start()
    backlog.close()
    for thread in waiting:
        thread.join(10)
    assert taken == [None, None, None]
    backlog.add([message()])
    assert backlog.take() is None
