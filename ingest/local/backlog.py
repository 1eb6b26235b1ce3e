"""The messages of one push subscription between publishing and their end.

A message waits until it is due, is under way at one pusher, and ends acknowledged or as a
dead letter. Nothing here knows of gRPC or HTTP, and the clock is an argument.
"""

import heapq
import itertools
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from google.pubsub_v1.types import PubsubMessage


@dataclass(frozen=True, kw_only=True, slots=True)
class Subscription:
    """A push subscription: where its messages go, and what happens when that fails.

    Cloud Pub/Sub takes an ack deadline of 10 to 600 s, 5 to 100 delivery attempts and
    backoffs of 0 to 600 s (https://cloud.google.com/pubsub/docs/subscription-properties);
    its emulator enforces the same upper bounds. The embedded Pub/Sub takes any positive
    value.
    """

    push_endpoint: str
    """URL that the messages are posted to, `http://host:port/path`."""
    topic: str = "projects/local/topics/lakefill"
    """Path of the topic."""
    name: str = "projects/local/subscriptions/lakefill"
    """Path of the subscription, as the push envelope names it."""
    min_backoff_seconds: float = 10.0
    """Wait before the second delivery; it doubles with every further one."""
    max_backoff_seconds: float = 600.0
    """The longest wait between two deliveries, at least `min_backoff_seconds`."""
    ack_deadline_seconds: float = 600.0
    """How long the endpoint may take to answer."""
    max_delivery_attempts: int = 5
    """Deliveries after which a message becomes a dead letter."""
    max_outstanding: int = 8
    """Deliveries under way at once (Cloud Pub/Sub finds this number by itself)."""

    def __post_init__(self) -> None:
        if not self.push_endpoint.startswith("http://"):
            raise ValueError(f"push_endpoint must begin with http://: {self.push_endpoint!r}")
        if not 0 <= self.min_backoff_seconds <= self.max_backoff_seconds:
            raise ValueError("backoffs must be 0 <= min_backoff_seconds <= max_backoff_seconds")
        if self.ack_deadline_seconds <= 0:
            raise ValueError("ack_deadline_seconds must be over 0")
        if self.max_delivery_attempts < 1 or self.max_outstanding < 1:
            raise ValueError("max_delivery_attempts and max_outstanding must be at least 1")

    def backoff(self, attempts: int) -> float:
        """Seconds to wait after `attempts` failed deliveries (1 or more)."""
        # The exponent is capped only to keep the power within what a float can hold.
        doubled = self.min_backoff_seconds * 2.0 ** min(attempts - 1, 64)
        return min(doubled, self.max_backoff_seconds)


@dataclass(slots=True)
class Message:
    """One published message.

    It is kept as the bytes of its PubsubMessage, which take a third of the memory of the
    message object: a backfill queues 100,000 of them.
    """

    wire: bytes
    attempts: int = 0
    """Deliveries so far, the one under way included."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message given up after its last delivery attempt."""

    data: bytes
    attributes: dict[str, str]
    attempts: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """What became of the messages so far."""

    published: int = 0
    acknowledged: int = 0
    retried: int = 0
    """Failed deliveries after which the message was queued again."""
    dead_lettered: int = 0
    queued: int = 0
    """Waiting for a first or further delivery."""
    under_way: int = 0


class Backlog:
    """Messages by the moment they are due; safe to use from many threads."""

    def __init__(
        self, subscription: Subscription, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._subscription = subscription
        self._clock = clock
        # The running number keeps messages apart that are due at the same moment.
        self._waiting: list[tuple[float, int, Message]] = []
        self._numbers = itertools.count()
        self._dead: list[Message] = []
        self._published = self._acknowledged = self._retried = self._under_way = 0
        self._closed = False
        lock = threading.Lock()
        self._changed = threading.Condition(lock)  # something to take, or closed
        self._settled = threading.Condition(lock)  # idle, or one more dead letter

    def add(self, messages: Iterable[Message]) -> None:
        """Queue messages for their first delivery, due now."""
        with self._changed:
            for message in messages:
                self._published += 1
                self._queue(message, delay=0.0)

    def take(self) -> Message | None:
        """Wait for the next due message; it is under way from then on.

        None once the backlog is closed.
        """
        with self._changed:
            while not self._closed:
                pause = self._pause()
                if pause is not None and pause <= 0:
                    _, _, message = heapq.heappop(self._waiting)
                    message.attempts += 1
                    self._under_way += 1
                    return message
                self._changed.wait(pause)
            return None

    def acknowledge(self, message: Message) -> None:
        """End a message under way: the endpoint has taken it."""
        with self._changed:
            self._acknowledged += 1
            self._settle(message)

    def reject(self, message: Message) -> None:
        """Queue a message under way again, after its backoff, or give it up."""
        with self._changed:
            if message.attempts < self._subscription.max_delivery_attempts:
                self._retried += 1
                self._queue(message, delay=self._subscription.backoff(message.attempts))
            else:
                self._dead.append(message)
            self._settle(message)

    def close(self) -> None:
        """Let every `take` return None. What is still queued stays where it is."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def wait_idle(self, timeout: float) -> bool:
        """Wait until nothing is queued or under way; False after `timeout` seconds."""
        with self._settled:
            return self._settled.wait_for(self._idle, timeout)

    def dead_letters(self, *, at_least: int = 0, timeout: float = 0.0) -> list[DeadLetter]:
        """All dead letters so far, oldest first, once there are `at_least` that many.

        Raises TimeoutError when there are fewer after `timeout` seconds.
        """
        with self._settled:
            if not self._settled.wait_for(lambda: len(self._dead) >= at_least, timeout):
                raise TimeoutError(f"{len(self._dead)} dead letters, not {at_least}")
            dead = list(self._dead)
        return [_dead_letter(message) for message in dead]

    @property
    def next_due(self) -> float | None:
        """When the next queued message is due, by the clock; None when none is queued."""
        with self._changed:
            return self._waiting[0][0] if self._waiting else None

    @property
    def counts(self) -> Counts:
        """A consistent snapshot of the numbers."""
        with self._changed:
            return Counts(
                published=self._published,
                acknowledged=self._acknowledged,
                retried=self._retried,
                dead_lettered=len(self._dead),
                queued=len(self._waiting),
                under_way=self._under_way,
            )

    def _queue(self, message: Message, *, delay: float) -> None:
        due = self._clock() + delay
        heapq.heappush(self._waiting, (due, next(self._numbers), message))
        self._changed.notify()

    def _settle(self, message: Message) -> None:
        self._under_way -= 1
        if self._idle() or message.attempts >= self._subscription.max_delivery_attempts:
            self._settled.notify_all()

    def _pause(self) -> float | None:
        """Seconds until the next message is due; None when none is queued."""
        return self._waiting[0][0] - self._clock() if self._waiting else None

    def _idle(self) -> bool:
        return not self._waiting and not self._under_way


def _dead_letter(message: Message) -> DeadLetter:
    parsed = PubsubMessage.deserialize(message.wire)
    return DeadLetter(parsed.data, dict(parsed.attributes), message.attempts)
