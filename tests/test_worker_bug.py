"""What nobody foresaw, provoked: Cloud Storage gives a generation that is no number."""

import requests

from tests.support.function import FunctionProcess
from tests.support.http_server import HttpServer, QuietHandler
from tests.support.world import Deliveries, World


class _Garbled(QuietHandler):
    """Cloud Storage, but for one object's generation, which is no number."""

    server: "_GarblingProxy"

    def serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = self.server.upstream + self.path
        reply = requests.request(
            self.command, url, data=body, headers=dict(self.headers), timeout=9
        )
        content = reply.content
        if self.command == "GET" and "/o/tiny%2F" in self.path:
            reply.status_code, content = 200, b'{"name": "x", "generation": "never"}'
        self.send_response_only(reply.status_code)
        for name in ("Content-Type", "X-Goog-Generation", "X-Goog-Hash"):
            if name in reply.headers:
                self.send_header(name, reply.headers[name])
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


class _GarblingProxy(HttpServer):
    def __init__(self, upstream: str) -> None:
        super().__init__(_Garbled)
        self.upstream = upstream


def test_anything_unforeseen_is_a_bug_with_its_trace_and_a_record(here: World) -> None:
    with _GarblingProxy(here.proxy.url) as proxy:
        env = here.env | {"STORAGE_EMULATOR_HOST": proxy.url}
        with FunctionProcess("worker", env) as process:
            day = Deliveries(process, here)
            assert day.outcome() == (500, "bug")
            line = day.line("unexpected_error")
    assert line["severity"] == "ERROR"
    assert "Traceback" in line["message"]
    assert "ValueError" in line["message"]
    failure = day.failure()
    assert failure is not None
    assert failure["outcome"] == "bug"
