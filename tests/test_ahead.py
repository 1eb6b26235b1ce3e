"""Working ahead in a thread: order, errors, leaving early, and a deadline that holds."""

import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import pytest

from ingest.ahead import ahead
from ingest.deadline import Deadline
from ingest.errors import RejectedError, RetryError

# Longer than anything here takes; only a failing test waits so long.
PATIENCE = 30


@dataclass
class Producer:
    """Pieces of one byte made in the thread under test, and what became of it."""

    count: int
    made: int = 0
    closed: threading.Event = field(default_factory=threading.Event)
    aborted: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None

    def items(self) -> Generator[bytes, None, None]:
        self.thread = threading.current_thread()
        try:
            while self.made < self.count:
                self.made += 1
                yield piece(self.made)
        finally:
            self.closed.set()

    def hanging(self) -> Generator[bytes, None, None]:
        """Some items, then a wait that only `abort` ends."""
        yield from self.items()
        self.closed.clear()
        try:
            assert self.aborted.wait(PATIENCE)
            raise ConnectionAbortedError
        finally:
            self.closed.set()

    def ended(self) -> bool:
        """Whether the items were closed and the thread came to its end."""
        assert self.thread is not None
        self.thread.join(PATIENCE)
        return self.closed.is_set() and not self.thread.is_alive()


def piece(number: int) -> bytes:
    return bytes([number % 256])


def pieces(first: int, last: int) -> list[bytes]:
    return [piece(number) for number in range(first, last + 1)]


def made_ahead(
    producer: Producer, items: Generator[bytes, None, None], deadline: Deadline | None = None
) -> AbstractContextManager[Iterator[bytes]]:
    deadline = deadline or Deadline(PATIENCE, time.monotonic)
    return ahead(items, room=2, deadline=deadline, abort=producer.aborted.set)


class LeftError(Exception):
    """Why somebody leaves early."""


def take_one_and_leave(producer: Producer, items: Generator[bytes, None, None]) -> None:
    with made_ahead(producer, items) as found:
        assert next(found) == piece(1)
        raise LeftError


def take(found: Iterator[bytes], into: list[bytes]) -> None:
    for item in found:
        into.append(item)  # noqa: PERF402  what came before an error counts


@pytest.mark.parametrize("count", [0, 1, 2, 3, 1000])
def test_all_items_come_in_order(count: int) -> None:
    producer = Producer(count)
    with made_ahead(producer, producer.items()) as items:
        assert [*items] == pieces(1, count)
    assert producer.ended()


def test_the_items_are_made_in_another_thread_a_few_ahead_and_no_more() -> None:
    producer = Producer(2000)
    with made_ahead(producer, producer.items()) as items:
        for taken, _ in enumerate(items, 1):
            # Two wait their turn, and one is in the maker's hand.
            assert producer.made <= taken + 3
    assert producer.thread is not threading.current_thread()


@pytest.mark.parametrize("before", [0, 1, 5])
@pytest.mark.parametrize(
    "error", [RejectedError("header", "another header"), RetryError("cut", "x"), OSError("x")]
)
def test_what_the_items_raise_is_raised_where_the_next_would_have_come(
    before: int, error: Exception
) -> None:
    producer = Producer(before)

    def items() -> Generator[bytes, None, None]:
        yield from producer.items()
        raise error

    seen: list[bytes] = []
    with pytest.raises(type(error)) as caught, made_ahead(producer, items()) as found:
        take(found, seen)
    assert caught.value is error
    assert seen == pieces(1, before)


def test_leaving_early_stops_a_maker_that_waits_for_room() -> None:
    producer = Producer(10**9)
    items = producer.items()  # held, so that nothing but the maker closes it
    with pytest.raises(LeftError):
        take_one_and_leave(producer, items)
    assert producer.aborted.is_set()
    assert producer.ended()
    assert producer.made < 10


def test_leaving_early_wakes_a_maker_that_waits_for_its_source() -> None:
    producer = Producer(1)
    with pytest.raises(LeftError):
        take_one_and_leave(producer, producer.hanging())
    assert producer.ended()


def test_leaving_before_the_first_item_stops_the_maker_too() -> None:
    for _ in range(50):
        producer = Producer(10**9)
        with made_ahead(producer, producer.items()):
            pass
        assert producer.aborted.is_set()
        assert producer.thread is None or producer.ended()


def test_room_is_counted_in_bytes_and_a_piece_larger_than_it_still_passes() -> None:
    producer = Producer(0)
    made: list[int] = []

    def items() -> Generator[bytes, None, None]:
        for size in (3, 5, 1, 1, 1, 7):
            made.append(size)
            yield bytes(size)

    with ahead(
        items(), room=4, deadline=Deadline(PATIENCE, time.monotonic), abort=producer.aborted.set
    ) as found:
        taken = [len(next(found))]
        # 3 were taken; 5 fill the room by themselves, and the next is in the maker's hand.
        assert made in ([3, 5], [3, 5, 1])
        taken += [len(piece) for piece in found]
    assert taken == [3, 5, 1, 1, 1, 7]


def passed_on(found: Iterator[bytes], ended: threading.Event) -> Generator[bytes, None, None]:
    try:
        yield from found
    finally:
        ended.set()


def take_one_of_two_in_a_row_and_leave(producer: Producer, ended: threading.Event) -> None:
    with (
        made_ahead(producer, producer.hanging()) as found,
        made_ahead(producer, passed_on(found, ended)) as changed,
    ):
        assert next(changed) == piece(1)
        raise LeftError


def test_two_in_a_row_end_together() -> None:
    """The second waits for the first; leaving must wake it."""
    for _ in range(20):
        producer, ended = Producer(1), threading.Event()
        with pytest.raises(LeftError):
            take_one_of_two_in_a_row_and_leave(producer, ended)
        assert ended.wait(PATIENCE)
        assert producer.ended()


def clock(*times: float) -> Callable[[], float]:
    """A clock that shows these times, one each time it is asked, and then the last for ever."""
    left = [*times]
    return lambda: left.pop(0) if len(left) > 1 else left[0]


def test_the_deadline_holds_although_the_maker_hangs() -> None:
    producer = Producer(1)
    # Two looks at the clock find a moment left, in which nothing comes; then the time is up.
    deadline = Deadline(100, clock(0, 0, 99.99, 99.99, 100))
    seen: list[bytes] = []
    with (
        pytest.raises(RetryError) as caught,
        made_ahead(producer, producer.hanging(), deadline) as found,
    ):
        take(found, seen)
    assert seen == pieces(1, 1)
    assert caught.value.reason == "deadline"
    assert producer.aborted.is_set()
    assert producer.ended()


def test_past_the_deadline_not_even_an_item_that_is_there_is_given() -> None:
    producer = Producer(3)
    deadline = Deadline(100, clock(0, 100))
    with pytest.raises(RetryError), made_ahead(producer, producer.items(), deadline) as items:
        next(items)
    assert producer.thread is None or producer.ended()


def test_a_deadline_tells_what_is_left_and_ends() -> None:
    deadline = Deadline(10, clock(5, 7, 7, 14.5, 15, 16))
    assert deadline.left() == 8
    assert deadline.left(at_most=3) == 3
    assert deadline.left(at_most=3) == 0.5
    for _ in range(2):
        with pytest.raises(RetryError) as caught:
            deadline.left()
        assert caught.value.reason == "deadline"
