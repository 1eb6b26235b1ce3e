"""The local stack: every part of the system, real, in one process tree on this machine.

fake-gcs-server, the sample source and both functions are processes of their own; Pub/Sub is
embedded in this one, or Google's emulator.
"""

import os
import shutil
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Bucket, Client

from ingest.feeds import load_catalogue
from ingest.local.emulator import EmulatorPubsub
from ingest.local.options import Options
from ingest.local.place import check_port, exclusive_folder, write_catalogue
from ingest.local.process import CHECKOUT, Process, StackError, answers, free_port
from ingest.local.pubsub import EmbeddedPubsub, Pubsub, Subscription
from ingest.local.signals import check_signals, tidying_up
from ingest.local.storage import make_bucket, server_command

_PROJECT = "local"
_DISPATCH_THREADS = 8

# Quicker than in the cloud: whoever tries something here waits for it.
_FIRST_BACKOFF_SECONDS = 1.0
_LAST_BACKOFF_SECONDS = 60.0
_DELIVERY_ATTEMPTS = 8

# What of this process's environment would change how the functions behave.
_FOREIGN_PREFIXES = ("FUNCTION_", "GOOGLE_", "K_", "PUBSUB_", "STORAGE_EMULATOR_")
_FOREIGN = {"CLOUD_RUN_TIMEOUT_SECONDS", "DEBUG", "LOG_EXECUTION_ID", "WORKERS"}


