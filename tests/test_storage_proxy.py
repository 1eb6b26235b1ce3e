"""The storage proxy keeps what Cloud Storage promises of preconditions and generations."""

from collections.abc import Callable

import pytest
import requests
from google.api_core import exceptions
from google.cloud import storage

from tests.support.storage_proxy import StorageProxy
from tests.support.storage_writes import (
    CHANGE,
    CHUNK,
    CREATE,
    NAME,
    Connect,
    content,
    multipart,
    patch,
    resumable,
    state,
)

pytest_plugins = "tests.support.storage_fixtures"


@pytest.mark.parametrize("write", [*CREATE, *CHANGE])
@pytest.mark.parametrize(
    ("condition", "right", "wrong"),
    [
        ("if_generation_match", "generation", 0),
        ("if_generation_match", "generation", 123),
        ("if_metageneration_match", 2, 1),
        ("if_generation_not_match", 123, "generation"),
        ("if_metageneration_not_match", 1, 2),
    ],
)
def test_preconditions_hold_on_every_write(
    bucket: storage.Bucket,
    write: Callable[..., None],
    condition: str,
    right: int | str,
    wrong: int | str,
) -> None:
    multipart(bucket, b"old")
    patch(bucket)
    before = state(bucket)
    assert before is not None
    assert before[1:] == (2, {"patched": "yes"})
    values = {"generation": before[0]}
    with pytest.raises(exceptions.PreconditionFailed):
        write(bucket, **{condition: values.get(str(wrong), wrong)})
    assert state(bucket) == before
    assert content(bucket) == b"old"
    write(bucket, **{condition: values.get(str(right), right)})
    assert state(bucket) != before


@pytest.mark.parametrize("create", CREATE)
def test_a_first_object_satisfies_generation_zero_only(
    bucket: storage.Bucket, create: Callable[..., None]
) -> None:
    with pytest.raises(exceptions.PreconditionFailed):
        create(bucket, if_generation_match=123)
    assert state(bucket) is None
    create(bucket, if_generation_match=0)
    assert content(bucket) == b"new"


@pytest.mark.parametrize("change", CHANGE)
def test_changing_what_is_not_there_is_not_found(
    bucket: storage.Bucket, change: Callable[..., None]
) -> None:
    with pytest.raises(exceptions.NotFound):
        change(bucket, if_generation_match=123)


@pytest.mark.parametrize("condition", ["generation", "metageneration"])
def test_a_rewrite_s_source_has_preconditions_too(
    bucket: storage.Bucket, condition: str
) -> None:
    source = bucket.blob("staging/source")
    source.upload_from_string(b"new")
    with pytest.raises(exceptions.PreconditionFailed):
        bucket.blob(NAME).rewrite(source, **{f"if_source_{condition}_match": 123})
    assert state(bucket) is None
    actual = getattr(source, condition)
    bucket.blob(NAME).rewrite(source, **{f"if_source_{condition}_match": actual})
    assert content(bucket) == b"new"


def test_a_refusal_is_worded_as_by_cloud_storage(
    proxy: StorageProxy, bucket: storage.Bucket
) -> None:
    url = f"{proxy.url}/upload/storage/v1/b/lake/o?uploadType=media&name=x&ifGenerationMatch=5"
    answer = requests.post(url, data=b"new", timeout=10)
    message = "At least one of the pre-conditions you specified did not hold."
    assert answer.status_code == 412
    assert answer.json() == {
        "error": {
            "code": 412,
            "message": message,
            "errors": [{"message": message, "domain": "global", "reason": "conditionNotMet"}],
        }
    }


def test_metageneration_counts_changes_of_metadata(bucket: storage.Bucket) -> None:
    multipart(bucket)
    blob = bucket.get_blob(NAME)
    first = blob.generation
    assert blob.metageneration == 1
    for expected in (2, 3):
        blob.metadata = {"times": str(expected)}
        blob.patch(if_metageneration_match=expected - 1)
        assert (blob.generation, blob.metageneration) == (first, expected)
        [listed] = bucket.list_blobs()
        assert (listed.metageneration, listed.metadata) == (expected, {"times": str(expected)})
    multipart(bucket)
    assert bucket.get_blob(NAME).metageneration == 1


def test_old_generations_of_a_versioned_bucket_can_be_listed_and_read(
    connect: Connect,
) -> None:
    bucket = connect()
    bucket.versioning_enabled = True
    bucket.client.create_bucket(bucket)
    multipart(bucket, b"first")
    multipart(bucket, b"second")
    generations = sorted(blob.generation for blob in bucket.list_blobs(versions=True))
    contents = [
        bucket.blob(NAME, generation=generation).download_as_bytes()
        for generation in generations
    ]
    assert contents == [b"first", b"second"]


def test_reads_stay_on_the_proxy(proxy: StorageProxy, bucket: storage.Bucket) -> None:
    data = bytes(range(256)) * 16_000
    resumable(bucket, data)
    blob = bucket.get_blob(NAME)
    assert blob.download_as_bytes() == data, "by the media link of the object"
    assert proxy.counts["download"] == 1
    assert proxy.counts["resumable_start"] == 1
    assert proxy.counts["resumable_chunk"] == -(-len(data) // CHUNK)
