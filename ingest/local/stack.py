"""The local stack: every part of the system, real, in one process tree on this machine.

fake-gcs-server, the sample source and both functions are processes of their own; Pub/Sub is
embedded in this one, or Google's emulator.
"""

import fcntl
import os
import re
import sys
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Literal, Self
from urllib.parse import urlsplit

from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Client

from ingest.feeds import PACKAGED_CATALOGUE, load_catalogue
from ingest.local.process import OnLine, Process, StackError, answers, free_port
from ingest.local.pubsub import EmbeddedPubsub, Pubsub, Subscription
from ingest.local.signals import undisturbed
from ingest.local.storage import ObjectServer

CHECKOUT = Path(__file__).parents[2]
PROJECT = "local"

Backend = Literal["filesystem", "memory"]
PubsubKind = Literal["embedded", "emulator"]

# What of this process's environment would change how the functions behave.
_FOREIGN_PREFIXES = ("FUNCTION_", "GOOGLE_", "K_", "PUBSUB_", "STORAGE_EMULATOR_")
_FOREIGN = {"CLOUD_RUN_TIMEOUT_SECONDS", "DEBUG", "LOG_EXECUTION_ID", "WORKERS"}
_LOOPBACK = "127.0.0.1,localhost"


class Stack:
    """The whole system; it runs within its `with` block and leaves no process behind.

    - `state`: folder of the lake (`lake/BUCKET/`), the logs (`logs/`) and the catalogue that
      is used (`feeds.yaml`)
    - `source_url`: where the catalogue's files are fetched from, in place of the hosts it
      names; None starts the sample source. `real_source` leaves the catalogue as it is.
    - `storage_url`: an object server that is there already; None starts one
    - `port`: of dispatch; 0 takes a free one
    - `workers`, `threads`: processes behind the worker's one URL, and deliveries that each
      works on at once
    - `env`: settings of both functions, over the stack's own
    - `on_line`: called with each line of the functions' output
    """

    def __init__(
        self,
        state: Path,
        *,
        bucket: str = "local",
        catalogue: Path = PACKAGED_CATALOGUE,
        source_url: str | None = None,
        real_source: bool = False,
        storage_url: str | None = None,
        backend: Backend = "filesystem",
        pubsub: PubsubKind = "embedded",
        port: int = 0,
        workers: int = 1,
        threads: int = 2,
        max_delivery_attempts: int = 8,
        min_backoff_seconds: float = 1.0,
        max_backoff_seconds: float = 60.0,
        env: Mapping[str, str] | None = None,
        on_line: OnLine | None = None,
    ) -> None:
        self.state, self.bucket_name = state, bucket
        self._catalogue, self._text = catalogue, _catalogue_text(catalogue)
