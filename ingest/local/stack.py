"""The local stack: every part of the system, real, in one process tree on this machine.

fake-gcs-server, the sample source and both functions are processes of their own; Pub/Sub is
embedded in this one, or Google's emulator.
"""

import fcntl
import os
import socket
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Bucket, Client

from ingest.feeds import PACKAGED_CATALOGUE
from ingest.local.process import OnLine, Process, StackError, answers, free_port
from ingest.local.pubsub import EmbeddedPubsub, Pubsub, Subscription
from ingest.local.reroute import rerouted
from ingest.local.signals import undisturbed
from ingest.local.storage import ObjectServer

CHECKOUT = Path(__file__).parents[2]
PROJECT = "local"

# What of this process's environment would change how the functions behave.
_FOREIGN_PREFIXES = ("FUNCTION_", "GOOGLE_", "K_", "PUBSUB_", "STORAGE_EMULATOR_")
_FOREIGN = {"CLOUD_RUN_TIMEOUT_SECONDS", "DEBUG", "LOG_EXECUTION_ID", "WORKERS"}


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a stack is made of."""

    state: Path
    """Folder of the lake (`lake/BUCKET/...`), the logs (`logs/`) and the catalogue in use."""
    bucket: str = "local"
    catalogue: Path = PACKAGED_CATALOGUE
    real_source: bool = False
    """Fetch from the hosts that the catalogue names, not from the sample source."""
    source_url: str | None = None
    """A server to fetch from in place of the sample source, `http://host:port`."""
    storage_url: str | None = None
    """An object server that is there already, with the bucket in it."""
    backend: Literal["filesystem", "memory"] = "filesystem"
    pubsub: Literal["embedded", "emulator"] = "embedded"
    port: int = 0
    """Of dispatch; 0 takes a free one."""
    workers: int = 1
    """Processes behind the worker's URL."""
    threads: int = 2
    """Deliveries that each of them works on at once."""
    max_delivery_attempts: int = 8
    min_backoff_seconds: float = 1.0
    max_backoff_seconds: float = 60.0
    env: Mapping[str, str] = field(default_factory=dict)
    """Settings of both functions, over the stack's own."""
    on_line: OnLine | None = None
    """Takes the functions' output, line by line."""


class Stack:
    """The whole system; it runs within its `with` block, and leaves no process behind."""

    storage_url: str
    pubsub: Pubsub

    def __init__(self, options: Options) -> None:
        self.options = options
        self.lake = options.state / "lake"
        self.logs = options.state / "logs"
        self._parts = ExitStack()
        self._servers: list[Process] = []
        self._functions: list[Process] = []
        self._ended = threading.Event()
        self._worker_port = free_port()
        self._port = options.port or free_port()

    @property
    def url(self) -> str:
        """Where dispatch listens."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def worker_url(self) -> str:
        """Where the worker listens, and Pub/Sub pushes to."""
        return f"http://127.0.0.1:{self._worker_port}"

    @cached_property
    def bucket(self) -> Bucket:
        """The lake's bucket, by a client of this process."""
        client = Client(
            project=PROJECT,
            credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
            client_options={"api_endpoint": self.storage_url},
        )
        self._parts.callback(client.close)
        return client.bucket(self.options.bucket)

    def check(self) -> None:
        """Raise StackError where a process has ended by itself."""
        for process in (*self._servers, *self._functions):
            process.check()

    def wait(self) -> None:
        """Wait until a process ends by itself, and raise StackError then."""
        self._ended.wait()
        self.check()

    def stop(self) -> None:
        """Stop everything that was started: within seconds, whatever it is doing."""
        with undisturbed():
            self._parts.close()

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _start(self) -> None:
        self._check_port()
        self._parts.enter_context(_exclusively(self.options.state))
        self._parts.callback(self._stop_processes)
        storage = self._start_storage()
        source_url = self._start_source()
        self.catalogue = self._write_catalogue(source_url)
        self.pubsub = self._parts.enter_context(self._make_pubsub())
        env = self._environment()
        workers = {"THREADS": self.options.threads, "WORKERS": self.options.workers}
        self._start_function("worker", self._worker_port, env | ...)
