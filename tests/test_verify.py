"""`lakefill verify` finds what is not what its name and metadata say."""

import datetime as dt
import os
import subprocess
import sys
from pathlib import Path

import pytest
from google.cloud.storage import Blob

from ingest.feeds import load_catalogue
from ingest.local.verify import Verified, verify
from tests.support.dispatching import Dispatching
from tests.support.source_server import Reply
from tests.support.world import CSV, Deliveries, World


def verified(here: World, day: Deliveries) -> Verified:
    feed = load_catalogue(Path(here.env["LAKEFILL_FEEDS"]))["tiny"]
    blob = here.bucket.get_blob(day.name)
    return verify(feed, feed.calendar.period(str(day.day)), blob)


def store(here: World, name: str, content: bytes, metadata: dict[str, str]) -> None:
    blob = here.bucket.blob(name)
    blob.metadata = metadata
    blob.upload_from_string(content, content_type="application/gzip")


@pytest.fixture
def stored(here: World, day: Deliveries) -> Deliveries:
    """A day that is stored, as is the day after it."""
    for n in (1, 0):
        day.day += dt.timedelta(days=n)
        here.put(day.path, Reply(CSV + b"%d,%d\n" % (n, day.day.day)))
        assert day.outcome() == (200, "stored")
        day.day -= dt.timedelta(days=n)
    return day


def test_a_sound_object_has_no_problems(here: World, stored: Deliveries) -> None:
    assert verified(here, stored).problems == ()


def test_every_flipped_byte_is_found(here: World, stored: Deliveries) -> None:
    good, metadata = here.content(stored.name), here.metadata(stored.name)
    # Not those of the header that mean nothing: time, extra flags, operating system.
    for at in [0, 1, 2, 10, len(good) // 2, len(good) - 8, len(good) - 1]:
        flipped = good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :]
        store(here, stored.name, flipped, metadata)
        assert verified(here, stored).problems, at


def test_a_truncated_object_is_found(here: World, stored: Deliveries) -> None:
    good = here.content(stored.name)
    store(here, stored.name, good[:-1], here.metadata(stored.name))
    assert "ends in the middle" in verified(here, stored).problems[0]


def test_a_swapped_object_is_found(here: World, stored: Deliveries) -> None:
    other = Deliveries(stored.worker, here)
    other.day = stored.day + dt.timedelta(days=1)
    store(here, stored.name, here.content(other.name), here.metadata(other.name))
    assert any("lakefill-period" in p for p in verified(here, stored).problems)


@pytest.mark.parametrize(
    "key", ["lakefill-sha256", "lakefill-source-bytes", "lakefill-rows", "lakefill-feed"]
)
def test_edited_metadata_are_found(here: World, stored: Deliveries, key: str) -> None:
    metadata = here.metadata(stored.name) | {key: "1"}
    store(here, stored.name, here.content(stored.name), metadata)
    [problem] = verified(here, stored).problems
    assert key in problem


def test_bytes_that_changed_on_their_way_are_found(
    here: World, stored: Deliveries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Blob, "crc32c", "AAAAAA==")
    assert any("crc32c" in p for p in verified(here, stored).problems)


def lakefill(here: World, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lakefill")), "verify", *arguments]
    env = os.environ | here.env | {"LAKEFILL_FEEDS": here.env["LAKEFILL_FEEDS"]}
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


def test_the_command_names_what_differs_and_exits_1(here: World, stored: Deliveries) -> None:
    day = str(stored.day)
    question = ("--start", day, "--end", str(stored.day + dt.timedelta(days=1)))
    sound = lakefill(here, "--feed", "tiny", *question)
    assert sound.returncode == 0, sound.stderr
    assert "2 objects read back" in sound.stdout
    store(here, stored.name, b"junk", here.metadata(stored.name))
    damaged = lakefill(here, "--feed", "tiny", *question)
    assert damaged.returncode == 1
    assert stored.name in damaged.stdout
    assert "1 differ" in damaged.stdout


def test_repair_asks_for_what_differs_by_force(
    here: World, stored: Deliveries, dispatching_process: Dispatching
) -> None:
    store(here, stored.name, b"junk", here.metadata(stored.name))
    url = dispatching_process.process.url
    repaired = lakefill(here, "--feed", "tiny", str(stored.day), "--repair", "--url", url)
    assert "dispatched by force" in repaired.stdout, repaired.stderr
    [message] = dispatching_process.messages()[-1:]
    assert (message["period"], message["mode"]) == (str(stored.day), "force")
    assert stored.outcome("force", run="repair") == (200, "stored")
    assert verified(here, stored).problems == ()


def test_nothing_to_verify_is_said(here: World) -> None:
    result = lakefill(here, "--feed", "tiny", "2001-01-01")
    assert result.returncode == 1
    assert "is stored" in result.stderr
    assert "Traceback" not in result.stderr
