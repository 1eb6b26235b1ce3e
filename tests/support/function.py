"""The functions as real functions-framework processes, their log lines to be read."""

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
import requests

from ingest.local.process import free_port
from tests.support import described

ROOT = Path(__file__).parents[2]
_START_SECONDS = 30


class FunctionProcess:
    """One function, serving within its `with` block."""

    def __init__(self, target: str, env: Mapping[str, str], threads: int = 8) -> None:
        self._port = free_port()
        framework = Path(sys.executable).with_name("functions-framework")
        self._command = [
            *(str(framework), "--target", target, "--source", str(ROOT / "main.py")),
            *("--host", "127.0.0.1", "--port", str(self._port)),
        ]
        foreign = ("LAKEFILL_", "STORAGE_EMULATOR", "PUBSUB_EMULATOR", "GOOGLE_")
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(foreign)}
        self._env = inherited | {"THREADS": str(threads)} | dict(env)
        self._lines: list[str] = []
        self._arrived = threading.Condition()
        self.session = requests.Session()
        if target == "dispatch":
            self.session.hooks["response"].append(described.check)

    @property
    def url(self) -> str:
        """`http://127.0.0.1:port`, without a slash at its end."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int:
        return self._process.pid

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command,
            env=self._env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                self._end()
                pytest.fail(f"{self._command[1:3]} did not start: {''.join(self._lines)}")
            time.sleep(0.02)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.session.close()
        self.kill()
        self._end()

    def kill(self) -> None:
        """Kill the process and its children, as the platform's out-of-memory killer would."""
        os.killpg(self._process.pid, signal.SIGKILL)

    def lines(self, **fields: object) -> list[dict[str, Any]]:
        """The JSON log lines so far that carry these fields."""
        with self._arrived:
            lines = [json.loads(line) for line in self._lines if line.startswith("{")]
        return [line for line in lines if line | fields == line]

    def wait_line(self, timeout: float = 10, **fields: object) -> dict[str, Any]:
        """Wait for a log line that carries these fields, and return the last such line."""
        with self._arrived:
            found = self._arrived.wait_for(lambda: self.lines(**fields), timeout)
        assert found, f"no line with {fields} in {''.join(self._lines)}"
        return found[-1]

    @property
    def output(self) -> str:
        """All that it printed so far."""
        with self._arrived:
            return "".join(self._lines)

    def post(self, path: str = "/", **kwargs: Any) -> requests.Response:
        return self.session.post(self.url + path, timeout=60, **kwargs)

    def get(self, path: str) -> requests.Response:
        return self.session.get(self.url + path, timeout=60)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._arrived:
                self._lines.append(line)
                self._arrived.notify_all()

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
        except OSError:
            return False
        return True

    def _end(self) -> None:
        self._process.wait()
        self._reader.join()
        if self._process.stdout is not None:
            self._process.stdout.close()


def envelope(message: object, attempt: int | None = 1, **attributes: str) -> dict[str, Any]:
    """A push request's body, as Pub/Sub makes it."""
    data = message if isinstance(message, bytes) else json.dumps(message).encode()
    body: dict[str, Any] = {
        "message": {
            "data": base64.b64encode(data).decode(),
            "attributes": attributes,
            "messageId": "1",
            "message_id": "1",
            "publishTime": "2026-01-01T00:00:00Z",
        },
        "subscription": "projects/p/subscriptions/s",
    }
    return body if attempt is None else body | {"deliveryAttempt": attempt}


def until(condition: Callable[[], bool], timeout: float = 20) -> None:
    """Wait for a condition outside this process."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        time.sleep(0.02)
