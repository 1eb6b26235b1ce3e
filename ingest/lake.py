"""The lake: what is stored, and lakefill's own records beside it.

The bucket is the only memory there is. Every write carries a generation precondition, so that
it happens once or not at all, whoever else is writing.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from os.path import commonprefix
from typing import Any

import requests
import urllib3
from google.api_core import exceptions as api
from google.api_core.retry import Retry
from google.auth.exceptions import GoogleAuthError
from google.cloud.storage import Blob, Bucket
from google.cloud.storage.exceptions import DataCorruption, InvalidResponse
from google.cloud.storage.retry import DEFAULT_RETRY

from ingest.deadline import Deadline
from ingest.errors import RetryError

# Longest wait for one answer of Cloud Storage, and longest retrying of one call, in seconds.
ANSWER_SECONDS = 30.0
CALL_SECONDS = 60.0
# Cloud Storage gives no more in one answer.
PAGE_OBJECTS = 1000

_FIELDS = "name,generation,metageneration,size,crc32c,metadata"

# What the client raises once its own retries are over.
_TROUBLE = (
    api.GoogleAPIError,
    GoogleAuthError,
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    DataCorruption,
    InvalidResponse,
    ConnectionError,
)


_ROLE = "the service account needs roles/storage.objectUser on the bucket"


class PreconditionError(Exception):
    """Another writer was faster: the object is not the one that was seen."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object as it was seen. `size` in bytes, `crc32c` base64 of big-endian bytes."""

    name: str
    generation: int
    metageneration: int
    size: int
    crc32c: str
    metadata: Mapping[str, str]

    @property
    def counts(self) -> bool:
        """Whether it counts as stored: lakefill wrote it, and knows what is in it."""
        return "lakefill-sha256" in self.metadata

    def number(self, key: str) -> int | None:
        """Return a metadata value that is a count, or None where it is not there or not one."""
        text = self.metadata.get(key, "")
        return int(text) if text.isascii() and text.isdecimal() else None

    @property
    def revision(self) -> int:
        """How often the source changed what was stored before."""
        return self.number("lakefill-revision") or 0


@contextmanager
def storage_trouble() -> Iterator[None]:
    """Turn what the Storage client raises into RetryError or PreconditionError."""
    try:
        yield
    except _TROUBLE as error:
        what = f"Cloud Storage: {type(error).__name__}: {error}"
        match _status(error):
            case 412:
                raise PreconditionError from None
            case 401 | 403:
                raise RetryError("permission", f"{what}; {_ROLE}") from error
            case _:
                raise RetryError("storage", what) from error


def _status(error: BaseException) -> int | None:
    """Return the HTTP status that the client was answered with, if it was."""
    if isinstance(error, api.GoogleAPICallError):
        return error.code
    return getattr(getattr(error, "response", None), "status_code", None)


def patience(deadline: Deadline, retry: Retry = DEFAULT_RETRY) -> dict[str, Any]:
    """Return the keyword arguments that keep one client call within the deadline.

    Two thirds of what is left for its tries, and one for the answer of the last of them.
    """
    third = deadline.left() / 3
    return {
        "timeout": min(third, ANSWER_SECONDS),
        "retry": retry.with_timeout(min(2 * third, CALL_SECONDS)),
    }


