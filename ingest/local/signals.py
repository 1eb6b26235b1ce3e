"""Signals that end a command: first an exception, so that everything is tidied up."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_received: list[int] = []


def exit_on_signals() -> None:
    """Turn SIGINT (Ctrl-C), SIGTERM and SIGHUP into SystemExit, with a shell's status."""
    for number in _SIGNALS:
        signal.signal(number, _exit)


def check_signals() -> None:
    """Raise SystemExit where a signal came, but its exception got lost.

    It is raised at whatever the main thread is doing, and a destructor, or a callback of a
    library's native code, lets no exception out.
    """
    if _received:
        sys.exit(128 + _received[0])


@contextmanager
def tidying_up() -> Iterator[None]:
    """Have no exception disturb the block: one more signal ends this process at once.

    What is on a tether then ends by itself. Where `exit_on_signals` was not called, signals
    are left as they are.
    """
    ours = [number for number in _SIGNALS if signal.getsignal(number) is _exit]
    if threading.current_thread() is not threading.main_thread():
        ours = []
    for number in ours:
        signal.signal(number, _exit_at_once)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, _exit)


def _exit(number: int, _: FrameType | None) -> NoReturn:
    _received.append(number)
    sys.exit(128 + number)


def _exit_at_once(number: int, _: FrameType | None) -> NoReturn:
    os._exit(128 + number)
