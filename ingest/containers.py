"""Files that are stored as they are: is this a whole one of its kind? Pure.

Each kind is told by the object's name. It takes the blocks as they pass and keeps a bounded
part of them.
"""

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Literal, Protocol

from ingest.feed import Feed
from ingest.gunzip import Gunzip, NotGzipError
from ingest.zips import NotZipError, check_end

Kind = Literal["gzip", "zip", "parquet"]

_KINDS: dict[str, Kind] = {".gz": "gzip", ".zip": "zip", ".parquet": "parquet"}

# What a zip archive's end may need: a comment of 64 KiB, and before it the directory of some
# ten thousand entries. A longer directory is looked at by its end alone.
_TAIL_BYTES = 2**20


class BrokenError(ValueError):
    """The bytes are no whole file of their kind, whose name is the reason."""

    def __init__(self, kind: Kind | Literal["large"], message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Container(Protocol):
    """Takes a file's blocks in order, then its end; raises BrokenError."""

    def take(self, block: bytes) -> None:
        """Take the next block; none is empty."""

    def finish(self) -> None:
        """Take the end."""


def kind_of(feed: Feed) -> Kind | None:
    """Return what the feed's files are, where they are stored as they are and verified."""
    if feed.compress != "none":
        return None
    name = feed.object_name(feed.calendar.named(feed.calendar.first))
    return _KINDS.get(PurePosixPath(name).suffix)


def container(feed: Feed, most_unzipped: int) -> Container | None:
    """Return what verifies a file of the feed; gzip may unzip to so many bytes."""
    match kind_of(feed):
        case "gzip":
            return _Gzip(most_unzipped)
        case "zip":
            return _Zip()
        case "parquet":
            return _Parquet()
        case None:
            return None


class _Gzip:
    """Every member's CRC and length, and not a bomb."""

    def __init__(self, most_unzipped: int) -> None:
        self._gunzip, self._most, self._unzipped = Gunzip(), most_unzipped, 0

    def take(self, block: bytes) -> None:
        self._unzip(self._gunzip.feed(block))

    def finish(self) -> None:
        self._unzip(self._gunzip.finish())

    def _unzip(self, pieces: Iterator[bytes]) -> None:
        try:
            for piece in pieces:
                self._unzipped += len(piece)
                if self._unzipped > self._most:
                    raise BrokenError(
                        "large", f"the file unzips to more than {self._most} bytes"
                    )
        except NotGzipError as error:
            raise BrokenError("gzip", str(error)) from None


class _Ends:
    """A file's first bytes and its last ones."""

    def __init__(self, start_bytes: int, tail_bytes: int) -> None:
        self._start_bytes, self._tail_bytes = start_bytes, tail_bytes
        self.start = b""
        self._last: list[bytes] = []
        self.size = 0

    def take(self, block: bytes) -> None:
        """Take the next block; it is kept, not copied, while it may belong to the tail."""
        if self.size < self._start_bytes:
            self.start += block[: self._start_bytes - self.size]
        self.size += len(block)
        self._last.append(block)
        while sum(map(len, self._last[1:])) >= self._tail_bytes:
            del self._last[0]

    @property
    def tail(self) -> bytes:
        """The last bytes, as many as are wanted and there are."""
        return b"".join(self._last)[-self._tail_bytes :]


class _Zip:
    """The end record, and the entries that it speaks of."""

    def __init__(self) -> None:
        self._ends = _Ends(4, _TAIL_BYTES)

    def take(self, block: bytes) -> None:
        self._ends.take(block)
        if len(self._ends.start) == 4 and self._ends.start not in _ZIP_STARTS:
            raise BrokenError(
                "zip", f"the file begins with {self._ends.start!r}, as no zip does"
            )

    def finish(self) -> None:
        try:
            check_end(self._ends.tail, self._ends.size)
        except NotZipError as error:
            raise BrokenError("zip", str(error)) from None


# An entry, or the end of an archive that has none.
# https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3
_ZIP_STARTS = (b"PK\3\4", b"PK\5\6")


class _Parquet:
    """The magic bytes at both ends, and a footer that fits between them.

    https://parquet.apache.org/docs/file-format/
    """

    _MAGIC = b"PAR1"
    _END = 8  # the footer's length and the magic

    def __init__(self) -> None:
        self._ends = _Ends(len(self._MAGIC), self._END)

    def take(self, block: bytes) -> None:
        self._ends.take(block)
        if len(self._ends.start) == len(self._MAGIC) and self._ends.start != self._MAGIC:
            raise self._broken(f"it begins with {self._ends.start!r}")

    def finish(self) -> None:
        tail, size = self._ends.tail, self._ends.size
        if size < len(self._MAGIC) + self._END or tail[4:] != self._MAGIC:
            raise self._broken(f"it ends with {tail[4:]!r}")
        footer = int.from_bytes(tail[:4], "little")
        if not 0 < footer <= size - len(self._MAGIC) - self._END:
            raise self._broken(f"its footer would have {footer} of its {size} bytes")

    def _broken(self, how: str) -> BrokenError:
        return BrokenError("parquet", f"the file is not a whole parquet file: {how}")
