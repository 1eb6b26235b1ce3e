"""The source: one request, its redirects kept on a leash, its word to wait heeded."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from urllib.parse import SplitResult, urljoin, urlsplit

import requests
import urllib3

from ingest import __version__
from ingest.containers import kind_of
from ingest.deadline import Deadline
from ingest.download import Download, Validators
from ingest.errors import AbsentError, Reason, RejectedError, RetryError
from ingest.feed import Feed
from ingest.gunzip import unwrapped, unzipped
from ingest.session import watched

CONNECT_SECONDS = 10.0
# Longest silence of the source. One portal takes 55 s for a large aggregate (data.ny.gov).
SILENCE_SECONDS = 60.0
# And no more than this part of the time left, so that there is time to take it up again.
_SILENCE_PART = 2
MOST_REDIRECTS = 5
# How often a source's Retry-After is heeded in one delivery.
MOST_WAITS = 3

_PASSING: dict[int, Reason] = {
    202: "accepted",  # being prepared: Socrata's word for "ask again"
    408: "request_timeout",
    429: "throttled",
}
# Socrata's, while a load has not reached the replica that answers: what it lacks may be there.
# https://dev.socrata.com/docs/response-codes.html
_OUTDATED = "X-SODA2-Data-Out-Of-Date"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


def user_agent(contact: str) -> str:
    """Return how lakefill names itself to sources; some refuse a library's own name."""
    return f"lakefill/{__version__} (+{contact})"


class NotModifiedError(Exception):
    """The source still has the version that was asked about (304)."""


