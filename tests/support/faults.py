"""Faults of Cloud Storage, to order."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.support.storage_request import Request


@dataclass(frozen=True)
class Status:
    """Answer with an error in the form of Cloud Storage, and do nothing."""

    code: int


@dataclass(frozen=True)
class DropConnection:
    """Hang up without an answer, and do nothing."""


@dataclass(frozen=True)
class BreakUpload:
    """Hang up once half of the request's body has passed."""


@dataclass(frozen=True)
class LoseResponse:
    """Do what is asked, then hang up without an answer."""


@dataclass(frozen=True)
class FlipBit:
    """Do what is asked, with one bit of the request's body changed on its way."""


@dataclass(frozen=True)
class KeepPart:
    """Answer a chunk of an upload by saying that only its first 256 KiB were kept."""


class Hold:
    """Keep requests waiting, their bodies received, until they are released."""

    def __init__(self) -> None:
        self._held = 0
        self._arrived = threading.Condition()
        self._released = threading.Event()

    def wait_for(self, count: int = 1, timeout: float = 60) -> None:
        """Wait until `count` requests have been held."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: self._held >= count, timeout)

    def release(self) -> None:
        """Let all go on, those that come later as well."""
        self._released.set()

    def hold(self) -> None:
        with self._arrived:
            self._held += 1
            self._arrived.notify_all()
        self._released.wait()


Action = Status | DropConnection | BreakUpload | LoseResponse | FlipBit | KeepPart | Hold


@dataclass
class Rule:
    """An action for the next requests that match."""

    match: Callable[[Request], bool]
    action: Action
    remaining: int
    hits: int = field(default=0, init=False)


class Faults:
    """The rules of a proxy; the first that matches and is not used up decides."""

    def __init__(self) -> None:
        self._rules: list[Rule] = []
        self._lock = threading.Lock()

    def add(self, *, match: Callable[[Request], bool], action: Action, times: int = 1) -> Rule:
        """Order `action` for the next `times` requests that match."""
        rule = Rule(match, action, times)
        with self._lock:
            self._rules.append(rule)
        return rule

    @property
    def hits(self) -> int:
        """How many faults there have been."""
        with self._lock:
            return sum(rule.hits for rule in self._rules)

    def take(self, request: Request) -> Action | None:
        with self._lock:
            for rule in self._rules:
                if rule.remaining and rule.match(request):
                    rule.remaining -= 1
                    rule.hits += 1
                    return rule.action
        return None

    def release_all(self) -> None:
        """Release every held request."""
        with self._lock:
            for rule in self._rules:
                if isinstance(rule.action, Hold):
                    rule.action.release()
