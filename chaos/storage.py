"""The object server: fake-gcs-server behind the proxy, which fails at random.

A ledger is kept of every generation that was ever written under a final name, whether or not
its writer heard of it.
"""

import json
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from random import Random
from types import TracebackType
from typing import IO, Self

import requests

from chaos.script import BUCKET, RESERVED_PREFIX, deal
from tests.support.fake_gcs import FakeGcs
from tests.support.faults import (
    Action,
    BreakUpload,
    DropConnection,
    Faults,
    LoseResponse,
    Status,
)
from tests.support.storage_proxy import StorageProxy
from tests.support.storage_request import Key, Operation, Request
from tests.support.storage_rules import StorageRules
from tests.support.upstream import Response, Upstream

_ERRORS: list[Action] = [Status(429), Status(500), Status(503), DropConnection()]
_READ = [*_ERRORS * 4, Status(403)]
_UPLOAD = [*_ERRORS * 2, *[LoseResponse()] * 4, *[BreakUpload()] * 3, Status(403)]
_RARE: list[Action] = [Status(503), DropConnection(), LoseResponse(), LoseResponse()]

# How often an operation fails, and in which ways: the rarer ones more often, so that they fail
# at all, and lose their answer.
_FAULTS: dict[Operation, tuple[float, Sequence[Action]]] = {
    "get": (0.01, _READ),
    "download": (0.02, _READ),
    "list": (0.05, _READ),
    "insert": (0.025, _UPLOAD),
    "resumable_start": (0.35, _RARE),
    "resumable_chunk": (0.06, _UPLOAD),
    "rewrite": (0.4, _RARE),
    "patch": (0.6, _RARE),
    "delete": (0.3, _RARE),
}


def _name(action: Action, operation: str) -> str:
    match action:
        case Status(code):
            return str(code)
        case DropConnection():
            return "connection dropped"
        case BreakUpload():
            return "upload broken half-way"
        case _:
            return f"answer lost: {operation}"


# What they are counted as.
EXPECTED = {
    _name(action, operation)
    for operation, (_, actions) in _FAULTS.items()
    for action in actions
}
_CREATIONS = {"insert", "resumable_start", "rewrite", "copy"}
_WRITES = {"insert", "resumable_chunk", "rewrite", "copy"}


class RandomFaults(Faults):
    """Fails requests by their operation; `calm` ends that."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()
        self._rng = Random(f"{seed}/storage")
        self._decks: dict[str, Iterator[Action]] = {
            operation: deal(self._rng, actions) for operation, (_, actions) in _FAULTS.items()
        }
        self._calm = False
        self._choosing = threading.Lock()

    def calm(self) -> None:
        """Let everything through from now on."""
        self._calm = True

    def take(self, request: Request) -> Action | None:
        """Return what befalls a request, if anything does."""
        share, _ = _FAULTS.get(request.operation, (0.0, ()))
        with self._choosing:
            if self._calm or self._rng.random() >= share:
                return None
            action = next(self._decks[request.operation])
            self.counts[_name(action, request.operation)] += 1
            return action


class Ledger(StorageRules):
    """Notes which generations were written, by object; lakefill's own records are left out.

    What nobody ever tried to write is not there, and the server need not be asked: it looks
    through all that it has, which would be most of a long run's time.
    """

    def __init__(self) -> None:
        super().__init__()
        self.written: defaultdict[str, list[int]] = defaultdict(list)
        self.staged = 0
        """How many of them by a rewrite of a staged object."""
        self._tried: set[Key] = set()

    def handle(self, request: Request, body: IO[bytes], upstream: Upstream) -> Response:
        """Have a request answered, and note what it wrote."""
        if request.operation in _CREATIONS:
            self._tried.add(request.key)
        elif request.operation in {"get", "download"} and request.key not in self._tried:
            return Response.error(404)
        response = super().handle(request, body, upstream)
        if request.operation in _WRITES and response.status == 200:
            answer = json.loads(response.content)
            written = answer.get("resource", answer)
            if not written["name"].startswith(RESERVED_PREFIX):
                self.written[written["name"]].append(int(written["generation"]))
                self.staged += request.operation == "rewrite"
        return response

    def _state(self, key: Key, upstream: Upstream) -> tuple[int, int]:
        return super()._state(key, upstream) if key in self._tried else (0, 0)


class Storage:
    """The server and the proxy, with a versioned bucket, within its `with` block."""

    def __init__(self, seed: int) -> None:
        self._server = FakeGcs()
        self._faults, self._ledger = RandomFaults(seed), Ledger()

    def __enter__(self) -> Self:
        self._server.__enter__()
        bucket = {"name": BUCKET, "versioning": {"enabled": True}}
        requests.post(
            f"{self._server.url}/storage/v1/b", json=bucket, timeout=30
        ).raise_for_status()
        self._proxy = StorageProxy(self._server.url)
        self._proxy.faults, self._proxy.rules = self._faults, self._ledger
        self._proxy.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._proxy.__exit__(kind, error, trace)
        self._server.__exit__(kind, error, trace)

    def urls(self) -> tuple[str, str]:
        """Tell where the proxy listens, and where the server itself does."""
        return self._proxy.url, self._server.url

    def calm(self) -> None:
        """Do nothing wrong any more."""
        self._faults.calm()

    def faults(self) -> Counter[str]:
        """Count what was injected, by fault."""
        self._proxy.requests.clear()  # its own log, which nobody reads here
        return self._faults.counts.copy()

    def written(self) -> dict[str, list[int]]:
        """Return the generations that were written, by object."""
        return dict(self._ledger.written)

    def staged(self) -> int:
        """Count the publishes of staged objects."""
        return self._ledger.staged