class Source:
    """Asks what the catalogue names, over one requests session.

    `now` (aware) and `pause` (seconds) are the clock, for Retry-After and between tries.
    """

    def __init__(
        self,
        session: requests.Session,
        contact: str,
        *,
        now: Callable[[], datetime],
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._session, self._now, self.pause = session, now, pause
        self._headers = {
            "User-Agent": user_agent(contact),
            "Accept": "*/*",
            # The bytes themselves, not a representation that would have to be undone.
            "Accept-Encoding": "identity",
        }

    def ask(self, url: str, headers: dict[str, str], deadline: Deadline) -> requests.Response:
        """Ask, and again when the source says when, and that leaves time enough.

        Gives the headers; the body is still to be read. Raises RetryError where there is no
        answer.
        """
        for _ in range(MOST_WAITS):
            response = self._ask_once(url, headers, deadline)
            wait = self._retry_after(response)
            if wait is None or wait > deadline.left() / 2:
                return response
            response.close()
            self.pause(wait)
        return self._ask_once(url, headers, deadline)

    def _retry_after(self, response: requests.Response) -> float | None:
        """Return how long the source asks to be left alone, in seconds (RFC 9110, 10.2.3)."""
        text = response.headers.get("Retry-After", "")[:40].strip()
        if response.status_code not in {429, 503} or not text:
            return None
        if text.isascii() and text.isdecimal():
            return float(text)
        try:
            until = parsedate_to_datetime(text)
        except (ValueError, OverflowError):
            return None
        until = until.replace(tzinfo=UTC) if until.tzinfo is None else until
        return max((until - self._now()).total_seconds(), 0)

    def _ask_once(
        self, url: str, headers: dict[str, str], deadline: Deadline
    ) -> requests.Response:
        try:
            return self._session.get(
                url,
                headers=self._headers | headers,
                stream=True,
                allow_redirects=False,
                timeout=(
                    deadline.left(CONNECT_SECONDS),
                    min(deadline.left() / _SILENCE_PART, SILENCE_SECONDS),
                ),
            )
        except requests.exceptions.ReadTimeout:
            raise RetryError("stalled", "the source did not answer in time") from None
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            what = f"the source cannot be reached: {type(error).__name__}"
            raise RetryError("network", what) from error


class Fetch:
    """One file to be fetched. One thread opens and reads it; any thread may abort that.

    With `known`, only another version than that is wanted; `max_bytes` is the feed's unless
    given.
    """

    def __init__(
        self,
        source: Source,
        feed: Feed,
        url: str,
        deadline: Deadline,
        known: Validators | None = None,
        max_bytes: int | None = None,
    ) -> None:
        self._source, self._feed, self._url = source, feed, url
        self._deadline, self._known = deadline, known
        self._max_bytes = feed.max_bytes if max_bytes is None else max_bytes
        self._waits_on: socket.socket | None = None
        self._download: Download | None = None
        self._aborted = threading.Event()

    @contextmanager
    def open(self) -> Iterator[Download]:
        """Ask, and give the body to read.

        A source that still has the known version raises NotModifiedError. Raises AbsentError,
        RejectedError or RetryError, as the answer means for the feed.
        """
        conditions = {} if self._known is None else self._known.headers()
        response, url = self._follow(conditions)
        with ExitStack() as parts:
            parts.callback(response.close)
            _judge(response, self._feed, conditional=bool(conditions))
            self._download = Download(
                response,
                max_bytes=self._max_bytes,
                decode=unwrapped if kind_of(self._feed) == "gzip" else unzipped,
                deadline=self._deadline,
                ask_again=partial(self._ask, url),
                pause=self._source.pause,
            )
            parts.callback(self._download.close)
            if self._aborted.is_set():  # before there was a download to abort
                self._download.abort()
            yield self._download

    def abort(self) -> None:
        """Wake the thread that waits for the source; asking or reading on raises."""
        self._aborted.set()
        if (waits_on := self._waits_on) is not None:
            with suppress(OSError):  # it is closed already
                waits_on.shutdown(socket.SHUT_RDWR)
        if self._download is not None:
            self._download.abort()

    def _follow(self, conditions: dict[str, str]) -> tuple[requests.Response, str]:
        """Return the answer that is no redirect, and the URL that gave it."""
        url = self._url
        for _ in range(MOST_REDIRECTS + 1):
            response = self._ask(url, conditions)
            if response.status_code not in _REDIRECTS:
                return response, url
            with closing(response):
                url = _redirect(url, response, self._feed)
        raise RejectedError("redirect", f"more than {MOST_REDIRECTS} redirects")

    def _ask(self, url: str, headers: dict[str, str]) -> requests.Response:
        try:
            with watched(self._wait_on):
                return self._source.ask(url, headers, self._deadline)
        finally:
            self._waits_on = None

    def _wait_on(self, waits_on: socket.socket) -> None:
        self._waits_on = waits_on
        if self._aborted.is_set():
            raise RetryError("deadline", "nobody waits for the source any more")


def _judge(response: requests.Response, feed: Feed, *, conditional: bool) -> None:
    """Return where the answer says that the body is the file; raise what it means otherwise."""
    status = response.status_code
    what = f"the source answered {status}"
    reason = _PASSING.get(status) or ("server_error" if status >= 500 else None)
    absent = status in feed.absent_statuses or status == 204
    if reason is not None and not absent:
        raise RetryError(reason, what, source_status=status)
    if response.headers.get(_OUTDATED, "").strip().lower() == "true":
        what += " and says that its data is out of date"
        raise RetryError("outdated", what, source_status=status)
    if status == 200:
        return
    if status == 304 and conditional:
        raise NotModifiedError
    if absent:
        raise AbsentError("absent", what, source_status=status)
    raise RejectedError("status", what, source_status=status)


def _redirect(url: str, response: requests.Response, feed: Feed) -> str:
    """Return where a redirect leads, if it may lead there."""
    location = response.headers.get("Location", "")
    try:
        target = urljoin(url, location)
        allowed = location and _allowed(urlsplit(url), urlsplit(target), feed.allowed_hosts)
    except ValueError:  # no URL at all
        allowed = False
    if not allowed:
        raise RejectedError(
            "redirect",
            f"the source redirects to {location[:200]!r}, which is not allowed; "
            "name the host in the feed's allowed_hosts if it should be",
            source_status=response.status_code,
        )
    return target


def _allowed(old: SplitResult, new: SplitResult, hosts: frozenset[str]) -> bool:
    upgrade = (old.scheme, new.scheme) == ("http", "https")
    if new.username is not None or not (upgrade or new.scheme == old.scheme):
        return False
    same = new.hostname == old.hostname and (upgrade or _port(new) == _port(old))
    return same or new.hostname in hosts


def _port(url: SplitResult) -> int:
    return url.port or (443 if url.scheme == "https" else 80)
