"""The sample source as a web server: turnstile weeks where the MTA had the real ones.

What the other shipped feeds fetch, it has too, made up and small, each in its source's own
dialect (simulated.py).

`python -m ingest.local.source --port 8080` prints `listening on http://127.0.0.1:8080` once it
takes requests. It serves this machine only, and keeps nothing: each answer is made while it is
sent. Whether the real server answered conditions and ranges, and how, is not known; this one
does as RFC 9110 says. Last-Modified is invented: the file's date at 10:00 UTC.
"""

import argparse
import datetime as dt
import re
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import format_datetime, parsedate_to_datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ingest.local import sample
from ingest.local.answers import Answer, Request, State, as_asked
from ingest.local.simulated import simulated

_PATH = re.compile(
    r"/developers/data/nyct/turnstile/turnstile_([0-9]{2})([0-9]{2})([0-9]{2})\.txt"
)
_RANGE = re.compile(r"bytes=([0-9]{0,99})-([0-9]{0,99})", re.IGNORECASE)


class Source(ThreadingHTTPServer):
    """The server, on a port of 127.0.0.1; 0 takes any free one. Its state may be changed."""

    request_queue_size = 128

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.state = State()

    @property
    def url(self) -> str:
        """The address it listens on, without a path."""
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401  as in the base class
        """Report what is wrong here, but not that a client went away."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def serving(port: int = 0) -> Iterator[str]:
    """Serve from a thread of this process; gives the URL."""
    with Source(port) as source:
        thread = threading.Thread(target=source.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield source.url
        finally:
            source.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: Source
    protocol_version = "HTTP/1.1"
    server_version = f"lakefill-sample/{sample.VERSION}"
    sys_version = ""
    timeout = 60  # seconds that a client may neither ask nor take anything
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        # A request's body is not read: what follows it could not be told from it.
        if (
            self.headers.get("Content-Length", "0") != "0"
            or "Transfer-Encoding" in self.headers
        ):
            self.close_connection = True
        state, day = self.server.state, _date(self.path)
        request = Request.of(self.path, self.headers.items())
        state.asked.append(request)
        answer = simulated(request, day, state)
        if answer is not None:
            self._give(as_asked(answer, request), request)
        elif day is None or state.trouble == "absent":
            self._refuse(HTTPStatus.NOT_FOUND)
        elif self._is_current(day):
            self._head(HTTPStatus.NOT_MODIFIED, _validators(day))
            self.end_headers()
        else:
            self._answer(day)

    def do_HEAD(self) -> None:
        self.do_GET()

    def _give(self, answer: Answer, request: Request) -> None:
        """Send a simulated answer; its connection may break in the middle."""
        breaks = answer.status == HTTPStatus.OK and self.server.state.breaks(request)
        self._head(HTTPStatus(answer.status), dict(answer.headers))
        if answer.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        elif answer.status != HTTPStatus.NOT_MODIFIED:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        body = answer.body[: len(answer.body) // 2] if breaks else answer.body
        if self.command == "GET" and body:
            chunk = b"%x\r\n%b\r\n" % (len(body), body)
            self.wfile.write(chunk if answer.chunked else body)
        if breaks:
            self.close_connection = True
        elif answer.chunked and self.command == "GET":
            self.wfile.write(b"0\r\n\r\n")

    def _answer(self, day: dt.date) -> None:
        size = sample.size(day)
        headers = _validators(day) | {"Accept-Ranges": "bytes", "Content-Type": "text/plain"}
        span = self._range(day, size)
        if span is None:
            span = range(size)
            self._head(HTTPStatus.OK, headers)
        elif not span:
            self._refuse(
                HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, {"Content-Range": f"bytes */{size}"}
            )
            return
        else:
            headers["Content-Range"] = f"bytes {span.start}-{span.stop - 1}/{size}"
            self._head(HTTPStatus.PARTIAL_CONTENT, headers)
        self.send_header("Content-Length", str(len(span)))
        self.end_headers()
        if self.command == "GET":
            for part in _cut(sample.week(day), span):
                self.wfile.write(part)

    def _refuse(self, status: HTTPStatus, headers: dict[str, str] | None = None) -> None:
        title = f"{status.value} {status.phrase}"
        body = (
            f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n"
        )
        self._head(status, {"Content-Type": "text/html"} | (headers or {}))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body.encode())

    def _head(self, status: HTTPStatus, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")

    def _is_current(self, day: dt.date) -> bool:
        """Tell whether the client has the file already, by its tag or else by its time."""
        tags = self.headers.get("If-None-Match")
        if tags is not None:
            known = {tag.strip().removeprefix("W/") for tag in tags.split(",")}
            return not known.isdisjoint({"*", _validators(day)["ETag"]})
        try:
            return _modified(day) <= parsedate_to_datetime(self.headers["If-Modified-Since"])
        except (TypeError, ValueError, OverflowError):  # none, or no date
            return False

    def _range(self, day: dt.date, size: int) -> range | None:
        """Return the bytes asked for: empty if there are none such, None for the whole file."""
        asked = _RANGE.fullmatch(self.headers.get("Range", ""))
        condition = self.headers.get("If-Range")
        if self.command != "GET" or asked is None:
            return None
        if condition is not None and condition not in _validators(day).values():
            return None
        first, last = asked.groups()
        if not first + last or (first and last and int(last) < int(first)):
            return None
        if not first:
            return range(max(size - int(last), 0), size)
        return range(int(first), min(int(last or size) + 1, size))

    def log_message(self, *args: object) -> None:
        """Keep quiet: what a request led to is for the client to log."""


def _date(path: str) -> dt.date | None:
    """Return the date of the file at a path, if there is one."""
    match = _PATH.fullmatch(path.partition("?")[0])
    try:
        day = match and dt.date(2000 + int(match[1]), int(match[2]), int(match[3]))
    except ValueError:  # the 31st of a shorter month, say
        return None
    return day if day and sample.published(day) else None


def _modified(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(10), dt.UTC)


def _validators(day: dt.date) -> dict[str, str]:
    return {
        "ETag": f'"{day:%y%m%d}-{sample.VERSION}"',
        "Last-Modified": format_datetime(_modified(day), usegmt=True),
    }


def _cut(pieces: Iterator[bytes], span: range) -> Iterator[memoryview]:
    """Cut a range of bytes out of a file's pieces."""
    begin = 0
    for piece in pieces:
        part = memoryview(piece)[max(span.start - begin, 0) : max(span.stop - begin, 0)]
        begin += len(piece)
        if part:
            yield part
        if begin >= span.stop:
            return


def _leave(*_: object) -> None:
    sys.exit(0)


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(
        prog="python -m ingest.local.source", description=main.__doc__
    )
    parser.add_argument(
        "--port", type=int, default=0, help="of 127.0.0.1; 0 takes any free one"
    )
    port = parser.parse_args().port
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    try:
        source = Source(port)
    except (OSError, OverflowError) as error:
        parser.error(f"cannot listen on port {port}: {error}")
    with source:
        print(f"listening on {source.url}", flush=True)
        source.serve_forever()


if __name__ == "__main__":
    main()
