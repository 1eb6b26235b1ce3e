"""Everything a source can do wrong: each fault as a script, with what lakefill makes of it.

docs/reliability.md is written from this list, and tests/test_source_faults.py runs it.
"""

import contextlib
import gzip
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate

from tests.support.archives import parquet_of, zip_of
from tests.support.source_server import Wire

ROWS = b"a,b\n" + b"".join(b"%d,%d\n" % (n, n * n) for n in range(20_000))
OTHER = ROWS.replace(b"7", b"8")
HALF = len(ROWS) // 2
ETAG = b'ETag: "one"\r\n'
END = b"\r\n"


@dataclass(frozen=True)
class Fault:
    """A fault, what is done about it, and how the delivery ends.

    `script` plays the source; `stores` is what the object then unzips to, or, where the feed
    stores files as they come, is (None: nothing is stored). `feed` names the catalogue's entry;
    `asked` how many requests the source gets.
    """

    name: str
    does: str
    outcome: str
    script: Callable[[Wire], None]
    reason: str | None = None
    stores: bytes | None = None
    feed: str = "tiny"
    asked: int | None = None
    resumed: int | None = None


def head(status: str = "200 OK", *lines: bytes, length: int | None = len(ROWS)) -> bytes:
    size = b"" if length is None else b"Content-Length: %d\r\n" % length
    return b"HTTP/1.1 " + status.encode() + b"\r\n" + size + b"".join(lines) + END


def answer(status: str, body: bytes = b"", *lines: bytes) -> Callable[[Wire], None]:
    """Give a complete answer, the same each time."""
    return lambda wire: wire.send(head(status, *lines, length=len(body)), body)


def first(bad: Callable[[Wire], None], then: Callable[[Wire], None]) -> Callable[[Wire], None]:
    """Be bad once, and good ever after."""
    return lambda wire: bad(wire) if wire.count == 1 else then(wire)


def part(wire: Wire, body: bytes = ROWS, *lines: bytes) -> None:
    """Answer a range as it should be."""
    start = int(wire.headers["Range"].removeprefix("bytes=").removesuffix("-"))
    span = b"Content-Range: bytes %d-%d/%d\r\n" % (start, len(body) - 1, len(body))
    rest = body[start:]
    wire.send(head("206 Partial Content", span, *(lines or (ETAG,)), length=len(rest)), rest)


def cut(*lines: bytes) -> Callable[[Wire], None]:
    """Send half the body and hang up."""
    return lambda wire: wire.send(head("200 OK", *lines), ROWS[:HALF])


def reset(*lines: bytes) -> Callable[[Wire], None]:
    def script(wire: Wire) -> None:
        wire.send(head("200 OK", *lines), ROWS[:HALF])
        wire.reset()

    return script


def stall(wire: Wire) -> None:
    wire.send(head("200 OK", ETAG), ROWS[:HALF])
    wire.wait_hung_up()


def drip(wire: Wire) -> None:
    wire.send(head("200 OK", ETAG))
    for byte in ROWS:
        wire.send(bytes([byte]))
        time.sleep(0.05)


def drip_headers(wire: Wire) -> None:
    wire.send(b"HTTP/1.1 200 OK\r\nX-Endless: ")
    for _ in range(600):
        wire.send(b"x")
        time.sleep(0.05)


def chunked(body: bytes, end: bytes = b"0\r\n\r\n", *lines: bytes) -> Callable[[Wire], None]:
    chunk = b"%x\r\n%b\r\n" % (len(body), body)
    return lambda wire: wire.send(
        head("200 OK", b"Transfer-Encoding: chunked\r\n", *lines, length=None), chunk, end
    )


def wrong_part(status: str, start: int, etag: bytes) -> Callable[[Wire], None]:
    """Answer a range with another range, or of another version."""

    def script(wire: Wire) -> None:
        span = b"Content-Range: bytes %d-%d/%d\r\n" % (start, len(ROWS) - 1, len(ROWS))
        if "Range" in wire.headers:
            rest = OTHER[start:]
            wire.send(head(status, span, etag, length=len(rest)), rest)
        else:
            good(wire)

    return script


def retry_after(value: Callable[[], bytes], status: str) -> Callable[[Wire], None]:
    return lambda wire: wire.send(head(status, b"Retry-After: " + value() + b"\r\n", length=0))


def until_a_second_has_passed(then: Callable[[Wire], None]) -> Callable[[Wire], None]:
    """Answer 429 with a Retry-After of a second, as often as asked before that is over."""
    ends: list[float] = []

    def script(wire: Wire) -> None:
        now = time.monotonic()
        if not ends:
            ends.append(now + 1)
        again = then if now >= ends[0] else retry_after(lambda: b"1", "429 Slow down")
        again(wire)

    return script


