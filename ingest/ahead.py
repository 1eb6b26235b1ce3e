"""Reading ahead: an iterator's items are made in one thread and used in another."""

import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from queue import Empty, Queue
from typing import TypeVar

from ingest.deadline import Deadline

T = TypeVar("T")


class _EndError(Exception):
    """Travels through the queue as the last item; its cause is what ended the items."""


@contextmanager
def read_ahead(
    items: Generator[T, None, None],
    *,
    depth: int,
    deadline: Deadline,
    abort: Callable[[], None],
) -> Iterator[Iterator[T]]:
    """Give an iterator over `items`, which a thread makes up to `depth` (2 or more) ahead.

    What `items` raises is raised where the item would have come, and RetryError once the
    deadline has passed, however long the thread goes on waiting. On leaving, early or not,
    `abort` is called to wake the thread from what it may still wait for.
    """
    queue: Queue[T | _EndError] = Queue(depth)
    abandoned = threading.Event()
    arguments = (items, queue, abandoned)
    threading.Thread(target=_make, args=arguments, name="read-ahead", daemon=True).start()
    try:
        yield _take(queue, deadline)
    finally:
        abandoned.set()
        abort()
        with suppress(Empty):  # there is room then for what the thread still puts
            while True:
                queue.get_nowait()


def _make(
    items: Generator[T, None, None], queue: Queue[T | _EndError], abandoned: threading.Event
) -> None:
    end = _EndError()
    try:
        for item in items:
            queue.put(item)
            if abandoned.is_set():
                items.close()
                break
    except BaseException as error:  # noqa: BLE001  raised again where it is awaited
        end.__cause__ = error
    queue.put(end)


def _take(queue: Queue[T | _EndError], deadline: Deadline) -> Iterator[T]:
    while True:
        try:
            item = queue.get(timeout=deadline.left())
        except Empty:
            continue  # and left() raises
        if not isinstance(item, _EndError):
            yield item
        elif item.__cause__ is not None:
            raise item.__cause__
        else:
            return
