"""Files that are stored as they are: whole ones pass, whatever broke is told."""

import gzip
import io
import random
import struct
import tracemalloc
import zipfile
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.checks import Inspection
from ingest.errors import RejectedError
from ingest.feed import Feed
from tests.support.archives import parquet_of, zip_of
from tests.support.strategies import feed_of

MIB = 2**20
FEEDS = {
    kind: feed_of(compress="none", object=f"f/{{date:%Y%m%d}}.{suffix}")
    for kind, suffix in (("gzip", "json.gz"), ("zip", "zip"), ("parquet", "parquet"))
}
CONTENT = random.Random(7).randbytes(3000)
WHOLE = {
    "gzip": gzip.compress(CONTENT[:1000]) + gzip.compress(CONTENT[1000:]),
    "zip": zip_of({"a.csv": CONTENT[:1000], "b.csv": CONTENT[1000:], "empty": b""}),
    "parquet": parquet_of(CONTENT),
}
KINDS = st.sampled_from([*WHOLE])


def inspect(feed: Feed, blocks: Iterator[bytes]) -> None:
    inspection = Inspection(feed, feed.calendar.period("2023-06-03"), "application/zip")
    for _ in inspection.watch(blocks):
        pass


def cut(data: bytes, at: list[int]) -> Iterator[bytes]:
    ends = [0, *sorted({n % len(data) for n in at}), len(data)] if data else []
    return (data[a:b] for a, b in pairwise(ends) if a < b)


def reason(kind: str, data: bytes) -> str | None:
    """Why a file is rejected; None where it is whole."""
    try:
        inspect(FEEDS[kind], cut(data, [100, 2000]))
    except RejectedError as error:
        return error.reason
    return None


def said(kind: str, data: bytes) -> str:
    """The sentence that a file is rejected with."""
    with pytest.raises(RejectedError) as caught:
        inspect(FEEDS[kind], cut(data, [100, 2000]))
    assert caught.value.reason == kind
    return str(caught.value)


@given(KINDS, st.lists(st.integers(0, 10_000), max_size=5))
def test_a_whole_file_passes_however_it_is_cut(kind: str, at: list[int]) -> None:
    inspect(FEEDS[kind], cut(WHOLE[kind], at))


@given(KINDS, st.integers(1, 3000))
def test_a_file_that_lacks_its_end_is_broken(kind: str, missing: int) -> None:
    data = WHOLE[kind][: -min(missing, len(WHOLE[kind]) - 1)]
    # What is left of one gzip member where the other begins is whole.
    if kind == "gzip" and data == gzip.compress(CONTENT[:1000]):
        return
    assert reason(kind, data) == kind


@given(st.sampled_from(["gzip", "zip"]), st.integers(30, 2900), st.integers(1, 20))
def test_a_file_that_lost_bytes_in_the_middle_is_broken(kind: str, at: int, lost: int) -> None:
    assert reason(kind, WHOLE[kind][:at] + WHOLE[kind][at + lost :]) == kind


@given(st.integers(0, 3000), st.integers(1, 255))
def test_a_bit_that_flips_in_gzip_is_found_by_its_checksum(at: int, flip: int) -> None:
    data = bytearray(WHOLE["gzip"])
    data[10 + at % (len(data) - 10)] ^= flip
    assert reason("gzip", bytes(data)) in {"gzip", None}
    body = bytearray(gzip.compress(CONTENT, 0))
    body[15 + at % 2900] ^= flip
    assert reason("gzip", bytes(body)) == "gzip"


@given(KINDS, st.binary(max_size=200))
def test_whatever_else_it_is_it_is_told_and_nothing_worse_happens(
    kind: str, data: bytes
) -> None:
    assert reason(kind, data) in {kind, "empty", "html"}
    assert reason(kind, WHOLE[kind][:4] + data) in {kind}


@pytest.mark.parametrize("comment", [b"", b"PK\5\6" * 20, b"x" * 65535])
def test_a_zip_may_end_in_a_comment(comment: bytes) -> None:
    assert reason("zip", zip_of({"a": CONTENT}, comment)) is None
    assert reason("zip", zip_of({"a": CONTENT}, comment + b"y" * (not comment))[:-1]) == "zip"


def test_a_zip_of_many_entries_has_a_record_of_its_own() -> None:
    many = zip_of({f"{n}.csv": b"" for n in range(66_000)})
    assert reason("zip", many) is None
    assert reason("zip", many[:-1]) == "zip"
    # Its zip64 record says that there is one entry more.
    at = many.rindex(b"PK\6\6")
    wrong = bytearray(many)
    wrong[at + 24 : at + 40] = (66_001).to_bytes(8, "little") * 2
    wrong[at + 40 : at + 48] = (1).to_bytes(8, "little")
    assert reason("zip", bytes(wrong)) == "zip"


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_whatever_flips_at_the_end_of_a_zip_nothing_worse_happens(at: int, flip: int) -> None:
    data = bytearray(WHOLE["zip"])
    data[-1 - at % 300] ^= flip
    assert reason("zip", bytes(data)) in {"zip", None}


