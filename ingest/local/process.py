"""Processes of the local stack: started on a tether, their output kept in a log file."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, cast

import requests

from ingest.errors import LakefillError
from ingest.local import tether
from ingest.local.signals import check_signals

CHECKOUT = Path(__file__).parents[2]
START_SECONDS = 60.0
# How long a process that is starting up is left alone between two looks at it.
_LOOK_SECONDS = 0.02
_KILL_SECONDS = 10.0
_LAST_LINES = 8

OnLine = Callable[[str, str], None]
"""Called with a process's name and each line of its output, from a thread of its own."""


class StackError(LakefillError):
    """The stack cannot start or go on; the message says why and what to do."""


class Process:
    """A command in a process group of its own, which ends with this process at the latest."""

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        on_line: OnLine | None = None,
        on_end: Callable[[], None] | None = None,
    ) -> None:
        self.name, self.log = name, log
        self._on_line, self._on_end = on_line, on_end
        self._process = subprocess.Popen(  # noqa: S603  the stack's own commands
            [sys.executable, "-I", "-S", tether.__file__, *map(str, command)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=env,
            # Python and gunicorn import from the current folder first: not from just any.
            cwd=CHECKOUT,
            start_new_session=True,
        )
        output = cast("IO[bytes]", self._process.stdout)
        self._reader = threading.Thread(target=self._read, args=(output,), daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """The process group's id, that of the tether."""
        return self._process.pid

    def check(self) -> None:
        """Raise StackError where the process has ended."""
        if self._process.poll() is not None:
            self._reader.join()
            lines = self.log.read_text("utf-8", "replace").splitlines()[-_LAST_LINES:]
            said = "; it said:\n" + "\n".join(lines) if lines else ""
            raise StackError(
                f"{self.name} ended with status {self._process.returncode}{said}\n"
                f"All that it said is in {self.log}."
            )

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Wait for a condition; raise StackError if the process ends, or takes too long."""
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            check_signals()
            try:
                self._process.wait(_LOOK_SECONDS)
            except subprocess.TimeoutExpired:
                if time.monotonic() > deadline:
                    raise StackError(
                        f"{self.name} was not ready after {START_SECONDS:.0f} s; "
                        f"its log is {self.log}"
                    ) from None
            self.check()

    def release(self) -> None:
        """Let go of the tether: the command is asked to end, and soon made to."""
        if self._process.stdin is not None:
            self._process.stdin.close()

    def stop(self) -> None:
        """End the command and all that it started, and wait until they are gone."""
        self.release()
        try:
            self._process.wait(tether.GRACE_SECONDS + _KILL_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._reader.join()

    def _read(self, output: IO[bytes]) -> None:
        with self.log.open("wb", buffering=0) as log, output:
            for line in output:
                log.write(line)
                if self._on_line is not None:
                    self._on_line(self.name, line.decode("utf-8", "replace").rstrip())
        if self._on_end is not None:
            self._on_end()


def free_port() -> int:
    """Return a port of this machine that nothing listens on.

    From below the range that outgoing connections are given theirs of: one of those could
    take it before the server that it is meant for.
    """
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def answers(url: str) -> Callable[[], bool]:
    """Return a condition: something answers at a URL, whatever it answers."""

    def ask() -> bool:
        with requests.Session() as session:
            session.trust_env = False  # no proxy stands between us and this machine
            try:
                session.get(url, timeout=START_SECONDS)
            except requests.RequestException:
                return False
            return True

    return ask
