"""The storage proxy fails as it is told, and what it failed can be done again."""

import contextlib
import threading
from collections.abc import Callable

import pytest
import requests
from google.api_core import exceptions
from google.cloud import storage
from google.cloud.storage.retry import DEFAULT_RETRY

from tests.support.fake_gcs import FakeGcs
from tests.support.storage_proxy import (
    BreakUpload,
    DropConnection,
    Hold,
    LoseResponse,
    Status,
    StorageProxy,
)
from tests.support.storage_request import Request
from tests.support.storage_writes import (
    CHUNK,
    NAME,
    Connect,
    content,
    copy,
    multipart,
    resumable,
    rewrite,
    state,
)

pytest_plugins = "tests.support.storage_fixtures"

AT_ONCE = DEFAULT_RETRY.with_delay(initial=0.0, maximum=0.0)


def on(operation: str) -> Callable[[Request], bool]:
    return lambda request: request.operation == operation


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (403, exceptions.Forbidden),
        (429, exceptions.TooManyRequests),
        (500, exceptions.InternalServerError),
        (503, exceptions.ServiceUnavailable),
    ],
)
def test_errors_come_as_often_as_ordered(
    proxy: StorageProxy, bucket: storage.Bucket, code: int, error: type[Exception]
) -> None:
    rule = proxy.faults.add(match=on("insert"), action=Status(code), times=2)
    for _ in range(2):
        with pytest.raises(error):
            multipart(bucket, retry=None)
        assert state(bucket) is None
    multipart(bucket, retry=None)
    assert content(bucket) == b"new"
    assert (rule.hits, proxy.faults.hits, proxy.counts["insert"]) == (2, 2, 3)


def test_the_client_retries_what_can_be_retried(
    proxy: StorageProxy, bucket: storage.Bucket
) -> None:
    proxy.faults.add(match=on("insert"), action=Status(503))
    proxy.faults.add(match=on("insert"), action=DropConnection())
    proxy.faults.add(match=on("insert"), action=Status(429))
    multipart(bucket, if_generation_match=0, retry=AT_ONCE)
    assert content(bucket) == b"new"
    assert proxy.counts["insert"] == 4


def test_a_rule_sees_names_and_sizes(proxy: StorageProxy, bucket: storage.Bucket) -> None:
    seen: list[Request] = []

    def match(request: Request) -> bool:
        seen.append(request)
        return request.key == ("lake", NAME) and request.size > 1000

    proxy.faults.add(match=match, action=Status(503), times=3)
    multipart(bucket, retry=None)
    for write in (multipart, resumable):
        with pytest.raises(exceptions.ServiceUnavailable):
            write(bucket, bytes(2000), retry=None)
    assert [request.operation for request in seen] == [
        *("insert", "insert", "resumable_start", "resumable_chunk")
    ]


@pytest.mark.parametrize("write", [multipart, resumable])
@pytest.mark.parametrize("action", [DropConnection(), BreakUpload()])
def test_a_broken_upload_leaves_nothing(
    proxy: StorageProxy,
    bucket: storage.Bucket,
    write: Callable[..., None],
    action: DropConnection | BreakUpload,
) -> None:
    carriers = {"insert", "resumable_chunk"}
    proxy.faults.add(match=lambda request: request.operation in carriers, action=action)
    with pytest.raises(requests.ConnectionError):
        write(bucket, bytes(5_000_000), if_generation_match=0, retry=None)
    assert state(bucket) is None
    proxy.faults.add(match=lambda request: request.operation in carriers, action=action)
    write(bucket, bytes(5_000_000), if_generation_match=0, retry=AT_ONCE)
    assert content(bucket) == bytes(5_000_000)


@pytest.mark.parametrize(
    ("write", "operation"),
    [(multipart, "insert"), (rewrite, "rewrite"), (copy, "copy")],
)
def test_a_lost_response_makes_the_retry_meet_its_own_object(
    proxy: StorageProxy, bucket: storage.Bucket, write: Callable[..., None], operation: str
) -> None:
    rule = proxy.faults.add(
        match=lambda request: request.operation == operation and request.name == NAME,
        action=LoseResponse(),
    )
    with pytest.raises(exceptions.PreconditionFailed):
        write(bucket, if_generation_match=0, retry=AT_ONCE)
    assert rule.hits == 1
    assert content(bucket) == b"new"


@pytest.mark.parametrize("lost", [1, 2, 3])
def test_a_chunk_whose_response_was_lost_counts_once(
    proxy: StorageProxy, bucket: storage.Bucket, lost: int
) -> None:
    data = bytes(CHUNK) + b"1" * CHUNK + b"end"
    proxy.faults.add(
        match=lambda r: on("resumable_chunk")(r) and proxy.counts["resumable_chunk"] == lost,
        action=LoseResponse(),
    )
    resumable(bucket, data, if_generation_match=0, retry=AT_ONCE)
    assert content(bucket) == data
    assert proxy.counts["resumable_chunk"] == 4


@pytest.mark.parametrize(
    ("held", "write"),
    [("insert", multipart), ("resumable_start", resumable), ("resumable_chunk", resumable)],
)
def test_a_held_writer_loses_to_one_who_came_between(
    proxy: StorageProxy,
    connect: Connect,
    bucket: storage.Bucket,
    held: str,
    write: Callable[..., None],
) -> None:
    hold = Hold()
    proxy.faults.add(match=on(held), action=hold)
    failures: list[Exception] = []

    def late(bucket: storage.Bucket) -> None:
        try:
            write(bucket, b"late", if_generation_match=0)
        except exceptions.PreconditionFailed as error:
            failures.append(error)

    writer = threading.Thread(target=late, args=(connect(),))
    writer.start()
    hold.wait_for()
    multipart(bucket, b"between", if_generation_match=0)
    hold.release()
    writer.join(10)
    assert len(failures) == 1
    assert content(bucket) == b"between"


def test_leaving_releases_held_requests() -> None:
    hold = Hold()

    def ask(url: str) -> None:
        with contextlib.suppress(requests.RequestException):
            requests.get(url, timeout=10)

    with FakeGcs() as server, StorageProxy(server.url) as proxy:
        proxy.faults.add(match=lambda _: True, action=hold)
        client = threading.Thread(target=ask, args=(f"{proxy.url}/storage/v1/b",))
        client.start()
        hold.wait_for()
    client.join(10)
    assert not client.is_alive()
