"""Working ahead: pieces of a file are made in one thread and used in another."""

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager

from ingest.deadline import Deadline


class AbandonedError(Exception):
    """Nobody waits for the pieces any more."""


@contextmanager
def ahead(
    pieces: Generator[bytes, None, None],
    *,
    room: int,
    deadline: Deadline,
    abort: Callable[[], None],
) -> Iterator[Iterator[bytes]]:
    """Give an iterator over `pieces`, which a thread makes until `room` bytes are waiting.

    What `pieces` raises is raised where the next would have come, and RetryError once the
    deadline has passed, however long the thread goes on waiting. On leaving, early or not,
    `abort` is called to wake the thread from what it may still wait for.
    """
    shelf = _Shelf(room)
    threading.Thread(target=_make, args=(pieces, shelf), name="ahead", daemon=True).start()
    try:
        yield _take(shelf, deadline)
    finally:
        shelf.abandon()
        abort()


class _Shelf:
    """Where pieces wait, between the thread that makes them and the one that takes them."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._pieces: deque[bytes] = deque()
        self._bytes = 0
        self._changed = threading.Condition()
        self._ended = self._abandoned = False
        self._error: BaseException | None = None

    def put(self, piece: bytes) -> None:
        """Add a piece once there is room left; raise AbandonedError where nobody takes it."""
        with self._changed:
            self._changed.wait_for(lambda: self._bytes < self._room or self._abandoned)
            if self._abandoned:
                raise AbandonedError
            self._pieces.append(piece)
            self._bytes += len(piece)
            self._changed.notify()

    def end(self, error: BaseException | None) -> None:
        """Say that no more pieces come, and by which error, if it was one."""
        with self._changed:
            self._ended, self._error = True, error
            self._changed.notify()

    def get(self, deadline: Deadline) -> bytes | None:
        """Take the next piece, None after the last; raise what ended them, if it was an error.

        Past the deadline not even a piece that is there is given: RetryError.
        """
        with self._changed:
            while not self._changed.wait_for(self._is_ready, deadline.left()):
                pass
            if self._abandoned:
                raise AbandonedError
            if self._pieces:
                piece = self._pieces.popleft()
                self._bytes -= len(piece)
                self._changed.notify()
                return piece
            if self._error is not None:
                raise self._error
            return None

    def abandon(self) -> None:
        """Wake both sides; neither gives or gets anything any more."""
        with self._changed:
            self._abandoned = True
            self._pieces.clear()
            self._changed.notify_all()

    def _is_ready(self) -> bool:
        return bool(self._pieces) or self._ended or self._abandoned


def _make(pieces: Generator[bytes, None, None], shelf: _Shelf) -> None:
    try:
        for piece in pieces:
            shelf.put(piece)
        shelf.end(None)
    except BaseException as error:  # noqa: BLE001  raised again where it is awaited
        shelf.end(error)
    finally:
        pieces.close()


def _take(shelf: _Shelf, deadline: Deadline) -> Iterator[bytes]:
    while (piece := shelf.get(deadline)) is not None:
        yield piece
