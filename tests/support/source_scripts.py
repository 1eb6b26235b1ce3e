"""What a fault of a source is, and the scripts by which the test's web server plays one."""

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
