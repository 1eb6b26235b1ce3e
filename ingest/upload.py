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
from google.cloud.storage import Blob, Bucket
from google.cloud.storage.retry import DEFAULT_RETRY

from ingest.deadline import Deadline
from ingest.errors import RetryError
from ingest.feed import RESERVED_PREFIX
from ingest.lake import ANSWER_SECONDS, patience, storage_trouble

SMALL_BYTES = 8 * 2**20
# For one request that only tidies up, whatever is left of the deadline.
DISCARD_SECONDS = 10.0
CHUNK_BYTES = 2 * 2**20
STAGING_PREFIX = f"{RESERVED_PREFIX}staging/"


class Upload:
    """Content on its way into the lake: `write` it, then `publish` it, or leave it.

    A context manager; leaving it without `publish` leaves nothing under a final name. All
    methods raise RetryError where Cloud Storage does not answer in time, or refuses.
    """

    def __init__(self, bucket: Bucket, deadline: Deadline) -> None:
        self._bucket, self._deadline = bucket, deadline
        self._pieces: list[bytes] = []
        """All that was written, as long as it is small."""
        self._staging: _Staging | None = None
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
        if self._staging is not None:
            self._staging.discard()

    @property
    def crc32c(self) -> str:
        """CRC32C of what was written, as Cloud Storage spells it."""
        return base64.b64encode(self._checksum.digest()).decode()

    def write(self, data: bytes) -> None:
        """Take the next piece of the content."""
        self.size += len(data)
        self._checksum.update(data)
        self._pieces.append(data)
        if self._staging is None and self.size > SMALL_BYTES:
            self._staging = _Staging(self._bucket, self._deadline)
        if self._staging is not None:
            self._pieces.reverse()
            while self._pieces:  # let go of one by one: what is sent takes no memory
                self._staging.write(self._pieces.pop(), self._deadline)

    def publish(
        self, name: str, metadata: Mapping[str, str], *, content_type: str, generation: int
    ) -> None:
        """Make the content the object `name`, over the generation seen (0: none).

        Raises PreconditionError where another writer was faster.
        """
        blob = self._bucket.blob(name)
        blob.metadata = dict(metadata)
        blob.content_type = content_type
        if self._staging is None:
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
        staged = self._staging.finish(self._deadline)
        if (staged.size, staged.crc32c) != (self.size, self.crc32c):
            raise RetryError("storage", "the staged object is not what was sent")
        token: str | None = ""
        while token is not None:
            with storage_trouble():
                token, _, _ = blob.rewrite(
                    staged,
                    token=token or None,
                    if_generation_match=generation,
                    if_source_generation_match=staged.generation,
                    **patience(self._deadline),
                )


class _Staging:
    """An object below the staging prefix, being written chunk by chunk."""

    def __init__(self, bucket: Bucket, deadline: Deadline) -> None:
        self._blob = bucket.blob(f"{STAGING_PREFIX}{uuid.uuid4()}")
        self._writer = self._blob.open(
            "wb",
            chunk_size=CHUNK_BYTES,
            if_generation_match=0,
            timeout=deadline.left(ANSWER_SECONDS),
            # Bounds one chunk's retries; between chunks the deadline is looked at.
            retry=DEFAULT_RETRY.with_timeout(deadline.left(ANSWER_SECONDS)),
        )

    def write(self, data: bytes, deadline: Deadline) -> None:
        deadline.left()
        with storage_trouble():
            self._writer.write(data)

    def finish(self, deadline: Deadline) -> Blob:
        with storage_trouble():
            self._writer.close()
            self._blob.reload(**patience(deadline))
        return self._blob

    def discard(self) -> None:
        # Whatever stands in the way: sessions expire, and a lifecycle rule sweeps up.
        with suppress(Exception):
            if not self._writer.closed:
                self._writer.terminate()
            elif self._blob.generation is not None:
                seen = self._blob.generation
                self._blob.delete(if_generation_match=seen, timeout=DISCARD_SECONDS, retry=None)
