"""Records in the local stack's lake, whose files' attributes hold less than Cloud Storage."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests
from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Client

from ingest.deadline import Deadline
from ingest.failures import read_failures, record_failure
from ingest.job import Job
from ingest.lake import Lake
from ingest.runs import Manifest, create_manifest, recent_runs
from tests.support.fake_gcs import FakeGcs
from tests.support.strategies import feed_of

FEED = feed_of("day")


def within() -> Deadline:
    return Deadline(60, time.monotonic)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    root: Path = tmp_path_factory.mktemp("lake")
    with FakeGcs("filesystem", root) as server:
        requests.post(f"{server.url}/storage/v1/b", json={"name": "lake"}, timeout=9)
        client = Client(
            "test",
            credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
            client_options={"api_endpoint": server.url},
        )
        yield Lake(client.bucket("lake"))
        client.close()


def test_runs_of_any_length_are_listed(lake: Lake) -> None:
    for count in (1, 100, 200, 220, 240, 300, 400, 500, 600, 1000, 5000):
        keys = [
            f"{2000 + n // 336:04}-{n // 28 % 12 + 1:02}-{n % 28 + 1:02}" for n in range(count)
        ]
        manifest = Manifest(
            run=f"20240101-000000-{count:05}",
            feed=FEED.name,
            created="2024-01-01T00:00:00Z",
            dispatched=dict.fromkeys(keys, "fetch"),
            skipped={},
        )
        create_manifest(lake, manifest, within())
        [*_, seen] = recent_runs(lake, "2024", within())
        assert {*seen.published_periods(lake, within())} == {*keys}


@pytest.mark.parametrize("text", ["x", "\x1b", "é", "\U0001f600", '"\\', "<"])
def test_failures_of_any_message_are_listed(lake: Lake, text: str) -> None:
    period = FEED.calendar.named(FEED.calendar.first)
    record_failure(
        lake,
        Job(FEED, period, "fetch", f"run-{ord(text[0]):x}", within()),
        outcome="rejected",
        reason="html",
        message=text * 1000,
        now=datetime(2024, 1, 1, tzinfo=UTC),
        deadline=within(),
    )
    failure = read_failures(lake, FEED, within())[period.key]
    assert failure.message.startswith(text[:1])
