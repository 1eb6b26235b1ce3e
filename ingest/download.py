"""A body on its way: read in fixed blocks, taken up again where it broke off."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

import requests
import urllib3

from ingest.deadline import Deadline
from ingest.errors import RejectedError, RetryError, StartOverError
from ingest.gunzip import NotGzipError, unzipped

# The compressor is fed in blocks of this size: what it writes depends on how its input is cut.
BLOCK_BYTES = 2**20
# How often one body is taken up again, and the first pause before that, which doubles.
MOST_RESUMES = 5
FIRST_PAUSE_SECONDS = 0.25

_CONTENT_RANGE = re.compile(r"bytes ([0-9]+)-([0-9]+)/([0-9]+)")
_PASSING = frozenset({408, 429})


@dataclass(frozen=True, slots=True)
class Validators:
    """What a source gave to tell its versions apart, verbatim."""

    etag: str | None = None
    last_modified: str | None = None

    @classmethod
    def of(cls, response: requests.Response) -> "Validators":
        """Return those of a response."""
        return cls(response.headers.get("ETag"), response.headers.get("Last-Modified"))

    def headers(self) -> dict[str, str]:
        """Return the request headers that ask for another version only (RFC 9110, 13.1)."""
        conditions = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in conditions.items() if value}

    def agree(self, other: "Validators") -> bool:
        """Tell whether `other`, of a part, speaks of the same version as far as it says."""
        if other.etag is not None:
            return other.etag == self.etag
        return other.last_modified in {None, self.last_modified}

    def strong(self) -> str | None:
        """Return the one by which a range can be asked for safely (RFC 9110, 13.1.5)."""
        if self.etag is None:
            return self.last_modified
        return None if self.etag.startswith("W/") else self.etag


class Download:
    """A response whose body is still to be read.

    `length` is its Content-Length in bytes, where that counts; `provable` says whether the
    end of the body can be told from a connection that broke; `resumed` counts the bytes that
    came after it was taken up again. `ask_again` asks for the same with more headers.
    """

    def __init__(
        self,
        response: requests.Response,
        *,
        max_bytes: int,
        decode: bool,
        deadline: Deadline,
        ask_again: Callable[[dict[str, str]], requests.Response],
        pause: Callable[[float], None],
    ) -> None:
        self._response, self._max_bytes = response, max_bytes
        self._deadline, self._ask_again, self._pause = deadline, ask_again, pause
        headers = response.headers
        transfer = headers.get("Transfer-Encoding", "").strip().lower()
        if transfer not in {"", "chunked", "identity"}:  # http.client undoes these alone
            raise RejectedError(
                "encoding", f"the source sent Transfer-Encoding {transfer[:40]!r}"
            )
        chunked = transfer == "chunked"
        length = headers.get("Content-Length", "").strip()
        self.status = response.status_code
        told = bool(re.fullmatch("[0-9]{1,18}", length)) and not chunked
        self.length = int(length) if told else None
        self.provable = chunked or told
        self.content_type = headers.get("Content-Type", "")
        self.validators = Validators.of(response)
        self.resumed = 0
        self._encoding = headers.get("Content-Encoding")
        self._received = self._resumes = 0
        self._aborted = threading.Event()
        self._unzip = decode and self._is_encoded()
        if self.length is not None and self.length > max_bytes:
            raise self._too_large(f"announces {self.length} bytes")

    def blocks(self) -> Iterator[bytes]:
        """Yield the body in blocks of BLOCK_BYTES, the last one shorter.

        Raises RetryError where it breaks off or stalls for good (StartOverError where only a
        new start can help), RejectedError past `max_bytes`.
        """
        pieces = self._pieces()
        if not self._unzip:
            yield from _in_blocks(self._bounded(pieces))
            return
        try:
            yield from _in_blocks(self._bounded(unzipped(pieces)))
        except NotGzipError as error:
            if not self.provable:  # it may have been cut
                raise self._cut(str(error)) from None
            what = f"the source says that it sent gzip, but {error}"
            raise RejectedError("encoding", what, source_status=self.status) from None

    def abort(self) -> None:
        """Wake a thread that waits for the body; reading on raises."""
        self._aborted.set()
        with suppress(ValueError, RuntimeError, OSError):  # the body is read already
            self._raw.shutdown()

    def close(self) -> None:
        """Give the connection back."""
        self._response.close()

    @property
    def _raw(self) -> urllib3.HTTPResponse:
        raw: urllib3.HTTPResponse = self._response.raw
        return raw

    def _is_encoded(self) -> bool:
        """Tell whether the body is gzip of the file, although that was not asked for."""
        encoding = self._response.headers.get("Content-Encoding", "identity").strip().lower()
        if encoding not in {"identity", "gzip", "x-gzip"}:
            raise RejectedError(
                "encoding",
                f"the source sent Content-Encoding {encoding[:40]!r} unasked",
                source_status=self.status,
            )
        return encoding != "identity"

    def _bounded(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        total = 0
        for piece in pieces:
            total += len(piece)
            if total > self._max_bytes:
                raise self._too_large("goes on")
            yield piece

    def _pieces(self) -> Iterator[bytes]:
        """Yield the body as it comes, to its end."""
        while True:
            try:
                # Never past a block's end, so that most blocks need not be cut.
                while piece := self._read(BLOCK_BYTES - self._received % BLOCK_BYTES):
                    self._received += len(piece)
                    self.resumed += len(piece) if self._resumes else 0
                    yield piece
                if self.length is None or self._received == self.length:
                    return
                raise self._cut(f"{self._received} of {self.length} bytes arrived")
            except RetryError as error:
                self._resume(error)

    def _read(self, most: int) -> bytes:
        try:
            return self._raw.read1(most)
        except urllib3.exceptions.ReadTimeoutError:
            raise RetryError(
                "stalled", "the source fell silent", source_status=self.status
            ) from None
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self._cut(type(error).__name__) from error

    def _resume(self, error: RetryError) -> None:
        """Go on where the body broke off with `error`; raise that where it cannot be."""
        validator = self.validators.strong()
        if self._received == 0 or validator is None:
            raise StartOverError(error)
        conditions = {"Range": f"bytes={self._received}-", "If-Range": validator}
        while self._resumes < MOST_RESUMES and not self._aborted.is_set():
            self._pause(self._deadline.left(FIRST_PAUSE_SECONDS * 2**self._resumes))
            self._resumes += 1
            self._response.close()
            try:
                self._response = self._ask_again(conditions)
            except RetryError:
                continue
            if (
                self._aborted.is_set()
            ):  # while it was asked: nothing else would end the new body
                break
            status = self._response.status_code
            if self._continues():
                return
            if status < 500 and status not in _PASSING:
                raise StartOverError(error)
        raise error

    def _continues(self) -> bool:
        """Tell whether the response holds the rest of the same version, to its end."""
        headers = self._response.headers
        match = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", ""))
        if self._response.status_code != 206 or match is None:
            return False
        if headers.get("Content-Encoding") != self._encoding:
            return False
        first, last, size = (int(number[:18]) for number in match.groups())
        if (
            not self.validators.agree(Validators.of(self._response))
            or first != self._received
            or last + 1 != size
        ):
            return False
        if self.length is None:
            self.length = size
        return size == self.length

    def _cut(self, how: str) -> RetryError:
        return RetryError("cut", f"the body broke off: {how}", source_status=self.status)

    def _too_large(self, how: str) -> RejectedError:
        return RejectedError(
            "large",
            f"the source {how}, beyond the feed's max_bytes of {self._max_bytes}",
            source_status=self.status,
        )


def _in_blocks(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the same bytes in blocks of BLOCK_BYTES, the last one shorter."""
    parts: list[bytes] = []
    filled = 0
    for piece in pieces:
        rest = piece
        while filled + len(rest) >= BLOCK_BYTES:
            cut = BLOCK_BYTES - filled
            yield b"".join([*parts, rest[:cut]])
            rest, parts, filled = rest[cut:], [], 0
        if rest:
            parts.append(rest)
            filled += len(rest)
    if parts:
        yield b"".join(parts)
