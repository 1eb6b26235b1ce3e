"""`lakefill verify` finds what is not what its name and metadata say."""

import datetime as dt
import subprocess

import pytest
from google.cloud.storage import Blob

from tests.support import command
from tests.support.dispatching import Dispatching
from tests.support.verifying import store, store_two, verified
from tests.support.world import Deliveries, World


@pytest.fixture
def stored(here: World, day: Deliveries) -> Deliveries:
    """A day that is stored, as is the day after it."""
    store_two(here, day)
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
    return command.lakefill("verify", *arguments, **here.env)


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
