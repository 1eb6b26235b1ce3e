"""Bringing one object's content into the lake, so that it appears whole or not at all.

Up to `SMALL_BYTES` are kept in memory and sent as one multipart request, bytes and metadata
together. More goes, while it is being made, to an object below `_lakefill/staging/`; that is
checked, and then rewritten to its final name with its metadata in one step. So whatever the
client library does with an upload that is left early (BlobWriter finalises what it has when it
is closed by garbage collection; seen in google-cloud-storage 3.17.1), it never bears a final
name.
"""

import base64
import uuid
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Self

import google_crc32c
from google.cloud import storage
from google.cloud.storage.retry import DEFAULT_RETRY

from ingest.deadline import Deadline
from ingest.errors import RetryError
from ingest.feed import RESERVED_PREFIX
from ingest.lake import ANSWER_SECONDS, PreconditionError, patience, storage_trouble

SMALL_BYTES = 8 * 2**20
CHUNK_BYTES = 4 * 2**20
STAGING_PREFIX = f"{RESERVED_PREFIX}staging/"


class Upload:
    """Content on its way into the lake: `write` it, then `publish` it, or leave it.

    A context manager; leaving it without `publish` leaves nothing under a final name. All
    methods raise RetryError where Cloud Storage does not answer in time, or refuses.
    """

    def __init__(self, bucket: storage.Bucket, deadline: Deadline) -> None:
        self._bucket, self._deadline = bucket, deadline
        self._buffer = bytearray()
        self._writer: storage.fileio.BlobWriter | None = None
        self._staged: storage.Blob | None = None
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
        self._buffer.clear()
        if self._writer is not None and not self._writer.closed:
            # Whatever stands in the way of cancelling: sessions and staged objects expire.
            with suppress(Exception):
                self._writer.terminate()
        if self._staged is not None:
            with suppress(RetryError, PreconditionError), storage_trouble():
                self._staged.delete(**patience(self._deadline))

    @property
    def crc32c(self) -> str:
        """CRC32C of what was written, as Cloud Storage spells it."""
        return base64.b64encode(self._checksum.digest()).decode()

    @property
    def staged(self) -> bool:
        """Whether the content was too large to be sent at once."""
        return self._writer is not None

    def write(self, data: bytes) -> None:
        """Take the next piece of the content."""
        self.size += len(data)
        self._checksum.update(data)
        if self._writer is not None:
            self._send(data)
            return
        self._buffer += data
        if len(self._buffer) > SMALL_BYTES:
            blob = self._bucket.blob(f"{STAGING_PREFIX}{uuid.uuid4()}")
            # One chunk's retries are bounded more tightly than a call's: there are many.
            self._writer = blob.open(
                "wb",
                chunk_size=CHUNK_BYTES,
                if_generation_match=0,
                timeout=self._deadline.left(ANSWER_SECONDS),
                retry=DEFAULT_RETRY.with_timeout(self._deadline.left(ANSWER_SECONDS)),
            )
            self._staged = blob
            self._send(bytes(self._buffer))
            self._buffer.clear()

    def publish(
        self, name: str, metadata: Mapping[str, str], *, content_type: str, generation: int
    ) -> None:
        """Make the content the object `name`, over the generation seen (0: none).

        Raises PreconditionError where another writer was faster.
        """
        blob = self._bucket.blob(name)
        blob.metadata = dict(metadata)
        blob.content_type = content_type
        if self._writer is None:
            with storage_trouble():
                blob.upload_from_string(
                    bytes(self._buffer),
                    content_type=content_type,
                    if_generation_match=generation,
                    **patience(self._deadline),
                )
            return
        staged = self._finish_staging()
        token: str | None = None
        while True:
            with storage_trouble():
                token, _, _ = blob.rewrite(
                    staged,
                    token=token,
                    if_generation_match=generation,
                    if_source_generation_match=staged.generation,
                    **patience(self._deadline),
                )
            if token is None:
                return

    def _send(self, data: bytes) -> None:
        self._deadline.left()
        assert self._writer is not None
        try:
            with storage_trouble():
                self._writer.write(data)
        except PreconditionError:
            raise RetryError("storage", "the staged object was written by another") from None

    def _finish_staging(self) -> storage.Blob:
        assert self._writer is not None
        assert self._staged is not None
        with storage_trouble():
            self._writer.close()
            self._staged.reload(**patience(self._deadline))
        if (self._staged.size, self._staged.crc32c) != (self.size, self.crc32c):
            raise RetryError("storage", "the staged object is not what was sent")
        return self._staged