def empty_members(wire: Wire) -> None:
    """Send gzip of nothing, member after member, until the client hangs up."""
    member = gzip.compress(b"") * 3000
    wire.send(head("200 OK", GZIP, b"Transfer-Encoding: chunked\r\n", length=None))
    with contextlib.suppress(OSError):
        while True:
            wire.send(b"%x\r\n%b\r\n" % (len(member), member))


def in_a_second() -> bytes:
    return formatdate(time.time() + 1, usegmt=True).encode()


good = answer("200 OK", ROWS, ETAG)
HTML = b"<!DOCTYPE html><html><body>File not found</body></html>"
BOMB = gzip.compress(bytes(30 * 2**20))
ZIPPED = gzip.compress(ROWS)
ARCHIVE = zip_of({"rows.csv": ROWS, "more.csv": OTHER})
PARQUET = parquet_of(ROWS)
GZIP = b"Content-Encoding: gzip\r\n"

FAULTS = [
    Fault("connection reset before an answer", "tries again", "retry", Wire.reset, "network"),
    Fault(
        "reset in the middle of the body",
        "asks for the rest with Range and If-Range, and goes on in the same gzip stream",
        "stored",
        first(reset(ETAG), part),
        stores=ROWS,
        asked=2,
        resumed=-1,
    ),
    Fault(
        "short body under Content-Length",
        "the same",
        "stored",
        first(cut(ETAG), part),
        stores=ROWS,
        asked=2,
        resumed=len(ROWS) - HALF,
    ),
    Fault(
        "short body, only Last-Modified to tell versions by",
        "the same, with that date in If-Range",
        "stored",
        first(
            cut(b"Last-Modified: Sat, 03 Jun 2023 09:00:00 GMT\r\n"),
            lambda wire: part(wire, ROWS, b""),
        ),
        stores=ROWS,
        asked=2,
        resumed=len(ROWS) - HALF,
    ),
    Fault(
        "short body without validators",
        "starts over, since the rest might be another version's",
        "stored",
        first(cut(), good),
        stores=ROWS,
        asked=2,
        resumed=0,
    ),
    Fault(
        "weak ETag",
        "starts over: a weak ETag does not promise the same bytes",
        "stored",
        first(cut(b'ETag: W/"one"\r\n'), good),
        stores=ROWS,
        asked=2,
        resumed=0,
    ),
    Fault(
        "Range ignored (200 for 206)",
        "starts over",
        "stored",
        first(cut(ETAG), good),
        stores=ROWS,
        asked=3,
    ),
    Fault(
        "ETag changed in the middle",
        "starts over, and stores the new version whole",
        "stored",
        first(cut(ETAG), answer("200 OK", OTHER, b'ETag: "two"\r\n')),
        stores=OTHER,
        asked=3,
    ),
    Fault(
        "wrong Content-Range",
        "starts over",
        "stored",
        first(cut(ETAG), wrong_part("206 Partial Content", HALF - 1, ETAG)),
        stores=ROWS,
        asked=3,
    ),
    Fault(
        "206 of another version",
        "starts over",
        "stored",
        first(cut(ETAG), wrong_part("206 Partial Content", HALF, b'ETag: "two"\r\n')),
        stores=ROWS,
        asked=3,
    ),
    Fault(
        "416 where the rest should come",
        "starts over",
        "stored",
        first(
            cut(ETAG),
            lambda w: answer("416 Nope")(w) if "Range" in w.headers else good(w),
        ),
        stores=ROWS,
        asked=3,
    ),
    Fault(
        "500 where the rest should come",
        "asks for the rest once more",
        "stored",
        lambda w: (cut(ETAG), answer("500 Oh"), part)[min(w.count, 3) - 1](w),
        stores=ROWS,
        asked=3,
        resumed=len(ROWS) - HALF,
    ),
    Fault(
        "429 with a Retry-After where the rest should come",
        "waits as long, and asks for the rest",
        "stored",
        first(cut(ETAG), until_a_second_has_passed(part)),
        stores=ROWS,
        asked=3,
        resumed=len(ROWS) - HALF,
    ),
    Fault(
        "429 with a Retry-After of hours where the rest should come",
        "asks no more: Pub/Sub does",
        "retry",
        first(cut(ETAG), retry_after(lambda: b"7200", "429 Slow down")),
        "cut",
        asked=2,
    ),
    Fault(
        "cut every time",
        "takes it up, starts over, then tries again later",
        "retry",
        cut(),
        "cut",
    ),
    Fault(
        "stall in the middle of the body",
        "waits for a part of the time left, then asks for the rest",
        "stored",
        first(stall, part),
        stores=ROWS,
        asked=2,
        resumed=len(ROWS) - HALF,
    ),
    Fault("slow drip", "gives up at the deadline, answers in time", "retry", drip, "deadline"),
    Fault(
        "headers that never end, byte by byte",
        "gives up at the deadline, and hangs up",
        "retry",
        drip_headers,
        "deadline",
    ),
    Fault(
        "long body (more than Content-Length)",
        "stores what was announced; the rest never reaches the next request",
        "stored",
        lambda wire: wire.send(head("200 OK", ETAG), ROWS, b"HTTP/1.1 200 OK\r\n\r\ngarbage"),
        stores=ROWS,
    ),
    Fault(
        "chunked, cut before the last chunk",
        "starts over",
        "stored",
        first(chunked(ROWS, b""), chunked(ROWS)),
        stores=ROWS,
        asked=2,
    ),
    Fault(
        "chunked, cut, with an ETag",
        "asks for the rest",
        "stored",
        first(chunked(ROWS[:HALF], b"", ETAG), part),
        stores=ROWS,
        asked=2,
        resumed=len(ROWS) - HALF,
    ),
    Fault(
        "neither length nor chunks",
        "stores it, and says that its end could not be told",
        "stored",
        lambda wire: wire.send(head("200 OK", length=None), ROWS),
        stores=ROWS,
    ),
    Fault("200 with a web page", "refuses it", "rejected", answer("200 OK", HTML), "html"),
    Fault("200 with nothing", "refuses it", "rejected", answer("200 OK"), "empty"),
    Fault("404", "puts it on record", "absent", answer("404 Not Found", HTML), "absent"),
    Fault("410", "puts it on record", "absent", answer("410 Gone"), "absent"),
    Fault("403", "refuses it", "rejected", answer("403 Forbidden", HTML), "status"),
    Fault("401", "refuses it", "rejected", answer("401 Unauthorized"), "status"),
    Fault(
        "206 unasked", "refuses it", "rejected", answer("206 Partial Content", ROWS), "status"
    ),
    Fault("408", "tries again", "retry", answer("408 Timeout"), "request_timeout"),
    Fault("429", "tries again", "retry", answer("429 Slow down"), "throttled"),
    Fault(
        "429 with a Retry-After of seconds",
        "waits as long, and asks again in the same delivery",
        "stored",
        first(retry_after(lambda: b"1", "429 Slow down"), good),
        stores=ROWS,
        asked=2,
    ),
    Fault(
        "503 with a Retry-After that is a date",
        "the same",
        "stored",
        first(retry_after(in_a_second, "503 Busy"), good),
        stores=ROWS,
        asked=2,
    ),
    Fault(
        "429 with a Retry-After of hours",
        "does not wait: Pub/Sub does",
        "retry",
        retry_after(lambda: b"7200", "429 Slow down"),
        "throttled",
        asked=1,
    ),
    Fault("500", "tries again", "retry", answer("500 Oh", HTML), "server_error"),
    Fault("502", "tries again", "retry", answer("502 Bad Gateway", HTML), "server_error"),
    Fault("503", "tries again", "retry", answer("503 Busy"), "server_error"),
    Fault(
        "redirect loop",
        "refuses it after five",
        "rejected",
        answer("302 Found", b"", b"Location: #again\r\n"),
        "redirect",
    ),
    Fault(
        "redirect to another host",
        "refuses it, and asks that host nothing",
        "rejected",
        answer("302 Found", b"", b"Location: http://example.org/x\r\n"),
        "redirect",
    ),
    Fault(
        "redirect to another scheme",
        "refuses it",
        "rejected",
        answer("302 Found", b"", b"Location: file:///etc/passwd\r\n"),
        "redirect",
    ),
    Fault(
        "redirect with a body without end",
        "does not read it",
        "rejected",
        lambda wire: wire.send(
            head("302 Found", b"Location: ftp://example.org/\r\n", length=10**12), bytes(10**6)
        ),
        "redirect",
    ),
    Fault("header wrong", "refuses it", "rejected", answer("200 OK", b"x" + ROWS), "header"),
    Fault("header missing", "refuses it", "rejected", answer("200 OK", ROWS[4:]), "header"),
    Fault(
        "gzip Content-Encoding although identity was asked",
        "undoes it, and stores what it stands for",
        "stored",
        answer("200 OK", gzip.compress(ROWS), b"Content-Encoding: gzip\r\n"),
        stores=ROWS,
    ),
    Fault(
        "another Content-Encoding",
        "refuses it",
        "rejected",
        answer("200 OK", ROWS, b"Content-Encoding: br\r\n"),
        "encoding",
    ),
    Fault(
        "gzip Content-Encoding around a .gz file that is stored as it comes",
        "undoes it, and stores the file",
        "stored",
        answer("200 OK", gzip.compress(ZIPPED), GZIP),
        stores=ZIPPED,
        feed="zipped",
    ),
    Fault(
        "gzip Content-Encoding said of a .gz file itself (a mislabelling web server)",
        "sees that nothing is around the file, and stores it",
        "stored",
        answer("200 OK", ZIPPED, GZIP),
        stores=ZIPPED,
        feed="zipped",
    ),
    Fault(
        "gzip Content-Encoding around a .zip file that is stored as it comes",
        "undoes it, and stores the file",
        "stored",
        answer("200 OK", gzip.compress(ARCHIVE), GZIP),
        stores=ARCHIVE,
        feed="archived",
    ),
    Fault(
        "gzip Content-Encoding said of what is no gzip, stored as it comes",
        "refuses it",
        "rejected",
        answer("200 OK", ROWS, GZIP),
        "encoding",
        feed="archived",
    ),
    Fault(
        "another Content-Encoding of a file that is stored as it comes",
        "refuses it",
        "rejected",
        answer("200 OK", ZIPPED, b"Content-Encoding: br\r\n"),
        "encoding",
        feed="zipped",
    ),
    Fault(
        "endless gzip of nothing by Content-Encoding",
        "stops reading at max_bytes",
        "rejected",
        empty_members,
        "large",
        feed="capped",
    ),
    Fault(
        "body past max_bytes, announced",
        "refuses it without reading it",
        "rejected",
        lambda wire: wire.send(head("200 OK", length=3 * 2**20), ROWS),
        "large",
        feed="capped",
    ),
    Fault(
        "body past max_bytes, unannounced",
        "stops reading there",
        "rejected",
        chunked(ROWS * 30),
        "large",
        feed="capped",
    ),
    Fault(
        "decompression bomb by Content-Encoding",
        "stops unzipping at max_bytes",
        "rejected",
        answer("200 OK", BOMB, b"Content-Encoding: gzip\r\n"),
        "large",
        feed="capped",
    ),
    Fault(
        "decompression bomb, stored as it comes",
        "looks at 20 times max_bytes at most",
        "rejected",
        answer("200 OK", BOMB),
        "large",
        feed="zipped",
    ),
    Fault(
        "corrupt gzip, stored as it comes",
        "refuses it",
        "rejected",
        answer("200 OK", gzip.compress(ROWS)[:-8] + bytes(8)),
        "gzip",
        feed="zipped",
    ),
    Fault(
        "truncated gzip, stored as it comes",
        "refuses it",
        "rejected",
        answer("200 OK", gzip.compress(ROWS)[:-20]),
        "gzip",
        feed="zipped",
    ),
    Fault(
        "truncated zip archive, stored as it comes",
        "refuses it",
        "rejected",
        answer("200 OK", ARCHIVE[:-1]),
        "zip",
        feed="archived",
    ),
    Fault(
        "zip archive with bytes lost in the middle, stored as it comes",
        "refuses it",
        "rejected",
        answer("200 OK", ARCHIVE[:HALF] + ARCHIVE[HALF + 1 :]),
        "zip",
        feed="archived",
    ),
    Fault(
        "zip archive whose connection breaks in the middle, with a strong ETag",
        "takes it up where it broke off",
        "stored",
        lambda wire: (
            part(wire, ARCHIVE)
            if "Range" in wire.headers
            else wire.send(head("200 OK", ETAG, length=len(ARCHIVE)), ARCHIVE[:HALF])
        ),
        stores=ARCHIVE,
        feed="archived",
        resumed=len(ARCHIVE) - HALF,
    ),
    Fault(
        "truncated parquet file, stored as it comes",
        "refuses it",
        "rejected",
        answer("200 OK", PARQUET[:-1]),
        "parquet",
        feed="columns",
    ),
    Fault(
        "what is no parquet file, stored as it comes",
        "refuses it",
        "rejected",
        answer("200 OK", ROWS),
        "parquet",
        feed="columns",
    ),
    Fault(
        "an answer that says its data is out of date (a Socrata replica during a load)",
        "asks again later",
        "retry",
        answer("200 OK", ROWS, b"X-SODA2-Data-Out-Of-Date: true\r\n"),
        "outdated",
    ),
    Fault(
        "nothing there yet, by a replica that says its data is out of date",
        "asks again later",
        "retry",
        answer("404 Not Found", b"", b"X-SODA2-Data-Out-Of-Date: TRUE\r\n"),
        "outdated",
    ),
    Fault(
        "data that is said not to be out of date",
        "stores it",
        "stored",
        answer("200 OK", ROWS, b"X-SODA2-Data-Out-Of-Date: false\r\n"),
        stores=ROWS,
    ),
]
