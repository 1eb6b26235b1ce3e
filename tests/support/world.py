"""A small world for the functions: a source, a lake with true preconditions, a catalogue."""

import contextlib
import gzip
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Bucket, Client

from tests.support.fake_gcs import FakeGcs
from tests.support.function import FunctionProcess, envelope
from tests.support.source_server import Reply, SourceServer
from tests.support.storage_proxy import StorageProxy

CATALOGUE = """
tiny:
  title: Tiny days
  url: {source}/tiny/{{date:%Y-%m-%d}}.csv
  object: tiny/{{date:%Y}}/{{date:%Y-%m-%d}}.csv.gz
  cadence: day
  timezone: UTC
  first: 2000-01-01
  known_gaps: {{2001-02-03: never made}}
  grace: 48h
  recheck: 2
  max_bytes: 100MiB
  allowed_hosts: [localhost]
  checks: {{min_bytes: 10, header: "a,b", size_change: 0.5}}
zipped:
  url: {source}/zipped/{{date:%Y-%m-%d}}.gz
  object: zipped/{{date:%Y-%m-%d}}.gz
  cadence: day
  first: 2000-01-01
  compress: none
  max_bytes: 1MiB
archived:
  url: {source}/archived/{{date:%Y-%m-%d}}.zip
  object: archived/{{date:%Y-%m-%d}}.zip
  cadence: day
  first: 2000-01-01
  compress: none
columns:
  url: {source}/columns/{{date:%Y-%m-%d}}.parquet
  object: columns/{{date:%Y-%m-%d}}.parquet
  cadence: day
  first: 2000-01-01
  compress: none
capped:
  url: {source}/capped/{{date:%Y-%m-%d}}.csv
  object: capped/{{date:%Y-%m-%d}}.csv.gz
  cadence: day
  first: 2000-01-01
  max_bytes: 2MiB
refused:
  url: http://127.0.0.1:9/{{date:%Y-%m-%d}}.csv
  object: refused/{{date:%Y-%m-%d}}.csv.gz
  cadence: day
  first: 2000-01-01
hourly:
  url: {source}/hourly/{{date:%Y-%m-%d-%-H}}.csv
  object: hourly/{{date:%Y-%m-%d}}/{{date:%H}}.csv.gz
  cadence: hour
  first: 2010-01-01T00
ended:
  url: {source}/ended/{{date:%Y-%m}}.csv
  object: ended/{{date:%Y-%m}}.csv.gz
  cadence: month
  first: 2010-02-01
  last: 2012-11-01
  also: [2009-12-15]
"""

CSV = b"a,b\n" + b"".join(b"%d,%d\n" % (n, n * n) for n in range(100))


@dataclass
class World:
    """What the functions under test live in."""

    source: SourceServer
    proxy: StorageProxy
    bucket: Bucket
    env: dict[str, str]

    def put(self, path: str, reply: Reply | list[Reply]) -> None:
        """Have the source answer so."""
        self.source.replies[path] = reply

    def content(self, name: str) -> bytes:
        """The stored bytes of an object."""
        return bytes(self.bucket.blob(name).download_as_bytes(raw_download=True))

    def unzipped(self, name: str) -> bytes:
        return gzip.decompress(self.content(name))

    def metadata(self, name: str) -> dict[str, str]:
        blob = self.bucket.get_blob(name)
        assert blob is not None, f"{name} is not stored"
        return dict(blob.metadata or {})

    def names(self, prefix: str = "") -> list[str]:
        return [blob.name for blob in self.bucket.list_blobs(prefix=prefix)]

    def record(self, name: str) -> dict[str, Any] | None:
        """A JSON record of lakefill's, or None."""
        return json.loads(self.content(name)) if self.bucket.get_blob(name) else None


@contextlib.contextmanager
def world(directory: Path, catalogue: str = CATALOGUE) -> Iterator[World]:
    """Bring a world up, and take it down again."""
    with FakeGcs() as server, StorageProxy(server.url) as proxy, SourceServer() as source:
        with requests.Session() as session:
            session.post(
                f"{server.url}/storage/v1/b",
                json={"name": "lake", "versioning": {"enabled": True}},
            ).raise_for_status()
        client = Client(
            project="p",
            credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
            client_options={"api_endpoint": proxy.url},
        )
        feeds = directory / "feeds.yaml"
        feeds.write_text(catalogue.format(source=source.url))
        env = {
            "LAKEFILL_BUCKET": "lake",
            "LAKEFILL_TOPIC": "projects/test/topics/periods",
            "LAKEFILL_FEEDS": str(feeds),
            "LAKEFILL_DEADLINE_SECONDS": "10",
            "LAKEFILL_MAX_ATTEMPTS": "5",
            "STORAGE_EMULATOR_HOST": proxy.url,
            "GOOGLE_CLOUD_PROJECT": "p",
        }
        try:
            yield World(source, proxy, client.bucket("lake"), env)
        finally:
            client.close()


class Deliveries:
    """Pushes messages to a worker, each test's for a day of its own."""

    _days = itertools.count()

    def __init__(self, worker: FunctionProcess, world: World) -> None:
        self.worker, self.world = worker, world
        self.day = date(2003, 1, 1) + timedelta(days=10 * next(self._days))

    @property
    def path(self) -> str:
        """Where the source has the day's file."""
        return f"/tiny/{self.day}.csv"

    @property
    def name(self) -> str:
        """What the day's object is called."""
        return f"tiny/{self.day.year}/{self.day}.csv.gz"

    def push(
        self, mode: str = "fetch", run: str = "run-1", attempt: int | None = 1, **fields: object
    ) -> requests.Response:
        message = {"v": 1, "feed": "tiny", "period": str(self.day), "run": run, "mode": mode}
        return self.worker.post(json=envelope(message | fields, attempt))

    def outcome(self, *args: Any, **kwargs: Any) -> tuple[int, str]:
        """Push, and return the status and the outcome."""
        response = self.push(*args, **kwargs)
        return response.status_code, response.json()["outcome"]

    def failure(self) -> dict[str, Any] | None:
        return self.world.record(f"_lakefill/failures/tiny/{self.day}.json")

    def run_outcome(self, run: str = "run-1") -> dict[str, Any] | None:
        return self.world.record(f"_lakefill/runs/{run}/{self.day}.json")

    def line(self, event: str) -> dict[str, Any]:
        return self.worker.wait_line(event=event, period=str(self.day))


def skip_without(path: Path, what: str) -> None:
    """Skip a test by name where data that it needs is not there."""
    if not path.exists():
        pytest.skip(f"{what} is not there ({path.name})")
