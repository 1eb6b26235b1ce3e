"""What is stored of what was fetched: gzip of it, or the bytes as they are. Pure.

zlib-ng's level 5 writes the size of `gzip -6` at twice its speed (figures in
docs/performance.md). The output is deterministic: no name, no time, and input in blocks of one
size, since what zlib-ng writes depends on how its input is cut.
"""

from collections.abc import Generator, Iterator
from pathlib import PurePosixPath

from zlib_ng import zlib_ng

from ingest.feed import Feed

_LEVEL = 5
_GZIP_CONTAINER = 31  # window of 32 KiB, gzip header (its time 0) and trailer

_TYPES = {
    ".gz": "application/gzip",
    ".zip": "application/zip",
    ".parquet": "application/vnd.apache.parquet",
    ".bz2": "application/x-bzip2",
    ".xz": "application/x-xz",
    ".zst": "application/zstd",
}


def encode(feed: Feed, blocks: Iterator[bytes]) -> Generator[bytes, None, None]:
    """Yield what the feed stores of a file that arrives in equal blocks."""
    yield from blocks if feed.compress == "none" else _gzip(blocks)


def content_type(feed: Feed, object_name: str) -> str:
    """Return the media type that the feed's object is stored under."""
    if feed.compress == "gzip":
        return "application/gzip"
    return _TYPES.get(PurePosixPath(object_name).suffix, "application/octet-stream")


def _gzip(blocks: Iterator[bytes]) -> Iterator[bytes]:
    compressor = zlib_ng.compressobj(_LEVEL, wbits=_GZIP_CONTAINER)
    for block in blocks:
        # Not every block yields something: the compressor keeps what is too little to write.
        if output := compressor.compress(block):
            yield output
    yield compressor.flush()
