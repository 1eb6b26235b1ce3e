"""Reading stored objects back: is each what its name and its metadata say.

Objects are read back whole, in bounded memory, and nothing that the lake says of itself is
believed: the bytes are hashed, unzipped and counted here.
"""

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import google_crc32c
from google.api_core.exceptions import GoogleAPIError
from google.cloud.storage import Blob, Bucket

from ingest.calendar import Period
from ingest.feed import Feed
from ingest.gunzip import NotGzipError, unzipped

_THREADS = 2
_PIECE_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class Verified:
    """One object that was read back; `problems` says what differs, and is empty if nothing."""

    period: str
    name: str
    stored_bytes: int
    problems: tuple[str, ...]


def stored_objects(
    bucket: Bucket, feed: Feed, periods: Iterable[Period]
) -> list[tuple[Period, Blob]]:
    """Return the objects of these periods that are stored, oldest first."""
    names = {feed.object_name(period): period for period in periods}
    found = [b for b in bucket.list_blobs(prefix=feed.object.prefix) if b.name in names]
    return sorted(((names[b.name], b) for b in found), key=lambda pair: pair[0])


def verify_all(feed: Feed, objects: Iterable[tuple[Period, Blob]]) -> Iterator[Verified]:
    """Read objects back, a few at once, and yield what was found, in the same order."""
    pool = ThreadPoolExecutor(_THREADS, "verify")
    try:
        yield from pool.map(lambda pair: verify(feed, *pair), objects)
    finally:
        pool.shutdown(cancel_futures=True)


def verify(feed: Feed, period: Period, blob: Blob) -> Verified:
    """Read one object back, which should hold `period` of `feed`."""
    content = _Content()
    try:
        if feed.compress == "gzip":
            for piece in unzipped(content.stored(blob)):
                content.take(piece)
        else:
            for piece in content.stored(blob):
                content.take(piece)
    except NotGzipError as error:
        content.problems.append(str(error))
    except (GoogleAPIError, OSError) as error:
        content.problems.append(f"it cannot be read: {type(error).__name__}")
    if not content.problems:
        content.problems += _differences(content, feed, period, blob)
    return Verified(period.key, blob.name, content.stored_bytes, tuple(content.problems))


@dataclass(slots=True)
class _Content:
    """What is counted while an object's bytes pass by."""

    stored_bytes: int = 0
    source_bytes: int = 0
    lines: int = 0
    last: bytes = b""
    crc32c: google_crc32c.Checksum = field(default_factory=google_crc32c.Checksum)
    sha256: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    problems: list[str] = field(default_factory=list)

    def stored(self, blob: Blob) -> Iterator[bytes]:
        """Yield the object's bytes as they are stored."""
        with blob.open("rb", chunk_size=_PIECE_BYTES, raw_download=True) as file:
            while piece := file.read(_PIECE_BYTES):
                self.stored_bytes += len(piece)
                self.crc32c.update(piece)
                yield piece

    def take(self, piece: bytes) -> None:
        """Take the next bytes of what the source sent."""
        self.source_bytes += len(piece)
        self.sha256.update(piece)
        self.lines += piece.count(b"\n")
        self.last = piece[-1:] or self.last

    def rows(self, *, header: bool) -> int:
        """Return the rows of data, as the worker counts them."""
        unended = bool(self.last) and self.last != b"\n"
        return max(self.lines + unended - header, 0)


def _differences(content: _Content, feed: Feed, period: Period, blob: Blob) -> Iterator[str]:
    metadata: Mapping[str, str] = blob.metadata or {}
    if content.stored_bytes != blob.size:
        yield f"{content.stored_bytes} bytes came, the lake says {blob.size}"
    checksum = base64.b64encode(content.crc32c.digest()).decode()
    if checksum != blob.crc32c:
        yield f"its bytes have crc32c {checksum}, the lake says {blob.crc32c}"
    expected = {
        "lakefill-feed": feed.name,
        "lakefill-period": period.key,
        "lakefill-sha256": content.sha256.hexdigest(),
        "lakefill-source-bytes": str(content.source_bytes),
    }
    if feed.compress == "gzip":
        header = feed.header_of(period) is not None
        expected["lakefill-rows"] = str(content.rows(header=header))
    for key, value in expected.items():
        if metadata.get(key) != value:
            yield f"{key} is {metadata.get(key)}, but the object has {value}"
