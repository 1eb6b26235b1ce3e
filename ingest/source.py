"""The source: one request, its redirects kept on a leash, its word to wait heeded."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from http.cookiejar import DefaultCookiePolicy
from urllib.parse import SplitResult, urljoin, urlsplit

import requests
import urllib3

from ingest import __version__
from ingest.deadline import Deadline
from ingest.download import Download, Validators
from ingest.errors import AbsentError, Reason, RejectedError, RetryError
from ingest.feed import Feed

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
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class NotModifiedError(Exception):
    """The source still has the version that was asked about (304)."""


class Source:
    """Fetches what the catalogue names, over one requests session.

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
        self._session, self._now, self._pause = session, now, pause
        self._headers = {
            "User-Agent": f"lakefill/{__version__} (+{contact})",
            "Accept": "*/*",
            # The bytes themselves, not a representation that would have to be undone.
            "Accept-Encoding": "identity",
        }

    @contextmanager
    def open(
        self, feed: Feed, url: str, deadline: Deadline, known: Validators | None = None
    ) -> Iterator[Download]:
        """Ask for `url`, and give its body to read.

        With `known`, a source that still has that version raises NotModifiedError. Raises
        AbsentError, RejectedError or RetryError, as the answer means for `feed`.
        """
        conditions = {} if known is None else known.headers()
        response, url = self._follow(feed, url, deadline, conditions)
        with ExitStack() as parts:
            parts.callback(response.close)
            _judge(response.status_code, feed, conditional=bool(conditions))
            download = Download(
                response,
                max_bytes=feed.max_bytes,
                decode=feed.compress == "gzip",
                deadline=deadline,
                ask_again=partial(self._get, url, deadline),
                pause=self._pause,
            )
            parts.callback(download.close)
            yield download

    def _follow(
        self, feed: Feed, url: str, deadline: Deadline, conditions: dict[str, str]
    ) -> tuple[requests.Response, str]:
        """Return the answer that is no redirect, and the URL that gave it."""
        for _ in range(MOST_REDIRECTS + 1):
            response = self._get_in_time(url, deadline, conditions)
            if response.status_code not in _REDIRECTS:
                return response, url
            with closing(response):
                url = _redirect(url, response, feed)
        raise RejectedError("redirect", f"more than {MOST_REDIRECTS} redirects")

    def _get_in_time(
        self, url: str, deadline: Deadline, conditions: dict[str, str]
    ) -> requests.Response:
        """Ask, and once more when the source says when, and that leaves time enough."""
        for _ in range(MOST_WAITS):
            response = self._get(url, deadline, conditions)
            wait = self._retry_after(response)
            if wait is None or wait > deadline.left() / 2:
                return response
            response.close()
            self._pause(wait)
        return self._get(url, deadline, conditions)

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

    def _get(self, url: str, deadline: Deadline, headers: dict[str, str]) -> requests.Response:
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


class _PlainSession(requests.Session):
    """A session that does what it is asked and nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False  # no proxies, no credentials from ~/.netrc
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Find no redirect anywhere.

        Even when told not to follow one, requests would read its whole body into memory, and
        raise ValueError for a Location that is no URL (seen in 2.34).
        """


def new_session() -> requests.Session:
    """Return the session that a Source uses."""
    return _PlainSession()


def _judge(status: int, feed: Feed, *, conditional: bool) -> None:
    """Return where the status says that the body is the file; raise what it means otherwise."""
    what = f"the source answered {status}"
    if status == 200:
        return
    if status == 304 and conditional:
        raise NotModifiedError
    if status in feed.absent_statuses or status == 204:
        raise AbsentError("absent", what, source_status=status)
    reason = _PASSING.get(status) or ("server_error" if status >= 500 else None)
    if reason is not None:
        raise RetryError(reason, what, source_status=status)
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
