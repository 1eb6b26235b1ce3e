"""Is this the file? Headers, web pages in its place, sizes, rows."""

import hashlib
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.checks import Inspection
from ingest.errors import RejectedError
from ingest.feed import Feed
from ingest.feeds import load_catalogue
from tests.support.strategies import feed_of

TURNSTILE = load_catalogue().default
HEADER = b"C/A,UNIT,SCP,STATION,LINENAME,DIVISION,DATE,TIME,DESC,ENTRIES,EXITS" + b" " * 63
ROW = b"A002,R051,02-00-00,59 ST,NQR456W,BMT,05/27/2023,00:00:00,REGULAR,0007887453,0002720062"
PLAIN = feed_of()
PACKED = feed_of(compress="none", object="f/{date:%Y%m%d}.bz2")
ABC = feed_of(checks={"header": "a, b,c"})


def inspect(
    feed: Feed, *blocks: bytes, period: str = "2023-06-03", content_type: str = "text/csv"
) -> Inspection:
    inspection = Inspection(feed, feed.calendar.period(period), content_type)
    assert [*inspection.watch(iter(blocks))] == [*blocks]
    return inspection


def rejected(feed: Feed, *blocks: bytes, **options: Any) -> RejectedError:
    with pytest.raises(RejectedError) as caught:
        inspect(feed, *blocks, **options)
    return caught.value


def test_a_week_of_the_modern_era_is_taken_with_its_padding_and_its_rows_counted() -> None:
    week = HEADER + b"\n" + (ROW.ljust(130) + b"\n") * 1000
    seen = inspect(TURNSTILE, week)
    assert (seen.rows, seen.bytes) == (1000, len(week))
    assert seen.sha256 == hashlib.sha256(week).hexdigest()


def test_a_week_before_the_header_came_has_none_and_all_its_lines_are_rows() -> None:
    week = (ROW + b"\n") * 2000
    assert inspect(TURNSTILE, week, period="2014-10-11").rows == 2000
    assert rejected(TURNSTILE, week, period="2014-10-18").reason == "header"
    assert inspect(TURNSTILE, week, period="2010-05-05").rows == 2000


@pytest.mark.parametrize(
    "line",
    [
        *(b"a,b,c", b"a,b,c\r", b"a,b,c    ", b" a ,\tb, c", b'"a","b","c"', b'"a",b,"c "'),
        *(b"\xef\xbb\xbfa,b,c", b'\xef\xbb\xbf"a","b","c"\r', b'" a ", "b",c'),
    ],
)
def test_the_names_of_a_header_are_compared_stripped_and_unquoted(line: bytes) -> None:
    assert inspect(ABC, line + b"\n1,2,3\n").rows == 1
    assert inspect(ABC, line).rows == 0


@pytest.mark.parametrize(
    "line",
    [
        *(b"a,b", b"a,b,c,d", b"b,a,c", b"A,B,C", b"a;b;c", b"", b"a,b,c,", b"1,2,3", b"a b c"),
        *(b"\na,b,c", b"a,\xff,c", b'a,"b,c', b"a,b,c\0", b"\xff\xfea\0,\0b\0,\0c\0"),
        *(b"a" * 200_000, b"a,b,c" + b" " * 70_000 + b",d", b",".join([b"x"] * 30_000)),
    ],
)
def test_another_header_is_rejected_and_shown(line: bytes) -> None:
    error = rejected(ABC, line + b"\n1,2,3\n")
    assert error.reason == "header"
    assert "instead of the header a,b,c" in str(error)
    assert len(str(error)) < 600


@pytest.mark.parametrize(
    "page",
    [
        *(b"<!DOCTYPE html><html>", b"<html><body>Not found", b"<HTML>", b"<head><title>"),
        *(b"\r\n\t  <!doctype HTML>", b"\xef\xbb\xbf<html>", b"<body onload=x>", b"<html"),
    ],
)
@pytest.mark.parametrize("feed", [PLAIN, ABC, TURNSTILE, PACKED])
def test_a_web_page_in_place_of_the_file_is_known_by_how_it_begins(
    feed: Feed, page: bytes
) -> None:
    assert rejected(feed, page + b" " * 200_000, content_type="text/plain").reason == "html"


