"""A server in a process of its own, asked through a pipe.

It ends when the pipe does: with the `with` block, or with this process, however that ends.
"""

import signal
from collections.abc import Callable
from contextlib import AbstractContextManager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self

_SPAWN = get_context("spawn")


class Child:
    """Runs `make(*arguments)`, a context manager, elsewhere; `ask` calls its methods there."""

    def __init__(
        self, make: Callable[..., AbstractContextManager[object]], *arguments: object
    ) -> None:
        self._pipe, theirs = _SPAWN.Pipe()
        self._process = _SPAWN.Process(target=_serve, args=(theirs, make, arguments))
        self._process.start()
        theirs.close()

    def ask(self, method: str) -> Any:  # noqa: ANN401  whatever the method returns
        """Call a method, and return what it returns."""
        self._pipe.send(method)
        return self._pipe.recv()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pipe.close()
        self._process.join()


def _serve(
    pipe: Connection,
    make: Callable[..., AbstractContextManager[object]],
    arguments: tuple[object, ...],
) -> None:
    # A Ctrl-C reaches the whole process group; the parent tidies up.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    with make(*arguments) as service:
        while True:
            try:
                method = pipe.recv()
            except EOFError:
                return
            pipe.send(getattr(service, method)())
