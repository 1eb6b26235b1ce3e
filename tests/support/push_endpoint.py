"""An HTTP push endpoint that records what is pushed and answers as it is told."""

import base64
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.support.http_server import HttpServer, QuietHandler


@dataclass(frozen=True)
class Delivery:
    """One push request."""

    path: str
    body: dict[str, Any]
    content_type: str | None

    @property
    def data(self) -> bytes:
        return base64.b64decode(self.body["message"]["data"])

    @property
    def attempt(self) -> int:
        attempt: int = self.body["deliveryAttempt"]
        return attempt


HANG_UP = 0
"""In place of a status: close the connection without an answer."""


class PushEndpoint(HttpServer):
    """Serves within `with`; `answer` turns a delivery into a status, by default 200."""

    def __init__(self, answer: Callable[[Delivery], int] = lambda _: 200) -> None:
        super().__init__(_Handler)
        self.answer = answer
        self.deliveries: list[Delivery] = []
        self.requests_per_connection: int | None = None
        """After that many, the server closes the connection unannounced."""
        self.final_answers = threading.Event()
        """Set when the final answer after an interim one (1xx) may go."""
        self.final_answers.set()
        self._arrived = threading.Condition()

    def record(self, delivery: Delivery) -> None:
        with self._arrived:
            self.deliveries.append(delivery)
            self._arrived.notify_all()

    def wait_for(self, count: int, timeout: float = 10) -> list[Delivery]:
        """Wait for the first `count` deliveries."""
        with self._arrived:
            arrived = self._arrived.wait_for(lambda: len(self.deliveries) >= count, timeout)
            assert arrived, f"{len(self.deliveries)} deliveries, not {count}"
            return self.deliveries[:count]


class _Handler(QuietHandler):
    server: PushEndpoint

    def setup(self) -> None:
        super().setup()
        self.served = 0

    def serve(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        delivery = Delivery(self.path, json.loads(body), self.headers["Content-Type"])
        self.server.record(delivery)
        status = self.server.answer(delivery)
        self.served += 1
        if status == HANG_UP:
            self.close_connection = True
            return
        if status < 200:
            self.send_response(status)
            self.end_headers()
            self.server.final_answers.wait(10)
            status = 200
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Length", "0")
        self.end_headers()
        self.close_connection |= self.served == self.server.requests_per_connection
