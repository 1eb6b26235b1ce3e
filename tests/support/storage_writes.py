"""Every way in which the client writes an object, all under one name."""

import io
from collections.abc import Callable
from typing import Any

from google.cloud import storage

NAME = "mta turnstile/2023/ü.csv.gz"
CHUNK = 256 * 1024
"""Bytes of a chunk of a resumable upload, the smallest allowed."""

Connect = Callable[[], storage.Bucket]
"""Connects one more client to the bucket."""


def multipart(bucket: storage.Bucket, data: bytes = b"new", **options: Any) -> None:
    bucket.blob(NAME).upload_from_string(data, **options)


def resumable(bucket: storage.Bucket, data: bytes = b"new", **options: Any) -> None:
    # Of unknown size, so that it is resumable however small.
    bucket.blob(NAME, chunk_size=CHUNK).upload_from_file(io.BytesIO(data), **options)


def rewrite(bucket: storage.Bucket, data: bytes = b"new", **options: Any) -> None:
    source = bucket.blob("staging/source")
    source.upload_from_string(data)
    bucket.blob(NAME).rewrite(source, **options)


def copy(bucket: storage.Bucket, data: bytes = b"new", **options: Any) -> None:
    source = bucket.blob("staging/source")
    source.upload_from_string(data)
    bucket.copy_blob(source, bucket, NAME, **options)


def patch(bucket: storage.Bucket, **options: Any) -> None:
    blob = bucket.blob(NAME)
    blob.metadata = {"patched": "yes"}
    blob.patch(**options)


def update(bucket: storage.Bucket, **options: Any) -> None:
    blob = bucket.blob(NAME)
    blob.metadata = {"patched": "yes"}
    blob.update(**options)


def delete(bucket: storage.Bucket, **options: Any) -> None:
    bucket.blob(NAME).delete(**options)


def state(bucket: storage.Bucket) -> tuple[int, int, dict[str, str] | None] | None:
    blob = bucket.get_blob(NAME)
    return blob and (blob.generation, blob.metageneration, blob.metadata)


def content(bucket: storage.Bucket) -> bytes:
    return bytes(bucket.blob(NAME).download_as_bytes())


CREATE = [multipart, resumable, rewrite, copy]
CHANGE = [patch, update, delete]
