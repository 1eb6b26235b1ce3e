"""A source to order: what it answers at each path, well-behaved or not."""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.support.http_server import HttpServer, QuietHandler


@dataclass
class Reply:
    """One answer. By default an honest 200 with its Content-Length."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    framing: str = "length"
    """How the end of the body is told: "length", "chunked" or "close" (it is not)."""
    cut_at: int | None = None
    """Hang up after that many bytes of the body."""
    hold: threading.Event | None = None
    """Wait for this before the last byte of the body (at most 30 s)."""


class Wire:
    """The connection of one request, for a script that answers it byte by byte."""

    def __init__(self, connection: socket.socket, headers: dict[str, str], count: int) -> None:
        self._connection, self.headers, self.count = connection, headers, count
        """`count` is how often the path has been asked for, this time included."""

    def send(self, *parts: bytes) -> None:
        self._connection.sendall(b"".join(parts))

    def reset(self) -> None:
        """End the connection as a crashed peer does."""
        linger = struct.pack("ii", 1, 0)
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._connection.close()

    def wait_hung_up(self) -> None:
        """Say nothing more, until the client hangs up (at most 30 s)."""
        self._connection.settimeout(30)
        with contextlib.suppress(OSError):
            while self._connection.recv(1024):
                pass


@dataclass(frozen=True)
class Asked:
    """One request that came."""

    path: str
    headers: dict[str, str]


class SourceServer(HttpServer):
    """Serves within `with`; `replies` by path, 404 for any other."""

    def __init__(self) -> None:
        super().__init__(_Handler)
        self.replies: dict[str, Reply | list[Reply]] = {}
        """A list is used up from its front, its last reply stays."""
        self.scripts: dict[str, Callable[[Wire], None]] = {}
        """Paths that are answered byte by byte; the connection ends afterwards."""
        self.asked: list[Asked] = []
        self._arrived = threading.Condition()

    def wait_asked(self, path: str, count: int, timeout: float = 20) -> None:
        """Wait until `path` has been asked for `count` times."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.asked_for(path)) >= count, timeout)

    def asked_for(self, path: str) -> list[Asked]:
        """The requests for one path so far."""
        return [asked for asked in self.asked if asked.path == path]

    def take(self, path: str, headers: dict[str, str]) -> Reply:
        with self._arrived:
            self.asked.append(Asked(path, headers))
            self._arrived.notify_all()
            reply = self.replies.get(path, Reply(b"no such file\n", 404))
            if isinstance(reply, list):
                return reply.pop(0) if len(reply) > 1 else reply[0]
            return reply


class _Handler(QuietHandler):
    server: SourceServer

    def serve(self) -> None:
        headers = dict(self.headers)
        reply = self.server.take(self.path, headers)
        if script := self.server.scripts.get(self.path):
            count = len(self.server.asked_for(self.path))
            self.close_connection = True
            script(Wire(self.connection, headers, count))
            return
        etag = reply.headers.get("ETag")
        if etag is not None and self.headers.get("If-None-Match") == etag:
            reply = Reply(status=304, headers=reply.headers)
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.framing == "chunked":
            self.send_header("Transfer-Encoding", "chunked")
        elif reply.framing == "length" and reply.status != 304:
            self.send_header("Content-Length", str(len(reply.body)))
        if reply.framing == "close" or reply.cut_at is not None:
            self.send_header("Connection", "close")
        self.end_headers()
        self._send(reply)

    def _send(self, reply: Reply) -> None:
        body = reply.body if reply.cut_at is None else reply.body[: reply.cut_at]
        for piece in (body[:-1], body[-1:]):
            if piece:
                chunk = b"%x\r\n%b\r\n" % (len(piece), piece)
                self.wfile.write(chunk if reply.framing == "chunked" else piece)
                if piece is not body and reply.hold is not None:
                    reply.hold.wait(30)
        if reply.framing == "chunked" and reply.cut_at is None:
            self.wfile.write(b"0\r\n\r\n")
