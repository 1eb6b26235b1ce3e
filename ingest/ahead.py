"""Working ahead: an iterator's items are made in one thread and used in another."""

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from ingest.deadline import Deadline

T = TypeVar("T")


class AbandonedError(Exception):
    """Nobody waits for the items any more."""


@contextmanager
def ahead(
    items: Generator[T, None, None],
    *,
    depth: int,
    deadline: Deadline,
    abort: Callable[[], None],
) -> Iterator[Iterator[T]]:
    """Give an iterator over `items`, which a thread makes up to `depth` (1 or more) ahead.

    What `items` raises is raised where the item would have come, and RetryError once the
    deadline has passed, however long the thread goes on waiting. On leaving, early or not,
    `abort` is called to wake the thread from what it may still wait for.
    """
    shelf: _Shelf[T] = _Shelf(depth)
    threading.Thread(target=_make, args=(items, shelf), name="ahead", daemon=True).start()
    try:
        yield _take(shelf, deadline)
    finally:
        shelf.abandon()
        abort()


class _Shelf(Generic[T]):
    """Room for `depth` items between the thread that makes them and the one that takes them."""

    def __init__(self, depth: int) -> None:
        self._depth = depth
        self._items: deque[T] = deque()
        self._changed = threading.Condition()
        self._ended = self._abandoned = False
        self._error: BaseException | None = None

    def put(self, item: T) -> None:
        """Add an item once there is room; raise AbandonedError where nobody takes it."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._items) < self._depth or self._abandoned)
            if self._abandoned:
                raise AbandonedError
            self._items.append(item)
            self._changed.notify()

    def end(self, error: BaseException | None) -> None:
        """Say that no more items come, and by which error, if it was one."""
        with self._changed:
            self._ended, self._error = True, error
            self._changed.notify()

    def get(self, deadline: Deadline) -> T:
        """Take the next item; raise StopIteration after the last, or what ended them."""
        with self._changed:
            # Looked at first: past the deadline not even an item that is there is given.
            while not self._changed.wait_for(self._is_ready, deadline.left()):
                pass
            if self._abandoned:
                raise AbandonedError
            if not self._items:
                raise StopIteration if self._error is None else self._error
            item = self._items.popleft()
            self._changed.notify()
            return item

    def abandon(self) -> None:
        """Wake both sides; neither gives or gets anything any more."""
        with self._changed:
            self._abandoned = True
            self._items.clear()
            self._changed.notify_all()

    def _is_ready(self) -> bool:
        return bool(self._items) or self._ended or self._abandoned


def _make(items: Generator[T, None, None], shelf: _Shelf[T]) -> None:
    try:
        for item in items:
            shelf.put(item)
        shelf.end(None)
    except BaseException as error:  # noqa: BLE001  raised again where it is awaited
        shelf.end(error)
    finally:
        items.close()


def _take(shelf: _Shelf[T], deadline: Deadline) -> Iterator[T]:
    while True:
        try:
            item = shelf.get(deadline)
        except StopIteration:
            return
        yield item
        del item
