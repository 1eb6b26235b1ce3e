"""A threaded HTTP/1.1 server for tests, on a free port, that ends without a trace."""

import contextlib
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


class QuietHandler(BaseHTTPRequestHandler):
    """Has every request served by `serve`, keeps connections open, and writes no log."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base's name
        pass

    def serve(self) -> None:
        raise NotImplementedError

    def _serve(self) -> None:
        self.serve()

    # The names by which the base finds a request's method.
    do_DELETE = do_GET = do_HEAD = do_PATCH = do_POST = do_PUT = _serve  # noqa: N815  theirs


class HttpServer(ThreadingHTTPServer):
    """Serves within its `with` block; leaving it cuts what is still open."""

    daemon_threads = False  # so that closing waits for the handlers
    request_queue_size = 128

    def __init__(self, handler: type[QuietHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self._open: set[socket.socket] = set()
        self._open_changed = threading.Condition()
        self._thread = threading.Thread(
            target=self.serve_forever, kwargs={"poll_interval": 0.02}, name="http-server"
        )

    @property
    def url(self) -> str:
        """`http://127.0.0.1:port`, without a slash at its end."""
        return f"http://127.0.0.1:{self.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.shutdown()
        self._thread.join()
        self.cut_connections()
        self.server_close()

    def cut_connections(self) -> None:
        """End every open connection, in the middle of what it is doing."""
        with self._open_changed:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def wait_disconnected(self, timeout: float = 10) -> None:
        """Wait until no connection is open."""
        with self._open_changed:
            assert self._open_changed.wait_for(lambda: not self._open, timeout)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        with self._open_changed:
            self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        with self._open_changed:
            self._open.discard(request)
            self._open_changed.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        # Clients that hang up are part of the tests; anything else is a bug to be seen.
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)
