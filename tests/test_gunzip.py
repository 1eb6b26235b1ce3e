"""Gzip files that are stored as they came, or are sent so unasked: unzipped, and seen whole."""

import gzip
import struct
import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.checks import Inspection
from ingest.containers import kind_of
from ingest.errors import RejectedError
from ingest.gunzip import NotGzipError, unwrapped, unzipped
from tests.support.strategies import feed_of

MIB = 2**20
TEXT = "".join(f"{n},{n * n % 9973}\n" for n in range(300)).encode()
SMALL = gzip.compress(TEXT, mtime=0)


def gunzip(*blocks: bytes) -> bytes:
    return b"".join(unzipped(iter(blocks)))


def refused(*blocks: bytes) -> None:
    with pytest.raises(NotGzipError):
        gunzip(*blocks)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[a:b] for a, b in pairwise(ends)]


@given(
    st.lists(
        st.tuples(
            st.binary(max_size=300) | st.just(bytes(50_000)) | st.just(TEXT),
            st.integers(0, 9),
            st.integers(0, 20),
        ),
        min_size=1,
        max_size=5,
    ),
    st.lists(st.integers(0)),
)
def test_members_one_after_another_are_sound_padded_by_zeros_and_cut_anywhere(
    members: list[tuple[bytes, int, int]], places: list[int]
) -> None:
    data = b"".join(
        gzip.compress(content, level, mtime=1) + bytes(zeros)
        for content, level, zeros in members
    )
    assert gunzip(*cut(data, places)) == b"".join(content for content, _, _ in members)


