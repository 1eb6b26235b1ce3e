"""Signals that end a command: an exception once, then peace for tidying up."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def exit_on_signals() -> None:
    """Turn SIGINT (Ctrl-C), SIGTERM and SIGHUP into SystemExit, with a shell's status."""
    for number in _SIGNALS:
        signal.signal(number, _exit)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Hold these signals off while tidying up, which takes a limited time.

    Only where `exit_on_signals` has set them: elsewhere they are not ours to touch.
    """
    ours = threading.current_thread() is threading.main_thread() and [
        number for number in _SIGNALS if signal.getsignal(number) is _exit
    ]
    for number in ours or ():
        signal.signal(number, signal.SIG_IGN)
    try:
        yield
    finally:
        for number in ours or ():
            signal.signal(number, _exit)


def _exit(number: int, _: FrameType | None) -> NoReturn:
    sys.exit(128 + number)
