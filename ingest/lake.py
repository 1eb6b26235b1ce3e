"""The lake: what is stored, and lakefill's own records beside it.

The bucket is the only memory there is. Every write carries a generation precondition, so that
it happens once or not at all, whoever else is writing.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from os.path import commonprefix
from typing import Any

from google.api_core import exceptions as api
from google.cloud.storage import Blob, Bucket

from ingest.deadline import Deadline
from ingest.storage import PreconditionError, patience, storage_trouble
from ingest.times import iso

# Cloud Storage gives no more in one answer.
PAGE_OBJECTS = 1000

_FIELDS = "name,generation,metageneration,size,crc32c,metadata"


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

    def publish(
        self,
        name: str,
        content: bytes,
        content_type: str,
        as_of: datetime,
        deadline: Deadline,
    ) -> None:
        """Put a document in place of the one there is, for readers of the bucket.

        They are not given an old copy. Where another writer was faster, or the one there is of
        a later instant than `as_of` (aware), that stays.
        """
        instant = iso(as_of)
        seen = self.find(name, deadline)
        if seen is not None and seen.metadata.get("lakefill-as-of", "") > instant:
            return
        blob = self.bucket.blob(name)
        blob.cache_control = "no-cache"
        blob.metadata = {"lakefill-as-of": instant}
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
