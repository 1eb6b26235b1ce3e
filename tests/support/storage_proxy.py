"""A proxy that gives fake-gcs-server the semantics of Cloud Storage, and its faults.

    with FakeGcs() as server, StorageProxy(server.url) as proxy:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", proxy.url)
        proxy.faults.add(match=lambda r: r.operation == "rewrite", action=LoseResponse())

It speaks the JSON API, batches excepted. What is written through it must not be written
past it: it counts metagenerations and the bytes of resumable uploads by itself.
"""

import shutil
import tempfile
from collections import Counter
from types import TracebackType
from typing import IO

from tests.support.faults import (
    BreakUpload,
    DropConnection,
    Faults,
    FlipBit,
    Hold,
    KeepPart,
    LoseResponse,
    Status,
)
from tests.support.http_server import HttpServer, QuietHandler
from tests.support.storage_request import Request, parse
from tests.support.storage_rules import StorageRules
from tests.support.upstream import BLOCK_BYTES, SPOOL_BYTES, Response, Upstream

__all__ = [
    "BreakUpload",
    "DropConnection",
    "FlipBit",
    "Hold",
    "LoseResponse",
    "Status",
    "StorageProxy",
]

# Enough of an upload's beginning to hold the object's metadata, and so its name.
_HEAD_BYTES = 1 << 16


class StorageProxy(HttpServer):
    """Serves within its `with` block, before the server at `upstream_url`."""

    def __init__(self, upstream_url: str) -> None:
        super().__init__(_Handler)
        self.upstream_url = upstream_url
        self.rules = StorageRules()
        self.faults = Faults()
        self.requests: list[Request] = []
        """All requests in the order of their arrival, those with a fault too."""

    @property
    def counts(self) -> Counter[str]:
        """How many requests there have been, by operation."""
        return Counter(request.operation for request in self.requests)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.faults.release_all()
        super().__exit__(kind, error, trace)


def _flip_bit(body: IO[bytes]) -> None:
    """Change one bit of the last byte."""
    at = body.seek(-1, 2)
    [last] = body.read(1)
    body.seek(at)
    body.write(bytes([last ^ 1]))


class _Handler(QuietHandler):
    server: StorageProxy

    def setup(self) -> None:
        super().setup()
        self.upstream = Upstream(self.server.upstream_url)

    def finish(self) -> None:
        self.upstream.close()
        super().finish()

    def serve(self) -> None:
        with tempfile.SpooledTemporaryFile(SPOOL_BYTES) as body:
            request = self._receive_head(body)
            self.server.requests.append(request)
            action = self.server.faults.take(request)
            if isinstance(action, DropConnection):
                self.close_connection = True
            elif isinstance(action, BreakUpload):
                self._break(request, body)
            else:
                self._receive(body, request.size - body.tell())
                if isinstance(action, Hold):
                    action.hold()
                if isinstance(action, FlipBit):
                    _flip_bit(body)
                self._answer(request, body, action)

    def _answer(self, request: Request, body: IO[bytes], action: object) -> None:
        body.seek(0)
        if isinstance(action, Status):
            response = Response.error(action.code)
        elif isinstance(action, KeepPart):
            response = Response.of(308, {"Range": f"bytes=0-{2**18 - 1}"}, b"")
        else:
            response = self.server.rules.handle(request, body, self.upstream)
        with response:
            if isinstance(action, LoseResponse):
                self.close_connection = True
            else:
                self._send(response)

    def _receive_head(self, body: IO[bytes]) -> Request:
        size = int(self.headers.get("Content-Length") or 0)
        self._receive(body, min(size, _HEAD_BYTES))
        body.seek(0)
        return parse(
            self.command,
            self.path,
            self.headers,
            head=body.read(),
            uploaded=self.server.rules.uploaded,
        )

    def _break(self, request: Request, body: IO[bytes]) -> None:
        half = request.size // 2
        self._receive(body, half - body.tell())
        body.truncate(half)
        body.seek(0)
        self.upstream.send_part(
            request.method, request.target, request.headers, body, request.size
        )
        self.close_connection = True

    def _receive(self, body: IO[bytes], size: int) -> None:
        """Add `size` bytes of the request to `body`."""
        while size > 0:
            block = self.rfile.read(min(size, BLOCK_BYTES))
            if not block:
                raise ConnectionAbortedError
            body.write(block)
            size -= len(block)

    def _send(self, response: Response) -> None:
        size = response.body.seek(0, 2)
        response.body.seek(0)
        self.send_response_only(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(size))
        self.end_headers()
        shutil.copyfileobj(response.body, self.wfile, BLOCK_BYTES)
