"""What is stored: gzip of what the source sent, always the same bytes, and not many."""

import gzip
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.compress import content_type, encode
from ingest.feed import Feed
from tests.support.strategies import feed_of

MIB = 2**20
ZIPPED = feed_of()
AS_IT_IS = feed_of(compress="none", object="f/{date:%Y%m%d}.zip")
# Real weeks, where somebody has put them beside the checkout.
WEEKS = Path(__file__).parents[2] / "shared" / "data" / "turnstile"


def blocks(content: bytes) -> Iterator[bytes]:
    return (content[n : n + MIB] for n in range(0, len(content), MIB))


def stored(content: bytes, feed: Feed = ZIPPED) -> bytes:
    return b"".join(encode(feed, blocks(content)))


def rows(count: int, seed: int) -> bytes:
    """Text like a turnstile week: long lines in which little changes."""
    rnd = random.Random(seed)
    lines, counter = [], 7_000_000
    for n in range(count):
        counter += rnd.randrange(900)
        time = f"{n % 6 * 4:02}:00:00"
        place = f"A{n // 1000:03},R{n // 400:03},02-00-0{n // 50 % 9},{rnd.choice(STATIONS)}"
        day = f"NQR456W,BMT,05/{n // 6 % 30 + 1:02}/2023,{time}"
        line = f"{place},{day},REGULAR,{counter:010},{counter // 3:010}"
        lines.append(line.ljust(130))
    return ("\n".join(lines) + "\n").encode()


STATIONS = ["59 ST", "5 AV/59 ST", "LEXINGTON AV/63", "TIMES SQ-42 ST", "34 ST-PENN STA"]


@given(st.binary(max_size=2000) | st.text(max_size=2000).map(str.encode))
def test_unzipping_gives_what_the_source_sent(content: bytes) -> None:
    assert gzip.decompress(stored(content)) == content


@pytest.mark.parametrize("size", [0, 1, MIB - 1, MIB, MIB + 1, 3 * MIB + 7])
@pytest.mark.parametrize("kind", ["zeros", "noise"])
def test_files_of_any_number_of_blocks_come_back(size: int, kind: str) -> None:
    content = bytes(size) if kind == "zeros" else random.Random(size).randbytes(size)
    assert gzip.decompress(stored(content)) == content


def test_the_same_file_is_stored_as_the_same_bytes() -> None:
    content = rows(30_000, seed=1)
    assert stored(content) == stored(content)
    assert stored(content) != stored(rows(30_000, seed=2))


@given(st.binary(max_size=100))
def test_what_is_stored_says_neither_when_nor_from_what_it_was_made(content: bytes) -> None:
    data = stored(content)
    # RFC 1952: magic, deflate, no flags (so no name, no comment, nothing extra), no time.
    assert data[:8] == bytes([0x1F, 0x8B, 8, 0, 0, 0, 0, 0])


def test_it_is_one_member_and_nothing_follows_it() -> None:
    data = stored(rows(20_000, seed=3))
    assert int.from_bytes(data[-4:], "little") == 20_000 * 131


def test_something_is_written_before_everything_is_read() -> None:
    """A file of any size goes through in bounded memory."""
    read = 0

    def reading() -> Iterator[bytes]:
        nonlocal read
        for n in range(20):
            read += 1
            yield random.Random(n).randbytes(MIB)

    written = 0
    for piece in encode(ZIPPED, reading()):
        # Noise takes as much room as before; 3 MiB of it at most are inside.
        assert read * MIB - written < 3 * MIB
        written += len(piece)


def test_it_is_as_small_as_gzip_would_make_it() -> None:
    content = rows(50_000, seed=4)
    assert len(content) > 5 * MIB
    assert len(stored(content)) <= 1.01 * len(gzip.compress(content, 6))


@pytest.mark.parametrize("day", ["230603", "240106", "240113", "240120"])
def test_a_real_week_is_as_small_as_gzip_would_make_it(day: str) -> None:
    path = WEEKS / f"turnstile_{day}.txt.gz"
    if not path.exists():
        pytest.skip(f"the real week {path.name} is not beside the checkout")
    content = gzip.decompress(path.read_bytes())
    data = stored(content)
    assert gzip.decompress(data) == content
    assert len(data) <= 1.01 * len(gzip.compress(content, 6))


@given(st.lists(st.binary(min_size=1, max_size=50)))
def test_what_is_compressed_already_is_stored_as_it_came(pieces: list[bytes]) -> None:
    assert [*encode(AS_IT_IS, iter(pieces))] == pieces


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("f/2023.csv.gz", "application/gzip"),
        ("f/2023.zip", "application/zip"),
        ("f/2023.parquet", "application/vnd.apache.parquet"),
        ("f.gz/2023.zip", "application/zip"),
        ("f.gz/2023", "application/octet-stream"),
        ("f/2023.unknown", "application/octet-stream"),
    ],
)
def test_what_is_stored_as_it_came_has_the_type_of_its_name(name: str, expected: str) -> None:
    assert content_type(AS_IT_IS, name) == expected


def test_what_was_zipped_here_is_gzip_whatever_its_name() -> None:
    assert content_type(ZIPPED, "f/2023.csv") == "application/gzip"
    assert content_type(ZIPPED, "f/2023.zip") == "application/gzip"