def test_an_entry_that_the_directory_lacks_is_missed() -> None:
    archive = bytearray(WHOLE["zip"])
    end = archive.rindex(b"PK\5\6")
    archive[end + 8 : end + 12] = b"\4\0\4\0"  # it has three
    assert reason("zip", bytes(archive)) == "zip"


@pytest.mark.parametrize("kind", ["zip", "parquet"])
def test_what_begins_as_something_else_is_told_at_once(kind: str) -> None:
    assert "begins with b'XXXX'" in said(kind, b"XXXX" + WHOLE[kind][4:])


@pytest.mark.parametrize(
    ("field", "value"), [("disk", 1), ("first disk", 1), ("entries here", 2)]
)
def test_a_part_of_an_archive_of_several_is_told(field: str, value: int) -> None:
    archive = bytearray(WHOLE["zip"])
    at = archive.rindex(b"PK\5\6") + {"disk": 4, "first disk": 6, "entries here": 8}[field]
    archive[at : at + 2] = value.to_bytes(2, "little")
    assert "one part of a zip archive of several" in said("zip", bytes(archive))


def test_an_entry_lies_before_the_directory() -> None:
    archive = bytearray(WHOLE["zip"])
    directory = archive.index(b"PK\1\2")
    archive[directory + 42 : directory + 46] = directory.to_bytes(4, "little")
    assert "0 of its 3 entries" in said("zip", bytes(archive))


def zip64(*, record_at: int | None = None, magic: bytes = b"PK\6\6") -> bytes:
    """An archive of one entry whose directory is told by a zip64 record."""
    whole = zip_of({"a.csv": CONTENT})
    directory, end = whole.index(b"PK\1\2"), whole.rindex(b"PK\5\6")
    numbers = (1, 1, end - directory, directory)
    record = struct.pack("<4sQ2H2L4Q", magic, 44, 45, 45, 0, 0, *numbers)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, end if record_at is None else record_at, 1)
    last = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, *[0xFFFF] * 2, *[0xFFFFFFFF] * 2, 0)
    return whole[:end] + record + locator + last


def test_the_record_of_zip64_is_where_its_locator_says() -> None:
    assert reason("zip", zip64()) is None
    locator = len(zip64()) - 22 - 20
    for elsewhere in (2**62, locator, locator - 55):
        assert "zip64 record is elsewhere" in said("zip", zip64(record_at=elsewhere))
    assert "has no zip64 record" in said("zip", zip64(record_at=3))
    assert "has no zip64 record" in said("zip", zip64(magic=b"PK\6\5"))


def test_zips_of_other_makers_are_zips_too() -> None:
    streamed = io.BytesIO()
    with zipfile.ZipFile(
        io.BufferedWriter(_Unseekable(streamed)), "w", zipfile.ZIP_DEFLATED
    ) as file:
        file.writestr("a.csv", CONTENT)
    assert reason("zip", streamed.getvalue()) is None
    assert reason("zip", zip_of({})) is None


class _Unseekable(io.RawIOBase):
    def __init__(self, target: io.BytesIO) -> None:
        self._target = target

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        return self._target.write(bytes(data))  # type: ignore[call-overload]


@pytest.mark.parametrize("footer", [0, 3007 + 1, 2**32 - 1])
def test_a_parquet_footer_fits_between_the_magic_bytes(footer: int) -> None:
    data = bytearray(WHOLE["parquet"])
    data[-8:-4] = footer.to_bytes(4, "little")
    assert reason("parquet", bytes(data)) == "parquet"
    assert reason("parquet", parquet_of(b"", b"f")) is None
    assert reason("parquet", b"PAR1" + (1).to_bytes(4, "little") + b"PAR1") == "parquet"


@pytest.mark.parametrize(("kind", "start"), [("zip", b"PK\3\4"), ("parquet", b"PAR1")])
def test_a_large_file_leaves_no_more_than_its_end_in_memory(kind: str, start: bytes) -> None:
    end = zip_of({})[:-6] + (64 * MIB + 4).to_bytes(4, "little") + b"\0\0"
    end = end if kind == "zip" else parquet_of(b"")[4:]

    def blocks() -> Iterator[bytes]:
        yield start + bytes(MIB - 4)
        for _ in range(63):
            yield bytes(MIB)
        yield bytes(4) + end

    tracemalloc.start()
    try:
        inspect(FEEDS[kind], blocks())
        assert tracemalloc.get_traced_memory()[1] < 6 * MIB
    finally:
        tracemalloc.stop()


def test_what_has_none_of_these_names_is_not_looked_into() -> None:
    feed = feed_of(compress="none", object="f/{date:%Y%m%d}.bz2")
    inspect(feed, iter([b"anything"]))
