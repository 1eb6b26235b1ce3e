"""Bringing one object's content into the lake, so that it appears whole or not at all.

Up to `SMALL_BYTES` are kept in memory and sent as one multipart request, bytes and metadata
together. More goes, while it is being made, to an object below `_lakefill/staging/`; that is
checked, and then rewritten to its final name with its metadata in one step. So whatever becomes
of an upload that is left early, it never bears a final name.

(The client's `Blob.open("wb")` would be the obvious way to stage. But its writer finalises what
it has when it is garbage-collected before it was closed, and its `terminate` waits for up to
120 s; seen in google-cloud-storage 3.17.1. An upload that pulls from a stream does neither.)
"""

import base64
import io
import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import chain
from types import TracebackType
from typing import Self

import google_crc32c
from google.cloud.storage import Blob, Bucket
from google.cloud.storage.retry import DEFAULT_RETRY

from ingest.deadline import Deadline
from ingest.errors import RetryError
from ingest.feed import RESERVED_PREFIX
from ingest.storage import PreconditionError, patience, storage_trouble

SMALL_BYTES = 8 * 2**20
CHUNK_BYTES = 2 * 2**20
# One chunk's longest wait for an answer, and its longest retrying, in seconds; but no more than
# this part of what is left when staging begins, since they are fixed then.
CHUNK_SECONDS = 10.0
_CHUNK_PART = 5
# For one request that only tidies up, whatever is left of the deadline.
DISCARD_SECONDS = 10.0
STAGING_PREFIX = f"{RESERVED_PREFIX}staging/"


class Upload:
    """Content on its way into the lake: `receive` it, then `publish` it, or leave it.

    A context manager; leaving it without `publish` leaves nothing under a final name. All
    methods raise RetryError where Cloud Storage does not answer in time, or refuses.
    """

    def __init__(self, bucket: Bucket, deadline: Deadline) -> None:
        self._bucket, self._deadline = bucket, deadline
        self._pieces: list[bytes] = []
        """All the content, where it is small."""
        self._staged: Blob | None = None
        self._checksum = google_crc32c.Checksum()
        self.size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._staged is not None:
            # Whatever stands in the way: a lifecycle rule sweeps up.
            with suppress(Exception):
                self._staged.delete(
                    if_generation_match=self._staged.generation,
                    timeout=DISCARD_SECONDS,
                    retry=None,
                )

    @property
    def crc32c(self) -> str:
        """CRC32C of what was received, as Cloud Storage spells it."""
        return base64.b64encode(self._checksum.digest()).decode()

    def receive(self, content: Iterator[bytes]) -> None:
        """Take the whole content; pass on what it raises."""
        pieces = self._counted(content)
        for piece in pieces:
            self._pieces.append(piece)
            if self.size > SMALL_BYTES:
                self._stage(pieces)

    def publish(
        self, name: str, metadata: Mapping[str, str], *, content_type: str, generation: int
    ) -> None:
        """Make the content the object `name`, over the generation seen (0: none).

        Raises PreconditionError where another writer was faster.
        """
        blob = self._bucket.blob(name)
        blob.metadata = dict(metadata)
        blob.content_type = content_type
        if self._staged is None:
            content = b"".join(self._pieces)
            self._pieces.clear()
            with storage_trouble():
                blob.upload_from_string(
                    content,
                    content_type=content_type,
                    if_generation_match=generation,
                    **patience(self._deadline),
                )
            return
        token: str | None = ""
        while token is not None:
            with storage_trouble():
                token, _, _ = blob.rewrite(
                    self._staged,
                    token=token or None,
                    if_generation_match=generation,
                    if_source_generation_match=self._staged.generation,
                    **patience(self._deadline),
                )

    def _counted(self, content: Iterator[bytes]) -> Iterator[bytes]:
        for piece in content:
            self.size += len(piece)
            self._checksum.update(piece)
            yield piece

    def _stage(self, rest: Iterator[bytes]) -> None:
        """Send what there is and the rest to an object below the staging prefix."""
        begun = self._pieces
        self._pieces = []
        begun.reverse()  # let go of one by one: what is sent takes no memory
        seconds = min(self._deadline.left() / _CHUNK_PART, CHUNK_SECONDS)
        # A chunk begun before this has its tries and the last one's answer within the deadline.
        stream = _Stream(
            chain((begun.pop() for _ in range(len(begun))), rest),
            self._deadline.earlier(2 * seconds),
        )
        blob = self._bucket.blob(f"{STAGING_PREFIX}{uuid.uuid4()}", chunk_size=CHUNK_BYTES)
        try:
            with storage_trouble():
                blob.upload_from_file(
                    stream,
                    if_generation_match=0,
                    checksum=None,  # compared below, with what was received
                    timeout=seconds,
                    retry=DEFAULT_RETRY.with_timeout(seconds),
                )
        except PreconditionError:
            raise RetryError("storage", "somebody else wrote the staged object") from None
        except ValueError as error:  # of the client: Cloud Storage kept a part of a chunk alone
            if stream.broken:
                raise
            raise RetryError("storage", f"Cloud Storage: {error}") from error
        self._staged = blob
        if (blob.size, blob.crc32c) != (self.size, self.crc32c):
            raise RetryError("storage", "the staged object is not what was sent")


class _Stream(io.RawIOBase):
    """Pieces as a file that is read from its beginning to its end; `broken` if they were."""

    def __init__(self, pieces: Iterator[bytes], deadline: Deadline) -> None:
        self._pieces, self._deadline = pieces, deadline
        self._rest = b""
        self._position = 0
        self.broken = False

    def read(self, size: int) -> bytes:  # type: ignore[override]  # it is never asked for all
        """Return `size` bytes; fewer at the end alone."""
        self._deadline.left()
        parts, found = [self._rest], len(self._rest)
        while found < size and (piece := self._next()) is not None:
            parts.append(piece)
            found += len(piece)
        over = max(found - size, 0)
        last = parts.pop()
        parts.append(last[: len(last) - over])
        self._rest = last[len(last) - over :]
        self._position += found - over
        return b"".join(parts)

    def tell(self) -> int:
        """Return how many bytes were read."""
        return self._position

    def _next(self) -> bytes | None:
        try:
            return next(self._pieces, None)
        except BaseException:
            self.broken = True
            raise
