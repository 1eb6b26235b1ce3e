"""The functions as processes, and the workers' deaths."""

import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Self

from urllib3 import HTTPConnectionPool

from ingest.local.process import Process, answers, free_port

ROOT = Path(__file__).parents[1]

_FOREIGN = ("LAKEFILL_", "STORAGE_EMULATOR", "PUBSUB_EMULATOR", "GOOGLE_", "LOG_EXECUTION_ID")
# A worker dies up to so many seconds into the delivery that was its last.
_DELAY_SECONDS = 0.5
_START_SECONDS = 60.0


class Function:
    """One function, serving at a port of its own as often as it is started."""

    def __init__(self, name: str, target: str, env: Mapping[str, str], logs: Path) -> None:
        self.name, self._logs = name, logs
        self.port = free_port()
        self._starts = count()
        self._command: list[str | Path] = [
            Path(sys.executable).with_name("functions-framework"),
            *("--target", target, "--source", ROOT / "main.py"),
            *("--host", "127.0.0.1", "--port", str(self.port)),
        ]
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(_FOREIGN)}
        self._env = inherited | {"no_proxy": "127.0.0.1"} | dict(env)
        self.http = HTTPConnectionPool("127.0.0.1", self.port, maxsize=64)

    @property
    def url(self) -> str:
        """`http://127.0.0.1:port`, without a slash at its end."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and wait until it serves."""
        log = self._logs / f"{self.name}.{next(self._starts)}.log"
        self._process = Process(self.name, self._command, log=log, env=self._env)
        self._process.wait_until(answers(f"{self.url}/robots.txt"))

    def stop(self) -> None:
        """Ask it to end (SIGTERM), and make it after a grace period."""
        self._process.stop()

    def kill(self) -> None:
        """Kill it with all its processes (SIGKILL)."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.stop()


class Workers:
    """The worker processes, within `with`; now and then one of them dies and is restarted.

    `between` says after how many deliveries that is, at least and at most.
    """

    def __init__(
        self,
        number: int,
        env: Mapping[str, str],
        logs: Path,
        *,
        seed: int,
        between: tuple[int, int],
    ) -> None:
        self._all = [Function(f"worker-{n}", "worker", env, logs) for n in range(number)]
        self._up: list[Function] = []
        self._changed = threading.Condition()
        self._turns = count()
        self._rng = Random(f"{seed}/deaths")
        self._between = between
        self._until_next = self._rng.randint(*between)
        self._restarts: list[Future[None]] = []
        self._threads = ThreadPoolExecutor(number)
        self._calm = False
        self.deaths: Counter[str] = Counter()

    def __enter__(self) -> Self:
        for future in [self._threads.submit(self._start, worker) for worker in self._all]:
            future.result()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._threads.shutdown(cancel_futures=True)
        for worker in self._up:
            worker.kill()

    def calm(self) -> None:
        """Kill none any more, and wait until all are up; raise what kept one from starting."""
        with self._changed:
            self._calm = True
        for restart in self._restarts:
            restart.result()

    def take(self) -> Function:
        """Return the worker whose turn it is, and perhaps doom it."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._up, _START_SECONDS):
                raise TimeoutError("no worker comes up again")
            worker = self._up[next(self._turns) % len(self._up)]
            self._until_next -= 1
            if self._until_next <= 0 and not self._calm:
                self._until_next = self._rng.randint(*self._between)
                delay = self._rng.uniform(0, _DELAY_SECONDS)
                kind = self._rng.choice(["killed", "killed", "terminated"])
                death = self._threads.submit(self._die, worker, kind, delay)
                self._restarts.append(death)
            return worker

    def _die(self, worker: Function, kind: str, delay: float) -> None:
        time.sleep(delay)
        with self._changed:
            if worker not in self._up:
                return
            self._up.remove(worker)
            self.deaths[kind] += 1
        if kind == "killed":
            worker.kill()
        else:
            worker.stop()
        self._start(worker)

    def _start(self, worker: Function) -> None:
        worker.start()
        with self._changed:
            self._up.append(worker)
            self._changed.notify_all()