class Lake:
    """The bucket, by the operations that lakefill needs.

    All raise RetryError where Cloud Storage does not answer in time, or refuses.
    """

    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket

    def find(self, name: str, deadline: Deadline) -> StoredObject | None:
        """Return the object of that name, or None."""
        with storage_trouble():
            blob = self.bucket.get_blob(name, **patience(deadline))
        return None if blob is None else _seen(blob)

    def list(
        self,
        prefix: str,
        deadline: Deadline,
        *,
        fields: str = _FIELDS,
        start: str | None = None,
        end: str | None = None,
        delimiter: str | None = None,
    ) -> Iterator[StoredObject]:
        """Yield the objects whose names begin with `prefix`, in the order of their names.

        Of those, `start` is the first name that may come, all come before `end`, and none has
        the delimiter after the prefix. `fields` are those to ask for.
        """
        token: str | None = ""
        while token is not None:
            with storage_trouble():
                blobs = self.bucket.list_blobs(
                    prefix=prefix,
                    start_offset=start,
                    end_offset=end,
                    delimiter=delimiter,
                    fields=f"items({fields}),nextPageToken",
                    page_size=PAGE_OBJECTS,
                    page_token=token or None,
                    **patience(deadline),
                )
                page = [_seen(blob) for blob in next(blobs.pages, ())]
                token = blobs.next_page_token
            yield from page

    def among(self, names: Collection[str], deadline: Deadline) -> Iterator[StoredObject]:
        """Yield the objects that there are of those names, by one narrow listing."""
        if not names:
            return
        prefix = commonprefix([*names])  # noqa: RUF071  by characters, as prefixes are
        first, last = min(names), max(names)
        for found in self.list(prefix, deadline, start=first, end=f"{last} "):
            if found.name in names:
                yield found

    def update_metadata(
        self, seen: StoredObject, metadata: Mapping[str, str], deadline: Deadline
    ) -> None:
        """Replace an object's metadata; raise PreconditionError where it changed since."""
        blob = self.bucket.blob(seen.name)
        blob.metadata = dict(metadata)
        with storage_trouble():
            blob.patch(
                if_generation_match=seen.generation,
                if_metageneration_match=seen.metageneration,
                **patience(deadline),
            )

    def read_json(self, name: str, deadline: Deadline) -> tuple[Any, int] | None:
        """Return a record and its generation, or None where there is none (or no JSON)."""
        blob = self.bucket.blob(name)
        with storage_trouble():
            try:
                data = blob.download_as_bytes(raw_download=True, **patience(deadline))
            except api.NotFound:
                return None
        try:
            return json.loads(data), int(blob.generation)
        except ValueError:
            return None, int(blob.generation)

    def write_json(
        self,
        name: str,
        record: object,
        *,
        generation: int,
        deadline: Deadline,
        metadata: Mapping[str, str] | None = None,
    ) -> int:
        """Write a record over the generation seen (0: none) and return the new generation.

        Raises PreconditionError where another writer was faster.
        """
        blob = self.bucket.blob(name)
        if metadata:
            blob.metadata = dict(metadata)
        text = json.dumps(record, separators=(",", ":"))
        return _upload(blob, text, "application/json", generation, deadline)

    def publish(self, name: str, content: bytes, content_type: str, deadline: Deadline) -> None:
        """Put a document in place of the one there is, for readers of the bucket.

        They are not given an old copy. Where another writer was faster, its document stays.
        """
        blob = self.bucket.blob(name)
        blob.cache_control = "no-cache"
        seen = self.find(name, deadline)
        with suppress(PreconditionError):
            generation = 0 if seen is None else seen.generation
            _upload(blob, content, content_type, generation, deadline)

    def delete(self, name: str, deadline: Deadline, *, generation: int) -> None:
        """Delete that generation of an object; one that is gone, or newer, is left alone."""
        with storage_trouble(), suppress(api.NotFound, api.PreconditionFailed):
            self.bucket.blob(name).delete(if_generation_match=generation, **patience(deadline))


def _upload(
    blob: Blob, content: bytes | str, content_type: str, generation: int, deadline: Deadline
) -> int:
    with storage_trouble():
        blob.upload_from_string(
            content,
            content_type=content_type,
            if_generation_match=generation,
            **patience(deadline),
        )
    return int(blob.generation)


def _seen(blob: Blob) -> StoredObject:
    return StoredObject(
        name=blob.name,
        generation=int(blob.generation or 0),
        metageneration=int(blob.metageneration or 1),
        size=int(blob.size or 0),
        crc32c=blob.crc32c or "",
        metadata=blob.metadata or {},
    )
