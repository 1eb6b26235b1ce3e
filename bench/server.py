"""An HTTP server that is no bottleneck: one file, any number of times over, at any speed.

Run as a process of its own: `python -m bench.server FILE TIMES MEGABYTES_PER_SECOND`; it prints
its URL, and ends with its standard input. 0 MB/s is as fast as can be.
"""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_PIECE_BYTES = 2**18


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    content = b""
    times = 1
    bytes_per_second = 0.0

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.content) * self.times))
        self.send_header("Connection", "close")
        self.end_headers()
        for _ in range(self.times):
            if self.bytes_per_second:
                self._send_slowly()
            else:
                self.wfile.write(self.content)

    def _send_slowly(self) -> None:
        start, view = time.monotonic(), memoryview(self.content)
        for sent in range(0, len(view), _PIECE_BYTES):
            ahead = sent / self.bytes_per_second - (time.monotonic() - start)
            time.sleep(max(ahead, 0))
            self.wfile.write(view[sent : sent + _PIECE_BYTES])

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(file: Path, *, times: int = 1, megabytes_per_second: float = 0) -> Iterator[str]:
    """Serve a file in a process of its own; give its URL, to which any name may be added."""
    command = [sys.executable, "-m", "bench.server", str(file), str(times)]
    with subprocess.Popen(
        [*command, str(megabytes_per_second)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()


def main() -> None:
    """Serve until standard input ends."""
    _Handler.content = Path(sys.argv[1]).read_bytes()
    _Handler.times = int(sys.argv[2])
    _Handler.bytes_per_second = float(sys.argv[3]) * 1e6
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
