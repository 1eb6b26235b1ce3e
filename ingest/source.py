"""The source: one GET, its redirects kept on a leash, its body read in fixed blocks."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from urllib.parse import SplitResult, urljoin, urlsplit

import requests
import urllib3

from ingest import __version__
from ingest.deadline import Deadline
from ingest.errors import AbsentError, Reason, RejectedError, RetryError
from ingest.feed import Feed

# The compressor is fed in blocks of this size: what it writes depends on how its input is cut.
BLOCK_BYTES = 2**20

CONNECT_SECONDS = 10.0
# Longest silence of the source. One portal takes 55 s for a large aggregate (data.ny.gov).
SILENCE_SECONDS = 60.0
MOST_REDIRECTS = 5

_PASSING: dict[int, Reason] = {
    202: "accepted",  # being prepared: Socrata's word for "ask again"
    408: "request_timeout",
    429: "throttled",
}
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Validators:
    """What a source gave to tell its versions apart, verbatim."""

    etag: str | None = None
    last_modified: str | None = None

    def headers(self) -> dict[str, str]:
        """Return the request headers that ask for another version only (RFC 9110, 13.1)."""
        conditions = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in conditions.items() if value}


class NotModifiedError(Exception):
    """The source still has the version that was asked about (304)."""


class Download:
    """A response whose body is still to be read.

    `length` is its Content-Length in bytes, where that counts; `provable` says whether the
    end of the body can be told from a connection that broke.
    """

    def __init__(self, response: requests.Response, max_bytes: int) -> None:
        self._raw: urllib3.HTTPResponse = response.raw
        self._max_bytes = max_bytes
        headers = response.headers
        chunked = "chunked" in headers.get("Transfer-Encoding", "").lower()
        length = headers.get("Content-Length", "").strip()
        self.status = response.status_code
        self.length = int(length) if length.isdecimal() and not chunked else None
        self.provable = chunked or self.length is not None
        self.content_type = headers.get("Content-Type", "")
        self.validators = Validators(headers.get("ETag"), headers.get("Last-Modified"))
        if self.length is not None and self.length > max_bytes:
            raise self._too_large(f"announces {self.length} bytes")
        if headers.get("Content-Encoding", "identity").strip().lower() != "identity":
            raise RejectedError(
                "encoding",
                f"the source sent Content-Encoding {headers['Content-Encoding']!r} unasked",
                source_status=self.status,
            )

    def blocks(self) -> Iterator[bytes]:
        """Yield the body in blocks of BLOCK_BYTES, the last one shorter.

        Raises RetryError where it is cut off or stalls, RejectedError past `max_bytes`.
        """
        pieces: list[bytes] = []
        filled = total = 0
        while piece := self._read(BLOCK_BYTES - filled):
            pieces.append(piece)
            filled += len(piece)
            total += len(piece)
            if total > self._max_bytes:
                raise self._too_large("goes on")
            if filled == BLOCK_BYTES:
                yield b"".join(pieces)
                pieces, filled = [], 0
        if self.length is not None and total != self.length:
            raise self._cut(f"{total} of {self.length} bytes arrived")
        if pieces:
            yield b"".join(pieces)

    def abort(self) -> None:
        """Wake a thread that waits for the body; reading on raises."""
        with suppress(ValueError, OSError):  # the body is read already
            self._raw.shutdown()

    def _read(self, most: int) -> bytes:
        try:
            return self._raw.read1(most)
        except urllib3.exceptions.ReadTimeoutError:
            raise RetryError(
                "stalled",
                f"the source sent nothing for {SILENCE_SECONDS:.0f} s",
                source_status=self.status,
            ) from None
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self._cut(type(error).__name__) from error

    def _cut(self, how: str) -> RetryError:
        return RetryError("cut", f"the body broke off: {how}", source_status=self.status)

    def _too_large(self, how: str) -> RejectedError:
        return RejectedError(
            "large",
            f"the source {how}, beyond the feed's max_bytes of {self._max_bytes}",
            source_status=self.status,
        )


class Source:
    """Fetches what the catalogue names, over one requests session."""

    def __init__(self, session: requests.Session, contact: str) -> None:
        self._session = session
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
        with self._answer(feed, url, deadline, known or Validators()) as response:
            yield Download(response, feed.max_bytes)

    @contextmanager
    def _answer(
        self, feed: Feed, url: str, deadline: Deadline, known: Validators
    ) -> Iterator[requests.Response]:
        for _ in range(MOST_REDIRECTS + 1):
            with self._get(url, deadline, known) as response:
                if response.status_code not in _REDIRECTS:
                    _judge(response.status_code, feed, conditional=bool(known.headers()))
                    yield response
                    return
                url = _redirect(url, response, feed)
        raise RejectedError("redirect", f"more than {MOST_REDIRECTS} redirects")

    def _get(self, url: str, deadline: Deadline, known: Validators) -> requests.Response:
        try:
            return self._session.get(
                url,
                headers=self._headers | known.headers(),
                stream=True,
                allow_redirects=False,
                timeout=(deadline.left(CONNECT_SECONDS), deadline.left(SILENCE_SECONDS)),
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
    same = new.hostname == old.hostname and (upgrade or new.port == old.port)
    return same or new.hostname in hosts
