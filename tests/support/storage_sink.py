"""A Cloud Storage that keeps sizes and checksums, and no content: for objects of a gigabyte.

fake-gcs-server copies all that it has of an upload with each chunk, which takes a minute for
half a gigabyte. This has as much of the JSON API as one delivery needs, and no preconditions.
"""

import base64
import json
import re
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import google_crc32c

from tests.support.http_server import HttpServer, QuietHandler

_PIECE = 1 << 18


class StorageSink(HttpServer):
    """Serves within its `with` block; `objects` are resources by name."""

    def __init__(self) -> None:
        super().__init__(_Handler)
        self.objects: dict[str, dict[str, Any]] = {}
        self.uploads: dict[str, tuple[int, google_crc32c.Checksum]] = {}


class _Handler(QuietHandler):
    server: StorageSink

    def serve(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        name = unquote(parts.path.rpartition("/o/")[2])
        length = int(self.headers.get("Content-Length") or 0)
        if parts.path.startswith("/upload/") and self.command == "PUT":
            self._take_chunk(query["upload_id"], length)
        elif parts.path.startswith("/upload/") and query["uploadType"] == "resumable":
            given = json.loads(self.rfile.read(length) or b"{}")
            name = query.get("name") or given["name"]
            self.server.uploads[name] = (0, google_crc32c.Checksum())
            location = f"{self.server.url}/upload/storage/v1/b/lake/o?upload_id={name}"
            self._answer({}, Location=location)
        elif parts.path.startswith("/upload/"):
            body = self.rfile.read(length)
            found = re.search(rb'"name": *"([^"]+)"', body)
            assert found, body[:500]
            self._answer(self._keep(found[1].decode(), len(body), google_crc32c.Checksum(body)))
        elif "/rewriteTo/" in parts.path:
            self.rfile.read(length)
            source = unquote(parts.path.partition("/o/")[2].partition("/rewriteTo/")[0])
            kept = self.server.objects[source] | {"name": name}
            self.server.objects[name] = kept
            size = kept["size"]
            told = {"done": True, "objectSize": size, "totalBytesRewritten": size}
            self._answer({**told, "resource": kept})
        elif self.command == "DELETE":
            self.server.objects.pop(name, None)
            self._answer(None, 204)
        elif name in self.server.objects:
            self._answer(self.server.objects[name])
        elif parts.path.endswith("/o"):
            self._answer({"items": []})
        else:
            self._answer({"error": {"code": 404, "message": "Not Found"}}, 404)

    def _take_chunk(self, name: str, length: int) -> None:
        size, checksum = self.server.uploads[name]
        for left in range(length, 0, -_PIECE):
            piece = self.rfile.read(min(_PIECE, left))
            checksum.update(piece)
            size += len(piece)
        self.server.uploads[name] = (size, checksum)
        if self.headers["Content-Range"].endswith("/*"):
            self._answer(None, 308, Range=f"bytes=0-{size - 1}")
        else:
            self._answer(self._keep(name, size, checksum))

    def _keep(self, name: str, size: int, checksum: google_crc32c.Checksum) -> dict[str, Any]:
        crc32c = base64.b64encode(checksum.digest()).decode()
        numbers = {"generation": "1", "metageneration": "1", "size": str(size)}
        self.server.objects[name] = {
            "name": name,
            "bucket": "lake",
            "crc32c": crc32c,
            **numbers,
        }
        return self.server.objects[name]

    def _answer(self, body: dict[str, Any] | None, status: int = 200, **headers: str) -> None:
        content = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        for header in {"Content-Type": "application/json", **headers}.items():
            self.send_header(*header)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
