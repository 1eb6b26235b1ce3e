"""The HTTP session for sources: it does what it is asked, and can be woken while it waits."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.response import HTTPResponse

_watcher: ContextVar[Callable[[socket.socket], None] | None] = ContextVar(
    "watcher", default=None
)


@contextmanager
def watched(watcher: Callable[[socket.socket], None]) -> Iterator[None]:
    """Call `watcher` with each socket that this thread's requests begin to wait on.

    A source that sends its headers byte by byte keeps every time-out from striking; from
    another thread, shutting the socket down ends the wait.
    """
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


def new_session() -> requests.Session:
    """Return the session that a Source uses."""
    return _PlainSession()


class _PlainSession(requests.Session):
    """A session that does what it is asked and nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False  # no proxies, no credentials from ~/.netrc
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("http://", "https://"):
            self.mount(scheme, _Adapter())

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Find no redirect anywhere.

        Even when told not to follow one, requests would read its whole body into memory, and
        raise ValueError for a Location that is no URL (seen in 2.34).
        """


def _tell(sock: socket.socket | None) -> None:
    watcher = _watcher.get()
    if watcher is not None and sock is not None:
        watcher(sock)


class _Connection(HTTPConnection):
    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as urllib3's own
        _tell(self.sock)
        return super().getresponse()


class _SecureConnection(HTTPSConnection):
    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as urllib3's own
        _tell(self.sock)
        return super().getresponse()


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  passed on
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
