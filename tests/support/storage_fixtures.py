"""A bucket behind the storage proxy, with real clients.

A test module loads it by `pytest_plugins = "tests.support.storage_fixtures"`.
"""

from collections.abc import Iterator

import pytest
from google.cloud import storage

from tests.support.fake_gcs import FakeGcs
from tests.support.storage_proxy import StorageProxy
from tests.support.storage_writes import Connect


@pytest.fixture
def proxy() -> Iterator[StorageProxy]:
    """Run a proxy before a server of its own."""
    with FakeGcs() as server, StorageProxy(server.url) as proxy:
        yield proxy


@pytest.fixture
def connect(proxy: StorageProxy, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connect]:
    """Connect one more client to the bucket."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", proxy.url)
    clients: list[storage.Client] = []

    def connect() -> storage.Bucket:
        clients.append(storage.Client.create_anonymous_client())
        return clients[-1].bucket("lake")

    yield connect
    for client in clients:
        client.close()


@pytest.fixture
def bucket(connect: Connect) -> storage.Bucket:
    """Make the bucket `lake`, seen by the first client."""
    bucket = connect()
    bucket.client.create_bucket(bucket)
    return bucket
