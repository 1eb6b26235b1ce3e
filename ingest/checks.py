"""Is this the file? What can be told of its content while it passes by. Pure."""

import csv
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ingest.calendar import Period
from ingest.containers import BrokenError, container
from ingest.errors import AbsentError, RejectedError
from ingest.feed import Feed

# A header longer than this is none.
_LONGEST_HEADER = 65536

# What is stored as it came may unzip to so many times the feed's max_bytes. Looking at more
# would only take time: a bomb of 2 GiB unzips to 2 TiB.
_MOST_UNZIPPED = 20

_HTML_STARTS = (b"<!doctype html", b"<html", b"<head", b"<body")
_HTML_TYPES = ("text/html", "application/xhtml+xml")


class Inspection:
    """Looks at a file's bytes in order, block by block; the first block holds the header.

    `watch` raises RejectedError as soon as it cannot be the file, and at the end AbsentError
    where it has too few rows to be one. Afterwards `bytes`, `sha256`
    (of the source's bytes, hex) and `rows` (lines less the header; None for what is stored
    compressed as it came) say what it was.
    """

    def __init__(self, feed: Feed, period: Period, content_type: str) -> None:
        self._feed, self._header = feed, feed.header_of(period)
        self._type = content_type.partition(";")[0].strip().lower()
        self._hash = hashlib.sha256()
        self._container = container(feed, _MOST_UNZIPPED * feed.max_bytes)
        self._lines = 0
        self._last_block = b""
        self.bytes = 0

    def watch(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """Yield the blocks on as they pass; ends only where the file is one."""
        for block in blocks:
            self._look(block)
            yield block
        self._finish()

    @property
    def sha256(self) -> str:
        """SHA-256 of the bytes so far, in hex."""
        return self._hash.hexdigest()

    @property
    def rows(self) -> int | None:
        """How many rows of data the lines so far are."""
        if self._feed.compress == "none":
            return None
        unended = bool(self._last_block) and not self._last_block.endswith(b"\n")
        return max(self._lines + unended - (self._header is not None), 0)

    def _look(self, block: bytes) -> None:
        if self.bytes == 0:
            self._look_at_start(block)
        self.bytes += len(block)
        self._hash.update(block)
        self._last_block = block
        if self._container is not None:
            with _rejecting():
                self._container.take(block)
        elif self._feed.compress == "gzip":
            self._lines += block.count(b"\n")

    def _look_at_start(self, block: bytes) -> None:
        start = block[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
        if start.startswith(_HTML_STARTS):
            raise RejectedError("html", "the source sent a web page instead of the file")
        if self._header is not None:
            _check_header(block, self._header)
        elif self._type in _HTML_TYPES:
            raise RejectedError("html", f"the source says that it sent {self._type}")

    def _finish(self) -> None:
        if self.bytes == 0:
            raise RejectedError("empty", "the source sent an empty file")
        if self.bytes < self._feed.checks.min_bytes:
            raise RejectedError(
                "small",
                f"the file has {self.bytes} bytes; the feed expects at least "
                f"{self._feed.checks.min_bytes}",
            )
        if self._container is not None:
            with _rejecting():
                self._container.finish()
        if self.rows is not None:
            self._check_rows(self.rows)

    def _check_rows(self, rows: int) -> None:
        limits = self._feed.rows
        if rows < limits.min:
            raise AbsentError(
                "few", f"{rows} rows arrived; a file of the feed has at least {limits.min}"
            )
        if limits.below is not None and rows >= limits.below:
            raise RejectedError(
                "limit",
                f"{rows} rows arrived: the answer is cut off at a limit, or the feed's "
                f"rows.below of {limits.below} is too low",
            )


@contextmanager
def _rejecting() -> Iterator[None]:
    """Reject the file where it turns out to be broken."""
    try:
        yield
    except BrokenError as error:
        raise RejectedError(error.kind, str(error)) from None


def _check_header(block: bytes, expected: tuple[str, ...]) -> None:
    first = block[: _LONGEST_HEADER + 1].partition(b"\n")[0]
    line = first.decode("utf-8-sig", "replace").strip()
    names: tuple[str, ...] = ()
    if len(first) <= _LONGEST_HEADER:
        with suppress(csv.Error):
            columns = next(csv.reader([line], skipinitialspace=True), [])
            names = tuple(name.strip() for name in columns)
    if names != expected:
        raise RejectedError(
            "header",
            f"the file begins with {line[:100]!r} instead of the header {','.join(expected)}",
        )