def test_a_file_that_ends_at_any_byte_before_its_end_is_refused() -> None:
    for end in range(1, len(SMALL)):
        refused(SMALL[:end])
        refused(SMALL[: end // 2], SMALL[end // 2 : end])
        refused(SMALL + SMALL[:end])


def test_a_long_file_that_ends_early_is_refused() -> None:
    """Its unzipped text does not fit into one piece, and the last piece ends with the input."""
    for content in (bytes(MIB), bytes(MIB - 1), bytes(MIB + 258), bytes(3 * MIB), TEXT * 500):
        data = gzip.compress(content, 9)
        assert gunzip(data) == content
        assert gunzip(*cut(data, [*range(0, len(data), 7)])) == content
        for end in [*range(1, len(data), 97), *range(len(data) - 20, len(data))]:
            refused(data[:end])


def test_a_file_with_any_bit_flipped_is_refused_unless_its_text_is_the_same() -> None:
    taken = 0
    for place in range(10, len(SMALL)):  # after the header, whose time and system say nothing
        for bit in range(8):
            flipped = bytearray(SMALL)
            flipped[place] ^= 1 << bit
            try:
                assert gunzip(bytes(flipped)) == TEXT
            except NotGzipError:
                continue
            taken += 1
            assert place < len(SMALL) - 8  # never the checksum, nor the length
    # What fills up the last byte, and now and then another way to say the same.
    assert taken < len(SMALL) // 50


@given(st.binary(max_size=100), st.integers(0, 100))
def test_what_is_taken_for_sound_unzips_to_the_same_everywhere(data: bytes, n: int) -> None:
    for content in (data, data + SMALL, SMALL + data, SMALL[:n] + data + SMALL[n:]):
        try:
            text = gunzip(content)
        except NotGzipError:
            continue
        assert text == gzip.decompress(content)


@pytest.mark.parametrize(
    "garbage",
    [
        b"x",
        b"\n",
        b"\0\0x",
        b"\x1f",
        b"\x1f\x8b",
        b"<html>",
        SMALL[:-1],
        SMALL[1:],
        b"\0" * 9 + b"\1",
    ],
)
def test_garbage_after_the_file_is_refused(garbage: bytes) -> None:
    refused(SMALL + garbage)
    refused(SMALL, garbage)
    refused(SMALL, *(garbage[n : n + 1] for n in range(len(garbage))))


@pytest.mark.parametrize(
    "data", [b"\0", b"plain text", b"PK\x03\x04", TEXT, b"\x1f\x8b\x08\xff"]
)
def test_what_is_no_gzip_is_refused(data: bytes) -> None:
    refused(data)


def test_sound_text_under_a_wrong_checksum_or_length_is_refused() -> None:
    crc, length = struct.unpack("<II", SMALL[-8:])
    refused(SMALL[:-8] + struct.pack("<II", crc ^ 1, length))
    refused(SMALL[:-8] + struct.pack("<II", crc, length + 1))


def test_data_that_breaks_in_the_bits_that_are_held_back_is_refused() -> None:
    """1 MiB, then a last byte: one more letter, the block's end, a block of no known type."""
    stored = b"".join(
        struct.pack("<BHH", 0, size, size ^ 0xFFFF) + b"a" * size
        for size in [65535] * 16 + [16]
    )
    bits: list[int] = []

    def put(*values: tuple[int, int]) -> None:
        bits.extend(value >> n & 1 for value, count in values for n in range(count))

    # A dynamic block in which literal 0 and the end have codes of one bit (RFC 1951, 3.2.7).
    put((0b100, 3), (0, 5), (0, 5), (14, 4))
    order = (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1)
    put(*((symbol in (1, 18), 3) for symbol in order))
    put((0, 1), (1, 1), (138 - 11, 7), (1, 1), (117 - 11, 7), (0, 1), (0, 1))
    put((0, 1), (1, 1), (0b110, 3))
    packed = sum(bit << n for n, bit in enumerate(bits)).to_bytes(len(bits) // 8 + 1, "little")
    refused(b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + stored + packed)


def test_a_bomb_is_unzipped_in_pieces() -> None:
    bomb = gzip.compress(bytes(64 * MIB), 9)
    tracemalloc.start()
    try:
        assert sum(map(len, unzipped(iter([bomb])))) == 64 * MIB
        assert tracemalloc.get_traced_memory()[1] < 8 * MIB
    finally:
        tracemalloc.stop()


def test_gzip_is_what_is_stored_as_it_came_under_a_name_that_says_so() -> None:
    assert kind_of(feed_of(compress="none", object="f/{date:%Y%m%d}.json.gz")) == "gzip"
    assert kind_of(feed_of(compress="none", object="f/{date:%Y%m%d}.zip")) == "zip"
    assert kind_of(feed_of(object="f/{date:%Y%m%d}.csv.gz")) is None


def test_a_feed_of_gzip_files_is_checked_as_its_blocks_pass() -> None:
    feed = feed_of(compress="none", object="f/{date:%Y%m%d}.json.gz")
    period = feed.calendar.period("2023-06-03")
    inspection = Inspection(feed, period, "application/gzip")
    assert [*inspection.watch(iter([SMALL[:50], SMALL[50:]]))] == [SMALL[:50], SMALL[50:]]
    assert (inspection.rows, inspection.bytes) == (None, len(SMALL))
    for blocks in ([SMALL[:-1]], [SMALL, b"x"], [TEXT]):
        with pytest.raises(RejectedError) as caught:
            [*Inspection(feed, period, "").watch(iter(blocks))]
        assert caught.value.reason == "gzip"


def test_a_bomb_is_rejected_long_before_its_end_and_a_file_as_usual_is_not() -> None:
    feed = feed_of(compress="none", object="f/{date:%Y%m%d}.json.gz", max_bytes="64KiB")
    period = feed.calendar.period("2023-06-03")
    bomb = gzip.compress(bytes(60 * MIB), 9)
    assert len(bomb) < feed.max_bytes
    with pytest.raises(RejectedError) as caught:
        [*Inspection(feed, period, "").watch(iter([bomb]))]
    assert caught.value.reason == "large"
    # Text shrinks to a tenth or so.
    usual = gzip.compress(bytes(10 * feed.max_bytes))
    assert [*Inspection(feed, period, "").watch(iter([usual]))] == [usual]


@given(st.binary(max_size=300), st.lists(st.integers(0)))
def test_a_gzip_file_is_the_same_wrapped_in_gzip_once_more_or_only_said_to_be(
    content: bytes, places: list[int]
) -> None:
    file = gzip.compress(b"text " + content)
    for sent in (file, gzip.compress(file), gzip.compress(b"") + gzip.compress(file)):
        assert b"".join(unwrapped(iter(cut(sent, places)))) == file


def test_what_is_no_gzip_although_it_is_said_to_be_is_refused() -> None:
    with pytest.raises(NotGzipError):
        b"".join(unwrapped(iter([TEXT])))


def test_little_is_held_to_see_whether_a_file_is_wrapped() -> None:
    empty = gzip.compress(b"") * 10_000
    tracemalloc.start()
    for _ in unwrapped(bytes(bytearray(empty)) for _ in range(100)):
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5 * MIB
