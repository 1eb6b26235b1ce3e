"""What is damaged in the lake, found by `lakefill verify` and mended by its `--repair`."""

import datetime as dt
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.command import lakefill
from tests.support.dispatching import Dispatching
from tests.support.faults import Hold
from tests.support.function import envelope
from tests.support.verifying import store, store_two, verified
from tests.support.world import CSV, Deliveries, World


@pytest.fixture
def stored(here: World, day: Deliveries) -> Deliveries:
    """A day that is stored, as is the day after it."""
    store_two(here, day)
    return day


def flip(here: World, day: Deliveries) -> None:
    good = here.content(day.name)
    middle = len(good) // 2
    flipped = good[:middle] + bytes([good[middle] ^ 1]) + good[middle + 1 :]
    store(here, day.name, flipped, here.metadata(day.name))


def truncate(here: World, day: Deliveries) -> None:
    store(here, day.name, here.content(day.name)[:-9], here.metadata(day.name))


def swap(here: World, day: Deliveries) -> None:
    other = Deliveries(day.worker, here)
    other.day = day.day + dt.timedelta(days=1)
    store(here, day.name, here.content(other.name), here.metadata(other.name))


def edit(key: str, value: str | None) -> Callable[[World, Deliveries], None]:
    def damage(here: World, day: Deliveries) -> None:
        blob = here.bucket.get_blob(day.name)
        blob.metadata = {key: value}
        blob.patch()

    return damage


EDITS = [
    edit("lakefill-source-bytes", "1"),
    edit("lakefill-rows", None),
    edit("lakefill-feed", "other"),
    edit("lakefill-period", "2001-01-01"),
]
FORGE = edit("lakefill-sha256", "0" * 64)


@pytest.mark.parametrize("damage", [flip, truncate, swap, FORGE, *EDITS])
def test_what_verify_finds_its_repair_mends(
    here: World,
    stored: Deliveries,
    d: Dispatching,
    damage: Callable[[World, Deliveries], None],
) -> None:
    damage(here, stored)
    question = ("--feed", "tiny", str(stored.day))
    found = lakefill("verify", *question, "--repair", "--url", d.process.url, **here.env)
    assert (found.returncode, found.stderr) == (1, "")
    assert "dispatched by force" in found.stdout
    [message] = d.messages()
    assert stored.worker.post(json=envelope(message)).status_code == 200
    assert here.unzipped(stored.name) == CSV + b"0,%d\n" % stored.day.day
    assert verified(here, stored).problems == ()


@pytest.mark.parametrize("damage", EDITS)
def test_force_puts_metadata_right_that_were_edited_and_leaves_the_bytes(
    here: World, stored: Deliveries, damage: Callable[[World, Deliveries], None]
) -> None:
    true, generation = here.metadata(stored.name), here.bucket.get_blob(stored.name).generation
    damage(here, stored)
    assert stored.outcome("force", run="repair") == (200, "unchanged")
    assert here.metadata(stored.name) == true
    assert here.bucket.get_blob(stored.name).generation == generation
    assert stored.line("period_unchanged")["repaired"] is True
    assert stored.outcome("force", run="again") == (200, "unchanged")
    line = stored.worker.wait_line(event="period_unchanged", run="again")
    assert "repaired" not in line


def test_force_writes_anew_what_stands_under_a_wrong_hash(
    here: World, stored: Deliveries
) -> None:
    """The source did not change: that the stored bytes are the same says so."""
    FORGE(here, stored)
    assert stored.outcome("force", run="repair") == (200, "stored")
    line = stored.worker.wait_line(event="period_stored", run="repair", period=str(stored.day))
    assert line["repaired"] is True
    assert here.metadata(stored.name)["lakefill-revision"] == "0"


def test_what_dispatch_leaves_alone_is_not_said_to_be_repaired(
    here: World, d: Dispatching
) -> None:
    gap = "tiny/2001/2001-02-03.csv.gz"
    store(here, gap, b"junk", {"lakefill-sha256": "0" * 64})
    question = ("--feed", "tiny", "2001-02-03", "--repair", "--url", d.process.url)
    found = lakefill("verify", *question, **here.env)
    here.bucket.delete_blob(gap)
    assert "2001-02-03: left alone by dispatch: known_gap" in found.stdout
    assert "by force" not in found.stdout
    assert d.messages() == []


def test_metadata_that_change_while_they_are_put_right_are_not_overwritten(
    here: World, stored: Deliveries
) -> None:
    edit("lakefill-rows", "7")(here, stored)
    hold = Hold()
    here.proxy.faults.add(
        match=lambda r: r.operation == "patch" and r.name == stored.name, action=hold
    )
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(stored.outcome, "force")
        hold.wait_for(1)
        edit("owner", "someone")(here, stored)
        hold.release()
        assert slow.result() == (503, "retry")
    assert stored.line("period_retry")["reason"] == "raced"
    assert stored.outcome("force", run="again") == (200, "unchanged")
    assert here.metadata(stored.name)["owner"] == "someone"
    assert verified(here, stored).problems == ()
