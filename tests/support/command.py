"""The command line as a process of its own, as a person runs it."""

import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

_LINE_SECONDS = 60
_END_SECONDS = 30
_FOREIGN = ("LAKEFILL_", "STORAGE_EMULATOR", "PUBSUB_EMULATOR", "GOOGLE_")


def environment(**extra: str) -> dict[str, str]:
    """This process's environment without what would steer lakefill, and `extra`."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(_FOREIGN)}
    return inherited | extra


def lakefill(*arguments: str | Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "ingest", *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment(**env),
        timeout=_LINE_SECONDS,
        check=False,
    )


class Running:
    """A command while it runs, in a process group of its own; killed at the end of `with`."""

    def __init__(self, *command: str | Path) -> None:
        # -P: imports nothing from the current folder, as the installed command does not.
        self._command = [sys.executable, "-P", *map(str, command)]
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self.output: list[str] = []

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            self._command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment(),
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join()

    def wait_line(self, part: str) -> str:
        """Wait for a line that contains `part`, and return it."""
        while True:
            line = self._lines.get(timeout=_LINE_SECONDS)
            assert line is not None, f"no {part!r} in {self.output}"
            if part in line:
                return line

    def family(self) -> list[psutil.Process]:
        """The process and all that it started, as far as they are still its."""
        process = psutil.Process(self.process.pid)
        return [process, *process.children(recursive=True)]

    def interrupt(self) -> None:
        """Do what Ctrl-C does in a terminal: signal the foreground process group."""
        os.killpg(self.process.pid, signal.SIGINT)

    def end(self) -> int:
        """Wait until it ends, and return its status."""
        return self.process.wait(_END_SECONDS)

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self.output.append(line)
                self._lines.put(line)
        self._lines.put(None)


def gone(family: Sequence[psutil.Process]) -> bool:
    """Wait until all of these have ended; False where some have not in time."""
    _, alive = psutil.wait_procs(family, _END_SECONDS)
    return not alive
