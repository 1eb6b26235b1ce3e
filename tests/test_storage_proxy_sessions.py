"""Sessions of resumable uploads through the storage proxy, asked what the client never asks."""

import pytest
import requests
from google.cloud import storage

from tests.support.storage_proxy import StorageProxy
from tests.support.storage_writes import CHUNK

pytest_plugins = "tests.support.storage_fixtures"


@pytest.fixture
def session(proxy: StorageProxy, bucket: storage.Bucket) -> str:
    url = f"{proxy.url}/upload/storage/v1/b/{bucket.name}/o?uploadType=resumable&name=x"
    location = requests.post(url, json={}, timeout=10).headers["Location"]
    assert location.startswith(proxy.url)
    return location


def put(session: str, data: bytes, content_range: str) -> requests.Response:
    headers = {"Content-Range": f"bytes {content_range}"}
    return requests.put(session, data=data, headers=headers, timeout=10)


def test_its_progress_can_be_asked(session: str) -> None:
    empty = put(session, b"", "*/*")
    assert (empty.status_code, empty.headers.get("Range")) == (308, None)
    put(session, bytes(CHUNK), f"0-{CHUNK - 1}/*")
    for total in ("*", str(CHUNK + 3)):
        asked = put(session, b"", f"*/{total}")
        assert (asked.status_code, asked.headers["Range"]) == (308, f"bytes=0-{CHUNK - 1}")
    ended = put(session, b"end", f"{CHUNK}-{CHUNK + 2}/{CHUNK + 3}")
    assert ended.json()["size"] == str(CHUNK + 3)
    again = put(session, b"", "*/*")
    assert (again.status_code, again.json()) == (200, ended.json())


def test_it_can_end_without_further_bytes(session: str) -> None:
    put(session, bytes(CHUNK), f"0-{CHUNK - 1}/*")
    ended = put(session, b"", f"*/{CHUNK}")
    assert (ended.status_code, ended.json()["size"]) == (200, str(CHUNK))


def test_bytes_sent_again_are_skipped(session: str, bucket: storage.Bucket) -> None:
    put(session, b"a" * CHUNK, f"0-{CHUNK - 1}/*")
    put(session, b"X" * CHUNK + b"b" * CHUNK, f"0-{2 * CHUNK - 1}/*")
    put(session, b"Y" + b"c", f"{2 * CHUNK - 1}-{2 * CHUNK}/{2 * CHUNK + 1}")
    stored = bucket.blob("x").download_as_bytes()
    assert stored == b"a" * CHUNK + b"b" * CHUNK + b"c"


def test_a_gap_is_refused(session: str) -> None:
    gap = put(session, b"end", "10-12/13")
    assert gap.status_code == 400


def test_a_cancelled_one_takes_no_more(session: str, bucket: storage.Bucket) -> None:
    assert requests.delete(session, timeout=10).status_code == 499
    assert put(session, b"end", "0-2/3").status_code == 410
    assert bucket.get_blob("x") is None


def test_an_unknown_one_is_not_found(session: str) -> None:
    assert put(session + "0", b"end", "0-2/3").status_code == 404
