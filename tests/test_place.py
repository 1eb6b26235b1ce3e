"""What a stack needs before it starts: a catalogue that leads to no real source."""

from pathlib import Path

import pytest

from ingest.feeds import load_catalogue
from ingest.local.place import write_catalogue
from ingest.local.process import StackError

HERE = "http://127.0.0.1:1"
FEED = """
f:
  url: {url}
  query: {{day: "{{date:%Y-%m-%d}}"}}
  object: "f/{{date:%Y-%m-%d}}.gz"
  cadence: day
  first: 2023-01-01
"""


def placed(folder: Path, text: str) -> set[str]:
    """The beginnings of the URLs that a stack would ask."""
    (folder / "feeds.yaml").write_text(text)
    write_catalogue(folder / "feeds.yaml", HERE, folder / "placed.yaml")
    feeds = load_catalogue(folder / "placed.yaml").values()
    return {address.template.prefix for feed in feeds for address in feed.addresses}


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://x.org/a.csv", f"{HERE}/a.csv"),
        ("https://x.org", HERE),
        ('"https://x.org"', HERE),
        ("'https://x.org:8080/a'", f"{HERE}/a"),
        ("[https://x.org/a, {url: https://x.org.uk/a}]", f"{HERE}/a"),
    ],
)
def test_the_source_stands_in_for_every_host(tmp_path: Path, url: str, expected: str) -> None:
    assert placed(tmp_path, FEED.format(url=url)) == {expected}


@pytest.mark.parametrize(
    "text",
    [
        FEED.format(url=r'"https:\/\/x.org/a"'),
        """
f:
  each: {kind: {a: {}, b: {}}}
  url: "https://{kind}.example.org/{date:%Y-%m-%d}"
  object: "f/{kind}/{date:%Y-%m-%d}.gz"
  cadence: day
  first: 2023-01-01
""",
    ],
    ids=["escaped", "a host of each"],
)
def test_a_host_that_cannot_be_replaced_keeps_the_stack_from_starting(
    tmp_path: Path, text: str
) -> None:
    with pytest.raises(StackError, match="--real-source"):
        placed(tmp_path, text)
