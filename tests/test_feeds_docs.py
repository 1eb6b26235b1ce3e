"""docs/feeds.md: its examples load, and it names every key."""

import re
import textwrap
from pathlib import Path

import msgspec
import pytest

from ingest.entries import _Checks, _Entry, _Rows
from ingest.feeds import read_catalogue
from tests.support.strategies import CADENCES

PAGE = (Path(__file__).parents[1] / "docs" / "feeds.md").read_text("utf-8")
BLOCKS = [
    textwrap.dedent(block)
    for block in re.findall(r"^ *```yaml\n(.*?)^ *```$", PAGE, re.MULTILINE | re.DOTALL)
]


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.partition(":")[0])
def test_an_example_is_a_catalogue(block: str) -> None:
    feed = read_catalogue(block).default
    calendar = feed.calendar
    for period in [calendar.named(calendar.first), *calendar.neighbours(calendar.first)]:
        if period is not None:
            assert feed.object_name(period).startswith(f"{feed.name.partition('-')[0]}/")
            assert all(location.url.startswith("http") for location in feed.locations(period))


def test_there_is_an_example_of_each_cadence() -> None:
    feeds = [feed for block in BLOCKS for feed in read_catalogue(block).values()]
    assert {feed.calendar.cadence for feed in feeds} == {*CADENCES}


def test_all_examples_fit_into_one_catalogue() -> None:
    assert len(read_catalogue("\n".join(BLOCKS))) == len(BLOCKS) + 1  # one is two feeds


def test_the_table_has_every_key_and_no_other() -> None:
    table = PAGE.partition("## Every key")[2].partition("\n## ")[0]
    keys = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    assert sorted(keys) == sorted(["each", *_Entry.__struct_encode_fields__])
    for name, part in (("rows", _Rows), ("checks", _Checks)):
        [row] = re.findall(rf"^\| `{name}` \| (.*) \|$", table, re.MULTILINE)
        known = [field.encode_name for field in msgspec.structs.fields(part)]
        assert re.findall(r"`(\w+)`", row) == known
