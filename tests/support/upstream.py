"""The server behind the storage proxy, and its answers."""

import http.client
import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any, Self
from urllib.parse import quote, urlsplit

from tests.support.storage_request import Key

# In memory up to that; larger bodies are kept in a file.
SPOOL_BYTES = 1 << 20
BLOCK_BYTES = 1 << 18

# Headers of a connection, not of a message, and those that are set anew.
_HOP_BY_HOP = {"connection", "content-length", "expect", "keep-alive", "transfer-encoding"}

# https://cloud.google.com/storage/docs/json_api/v1/status-codes
_ERRORS = {
    400: ("invalid", "Bad Request"),
    403: ("forbidden", "The caller does not have permission."),
    404: ("notFound", "Not Found"),
    410: ("gone", "The upload session was cancelled."),
    412: ("conditionNotMet", "At least one of the pre-conditions you specified did not hold."),
    429: ("rateLimitExceeded", "The rate of mutation requests exceeds the limit."),
    500: ("internalError", "We encountered an internal error. Please try again."),
    503: ("backendError", "Backend Error"),
}


@dataclass
class Response:
    """An answer with its body in a spooled file, which `with` closes."""

    status: int
    headers: dict[str, str]
    body: IO[bytes]

    @classmethod
    def of(cls, status: int, headers: Mapping[str, str], content: bytes = b"") -> Self:
        body = tempfile.SpooledTemporaryFile(SPOOL_BYTES)  # noqa: SIM115  the response closes it
        body.write(content)
        return cls(status, dict(headers), body)

    @classmethod
    def error(cls, code: int, message: str | None = None) -> Self:
        """Make an error as Cloud Storage words it."""
        reason, text = _ERRORS.get(code, ("backendError", "Backend Error"))
        text = message or text
        problem = {"message": text, "domain": "global", "reason": reason}
        body = {"error": {"code": code, "message": text, "errors": [problem]}}
        return cls.of(code, {"Content-Type": "application/json"}, json.dumps(body).encode())

    @property
    def content(self) -> bytes:
        self.body.seek(0)
        return self.body.read()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.body.close()


class Upstream:
    """One connection to the server behind, for one thread."""

    def __init__(self, url: str) -> None:
        self.url = url
        parts = urlsplit(url)
        self._http = http.client.HTTPConnection(
            parts.hostname or "", parts.port, blocksize=BLOCK_BYTES
        )

    def send(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: IO[bytes],
        size: int,
    ) -> Response:
        """Send a request with the `size` bytes that `body` still has, and take the answer."""
        self._begin(method, target, headers, size)
        self._http.send(body)
        return self._receive()

    def send_part(
        self, method: str, target: str, headers: Mapping[str, str], body: IO[bytes], size: int
    ) -> None:
        """Send a request that claims `size` bytes with those that `body` has; hang up."""
        self._begin(method, target, headers, size)
        self._http.send(body)
        self._http.close()

    def get(self, key: Key) -> Response:
        """Ask for an object's metadata."""
        bucket, name = key
        self._http.request("GET", f"/storage/v1/b/{quote(bucket)}/o/{quote(name, safe='')}")
        return self._receive()

    def generation(self, key: Key) -> int:
        """Ask for an object's generation, 0 when there is none."""
        with self.get(key) as response:
            if response.status == 404:
                return 0
            resource: dict[str, Any] = json.loads(response.content)
            return int(resource["generation"])

    def close(self) -> None:
        self._http.close()

    def _begin(self, method: str, target: str, headers: Mapping[str, str], size: int) -> None:
        self._http.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            if name.lower() not in _HOP_BY_HOP:
                self._http.putheader(name, value)
        self._http.putheader("Content-Length", str(size))
        self._http.endheaders()

    def _receive(self) -> Response:
        answer = self._http.getresponse()
        headers = {
            name: value
            for name, value in answer.getheaders()
            if name.lower() not in _HOP_BY_HOP
        }
        response = Response.of(answer.status, headers)
        shutil.copyfileobj(answer, response.body, BLOCK_BYTES)
        return response