@pytest.mark.parametrize(
    "content_type", ["text/html", "Text/HTML; charset=utf-8", "application/xhtml+xml"]
)
def test_a_web_page_is_known_by_its_type_where_no_header_proves_the_file(
    content_type: str,
) -> None:
    assert rejected(PLAIN, b"1,2,3\n", content_type=content_type).reason == "html"
    # Some servers call everything a page.
    assert inspect(ABC, b"a,b,c\n1,2,3\n", content_type=content_type).rows == 1
    old = rejected(TURNSTILE, ROW * 2000, period="2014-10-11", content_type=content_type)
    assert old.reason == "html"


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "application/octet-stream", "x", ";;", "text/html5"]
)
def test_any_other_type_is_taken(content_type: str) -> None:
    assert inspect(PLAIN, b"1,2,3\n", content_type=content_type).rows == 1


@pytest.mark.parametrize("feed", [PLAIN, ABC, PACKED])
def test_an_empty_file_is_rejected(feed: Feed) -> None:
    assert rejected(feed).reason == "empty"


def test_a_file_below_the_least_size_is_rejected() -> None:
    feed = feed_of(checks={"min_bytes": 10})
    assert rejected(feed, b"x" * 9).reason == "small"
    assert inspect(feed, b"x" * 10).bytes == 10


def test_a_file_is_not_ended_before_it_is_known_to_be_one() -> None:
    """Whoever stores what passes by must not see a whole file that is none."""
    inspection = Inspection(
        feed_of(checks={"min_bytes": 10}), PLAIN.calendar.period("2023-06-03"), ""
    )
    passing = inspection.watch(iter([b"1234", b"5678"]))
    assert [next(passing), next(passing)] == [b"1234", b"5678"]
    with pytest.raises(RejectedError):
        next(passing)


def test_a_wrong_beginning_is_rejected_before_anything_passes() -> None:
    def blocks() -> Iterator[bytes]:
        yield b"<html>"
        pytest.fail("the rest was asked for")

    inspection = Inspection(PLAIN, PLAIN.calendar.period("2023-06-03"), "")
    with pytest.raises(RejectedError):
        next(inspection.watch(blocks()))


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        (b"1\n2\n3\n", 3),
        (b"1\n2\n3", 3),
        (b"1", 1),
        (b"\n", 1),
        (b"1\n\n2\n", 3),
        (b"1\r\n2\r\n", 2),
    ],
)
def test_rows_are_lines_with_or_without_a_last_newline(content: bytes, rows: int) -> None:
    assert inspect(PLAIN, content).rows == rows
    assert inspect(ABC, b"a,b,c\n" + content).rows == rows


def test_what_is_stored_compressed_as_it_came_has_no_rows() -> None:
    assert inspect(PACKED, b"1\n2\n").rows is None


@given(
    st.lists(st.sampled_from([b"1,2", b"\n", b"\r\n", b"", b"x" * 50, b"\xff\0"]), min_size=1),
    st.lists(st.integers(0, 500), max_size=8),
    st.sampled_from([PLAIN, ABC, PACKED, feed_of(checks={"min_bytes": 40})]),
)
def test_however_it_is_cut_after_its_header_the_result_is_the_same(
    lines: list[bytes], cuts: list[int], feed: Feed
) -> None:
    content = b"a,b,c\n" + b"".join(lines)
    inside = sorted({6, *(6 + cut % max(len(content) - 6, 1) for cut in cuts)} - {len(content)})
    blocks = [content[a:b] for a, b in pairwise([0, *inside, len(content)]) if a < b]
    assert b"".join(blocks) == content
    if feed.checks.min_bytes > len(content):
        assert rejected(feed, *blocks).reason == rejected(feed, content).reason == "small"
        return
    cut, whole = inspect(feed, *blocks), inspect(feed, content)
    assert (cut.rows, cut.bytes, cut.sha256) == (whole.rows, whole.bytes, whole.sha256)
    assert cut.sha256 == hashlib.sha256(content).hexdigest()
    assert cut.rows is None or cut.rows == len(content.removesuffix(b"\n").split(b"\n")) - (
        feed is ABC
    )