class Stack:
    """The whole system; it runs within its `with` block, and leaves no process behind."""

    url: str
    """Where dispatch listens."""
    worker_url: str
    """Where the worker listens, and Pub/Sub pushes to."""
    storage_url: str
    """Where the object server listens."""
    source_url: str | None
    """Where files are fetched from; None: from the hosts that the catalogue names."""
    catalogue: Path
    """The catalogue that the functions read."""
    pubsub: Pubsub

    def __init__(self, options: Options) -> None:
        self.options = options
        self.lake = options.state / "lake" / options.bucket
        self._parts = ExitStack()
        self._servers: list[Process] = []
        self._functions: list[Process] = []
        self._ended = threading.Event()

    def log(self, name: str) -> Path:
        """Return the file that holds what a process printed: `worker`, `dispatch`, ..."""
        return self.options.state / "logs" / f"{name}.log"

    @cached_property
    def bucket(self) -> Bucket:
        """The lake's bucket, by a client of this process."""
        client = Client(
            project=_PROJECT,
            credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
            client_options={"api_endpoint": self.storage_url},
        )
        self._parts.callback(client.close)
        return client.bucket(self.options.bucket)

    def check(self) -> None:
        """Raise StackError where a process has ended by itself."""
        check_signals()
        for process in (*self._servers, *self._functions):
            process.check()

    def wait(self) -> None:
        """Wait until a process ends by itself, and raise StackError then."""
        check_signals()
        self._ended.wait()
        self.check()

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def _start(self) -> None:
        options = self.options
        if not (CHECKOUT / "pyproject.toml").exists():
            raise StackError(
                f"the local stack runs from a checkout, and {CHECKOUT} is none; clone the "
                "project, and call its own .venv/bin/lakefill (make setup makes it)"
            )
        load_catalogue(options.catalogue)  # what is wrong there is said before anything starts
        if options.port:
            check_port(options.port)
        self._parts.enter_context(exclusive_folder(options.state))
        if options.fresh and self.lake.exists():
            shutil.rmtree(self.lake)
        self._parts.callback(self._stop_processes)
        self._start_servers()
        self.catalogue = self._place_catalogue()
        port, worker_port = options.port or free_port(), free_port()
        self.url, self.worker_url = _local(port), _local(worker_port)
        self.pubsub = self._parts.enter_context(self._make_pubsub())
        settings = self._settings()
        threads = {"THREADS": str(options.threads), "WORKERS": str(options.workers)}
        self._start_function("worker", worker_port, settings | threads)
        self._start_function("dispatch", port, settings | {"THREADS": str(_DISPATCH_THREADS)})
        for process, url in zip(self._functions, (self.worker_url, self.url), strict=True):
            # functions-framework answers this path by itself, so no request is logged.
            process.wait_until(answers(f"{url}/robots.txt"))

    def _start_servers(self) -> None:
        options = self.options
        port = free_port()
        self.storage_url, self.source_url = _local(port), options.source_url
        root = options.state / "lake" if options.backend == "filesystem" else None
        storage = self._add(self._servers, "storage", server_command(port, root))
        waits = [(storage, f"{self.storage_url}/_internal/healthcheck")]
        if self.source_url is None and not options.real_source:
            port = free_port()
            self.source_url = _local(port)
            command = [sys.executable, "-m", "ingest.local.source", "--port", str(port)]
            waits.append((self._add(self._servers, "source", command), self.source_url))
        for process, url in waits:
            process.wait_until(answers(url))
        make_bucket(self.storage_url, options.bucket)

    def _place_catalogue(self) -> Path:
        if self.source_url is None:
            return self.options.catalogue.absolute()
        placed = self.options.state.absolute() / "feeds.yaml"
        write_catalogue(self.options.catalogue, self.source_url, placed)
        return placed

    def _make_pubsub(self) -> Pubsub:
        options = self.options
        subscription = Subscription(
            push_endpoint=self.worker_url,
            topic=f"projects/{_PROJECT}/topics/lakefill",
            name=f"projects/{_PROJECT}/subscriptions/lakefill",
            min_backoff_seconds=_FIRST_BACKOFF_SECONDS,
            max_backoff_seconds=_LAST_BACKOFF_SECONDS,
            max_delivery_attempts=_DELIVERY_ATTEMPTS,
            max_outstanding=options.workers * options.threads,
        )
        if options.pubsub == "embedded":
            return EmbeddedPubsub(subscription)
        return EmulatorPubsub(subscription, log=self.log("pubsub"))

    def _settings(self) -> dict[str, str]:
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(_FOREIGN_PREFIXES) and name not in _FOREIGN
        }
        return {
            "GRPC_VERBOSITY": "ERROR",  # no line about the connection that ends with the stack
            **inherited,
            **_no_proxy(inherited),
            "LAKEFILL_BUCKET": self.options.bucket,
            "LAKEFILL_TOPIC": self.pubsub.topic,
            "LAKEFILL_FEEDS": str(self.catalogue),
            "LAKEFILL_MAX_ATTEMPTS": str(_DELIVERY_ATTEMPTS),
            "STORAGE_EMULATOR_HOST": self.storage_url,
            "PUBSUB_EMULATOR_HOST": self.pubsub.host,
            "GOOGLE_CLOUD_PROJECT": _PROJECT,
            **self.options.env,
        }

    def _start_function(self, target: str, port: int, env: Mapping[str, str]) -> None:
        command = [
            str(Path(sys.executable).with_name("functions-framework")),
            *("--target", target, "--source", str(CHECKOUT / "main.py")),
            *("--host", "127.0.0.1", "--port", str(port)),
        ]
        self._add(self._functions, target, command, env)

    def _add(
        self,
        processes: list[Process],
        name: str,
        command: Sequence[str],
        env: Mapping[str, str] | None = None,
    ) -> Process:
        process = Process(
            name,
            command,
            log=self.log(name),
            env=env,
            on_line=self.options.on_line if processes is self._functions else None,
            on_end=self._ended.set,
        )
        processes.append(process)
        return process

    def _stop(self) -> None:
        with tidying_up():
            self._parts.close()

    def _stop_processes(self) -> None:
        # The functions first: what they are doing, they can still do.
        for processes in (self._functions, self._servers):
            for process in processes:
                process.release()
            for process in processes:
                process.stop()


def _local(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def _no_proxy(env: Mapping[str, str]) -> dict[str, str]:
    """Keep what goes to this machine from a proxy that stands before the rest of the world."""
    given = env.get("no_proxy") or env.get("NO_PROXY")
    hosts = ",".join(filter(None, (given, "127.0.0.1,localhost")))
    return {"no_proxy": hosts, "NO_PROXY": hosts}
