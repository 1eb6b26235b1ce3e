"""Unzipping a stream in bounded memory, and noticing where it is not sound gzip."""

from collections.abc import Iterator
from itertools import chain

from zlib_ng import zlib_ng

# Pieces come out in at most this size, so that a bomb takes no memory.
_PIECE_BYTES = 2**20
_MAGIC = b"\x1f\x8b"
# In so many bytes of gzip data its first two bytes come out, if any ever do.
_LONGEST_START = 2**20


class NotGzipError(ValueError):
    """The bytes are not gzip, or end in the middle of it."""


class Gunzip:
    """Unzips gzip data of any number of members, checking each one's CRC and length."""

    def __init__(self) -> None:
        self._member = zlib_ng.decompressobj(wbits=31)
        self._between = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what the next bytes unzip to; raise NotGzipError where they do not."""
        rest = data
        while rest:
            if self._between:
                # Zeros after a member are padding (gzip(1) accepts them).
                rest = rest.lstrip(b"\0")
                if not rest:
                    return
                self._member = zlib_ng.decompressobj(wbits=31)
            yield self._unzip(rest)
            rest = self._member.unused_data if self._between else self._member.unconsumed_tail

    def finish(self) -> Iterator[bytes]:
        """Yield what was held back; raise NotGzipError where the data must go on."""
        while not self._between and (piece := self._unzip(b"")):
            yield piece
        if not self._between:
            raise NotGzipError("the file ends in the middle of its gzip data")

    def _unzip(self, data: bytes) -> bytes:
        try:
            piece = self._member.decompress(data, _PIECE_BYTES)
        except zlib_ng.error as error:  # type: ignore[misc]  # a class; its stub errs
            raise NotGzipError(f"the file is not sound gzip: {error}") from None
        self._between = self._member.eof
        return piece


def unzipped(data: Iterator[bytes]) -> Iterator[bytes]:
    """Yield what gzip data unzips to; raise NotGzipError where it is not sound or whole."""
    gunzip = Gunzip()
    for piece in data:
        yield from gunzip.feed(piece)
    yield from gunzip.finish()


def unwrapped(data: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the gzip file that arrives under the Content-Encoding gzip.

    By HTTP's rules that is what the data unzip to. But web servers say it of .gz files as they
    are, too (Apache httpd by its AddEncoding): where no gzip comes out, the data are the file.
    Raises NotGzipError where they are none.
    """
    gunzip = Gunzip()
    held, size, start = [], 0, b""
    for piece in data:
        held.append(piece)
        size += len(piece)
        for out in gunzip.feed(piece):
            start += out[: len(_MAGIC)]
            if len(start) >= len(_MAGIC):
                break
        if len(start) >= len(_MAGIC) or size > _LONGEST_START:
            break
    whole = chain(held, data)
    yield from unzipped(whole) if start.startswith(_MAGIC) else whole
