"""Of concurrent writers with the same precondition, the storage proxy lets exactly one win."""

import threading
from collections.abc import Callable

import pytest
from google.api_core import exceptions
from google.cloud import storage

from tests.support.storage_writes import NAME, Connect, content, delete, multipart, resumable

pytest_plugins = "tests.support.storage_fixtures"

WRITERS = 20


def race(connect: Connect, write: Callable[[storage.Bucket, int], None]) -> list[int]:
    """Let `WRITERS` clients write at the same moment; return who succeeded."""
    together = threading.Barrier(WRITERS)
    winners: list[int] = []
    losers: list[int] = []

    def run(bucket: storage.Bucket, number: int) -> None:
        together.wait()
        try:
            write(bucket, number)
        except (exceptions.PreconditionFailed, exceptions.NotFound):
            losers.append(number)
        else:
            winners.append(number)

    threads = [threading.Thread(target=run, args=(connect(), n)) for n in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(winners) + len(losers) == WRITERS
    return winners


@pytest.mark.parametrize("create", [multipart, resumable])
def test_of_concurrent_creators_exactly_one_wins(
    connect: Connect, bucket: storage.Bucket, create: Callable[..., None]
) -> None:
    def write(bucket: storage.Bucket, number: int) -> None:
        create(bucket, b"%d" % number, if_generation_match=0)

    [winner] = race(connect, write)
    assert content(bucket) == b"%d" % winner


def test_of_concurrent_rewrites_exactly_one_wins(
    connect: Connect, bucket: storage.Bucket
) -> None:
    for number in range(WRITERS):
        bucket.blob(f"staging/{number}").upload_from_string(b"%d" % number)

    def write(bucket: storage.Bucket, number: int) -> None:
        source = bucket.blob(f"staging/{number}")
        bucket.blob(NAME).rewrite(source, if_generation_match=0)

    [winner] = race(connect, write)
    assert content(bucket) == b"%d" % winner


def test_of_concurrent_changes_of_metadata_exactly_one_wins(
    connect: Connect, bucket: storage.Bucket
) -> None:
    multipart(bucket)

    def write(bucket: storage.Bucket, number: int) -> None:
        blob = bucket.blob(NAME)
        blob.metadata = {"by": str(number)}
        blob.patch(if_metageneration_match=1)

    [winner] = race(connect, write)
    assert bucket.get_blob(NAME).metadata == {"by": str(winner)}


def test_of_concurrent_deletions_exactly_one_wins(
    connect: Connect, bucket: storage.Bucket
) -> None:
    multipart(bucket)
    generation = bucket.get_blob(NAME).generation

    def write(bucket: storage.Bucket, number: int) -> None:
        delete(bucket, if_generation_match=generation)

    assert len(race(connect, write)) == 1
