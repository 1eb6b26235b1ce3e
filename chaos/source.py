"""The source: serves the run's files, and at each request does what the script says."""

import threading
import time
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from random import Random

from chaos import bodies
from chaos.answers import Answer, altered_answer, possible, proper_answer
from chaos.script import File, Step, draw
from tests.support.http_server import HttpServer, QuietHandler
from tests.support.source_server import Wire

_LAST_CHUNK = b"0\r\n\r\n"
# A byte each, and so many at most: beyond any deadline of a run.
_DRIP_SECONDS, _LONGEST_DRIP = 0.2, 300


class Source(HttpServer):
    """Serves within its `with` block, misbehaving until `calm`."""

    def __init__(self, seed: int, deliveries: int) -> None:
        super().__init__(_Handler)
        self.seed = seed
        self._files = {file.path: file for file in draw(seed, deliveries)}
        self._requests: Counter[str] = Counter()
        self._served: defaultdict[str, set[int]] = defaultdict(set)
        self._faults: Counter[str] = Counter()
        self._calm = False
        self._lock = threading.Lock()

    def address(self) -> str:
        """Tell where it listens, `http://127.0.0.1:port`."""
        return self.url

    def calm(self) -> None:
        """Do nothing wrong any more; versions stay as they are."""
        with self._lock:
            self._calm = True

    def faults(self) -> Counter[str]:
        """Count what was injected, by fault."""
        with self._lock:
            return self._faults.copy()

    def served(self) -> dict[str, set[int]]:
        """Tell which versions of each period were served, at least in part."""
        with self._lock:
            return {key: set(versions) for key, versions in self._served.items()}

    def current(self) -> dict[str, int]:
        """Tell which version of each period there is now."""
        with self._lock:
            return {f.key: f.version(self._requests[f.path]) for f in self._files.values()}

    def turn(self, path: str) -> tuple[File, Step, int, int]:
        """Return the file of a path, what to do now, its version, and which request it is."""
        with self._lock:
            file, number = self._files[path], self._requests[path]
            if not self._calm:
                self._requests[path] += 1
            step = Step() if self._calm else file.step(number)
            return file, step, file.version(number), number

    def note(self, step: Step) -> None:
        """Count a fault that was injected."""
        if step.fault is not None:
            with self._lock:
                self._faults[step.fault] += 1

    def note_served(self, file: File, version: int) -> None:
        """Note that a version is being sent."""
        with self._lock:
            self._served[file.key].add(version)


class _Handler(QuietHandler):
    server: Source

    def serve(self) -> None:
        file, step, version, number = self.server.turn(self.path)
        self._file = file
        # Where a fault cuts is drawn anew for each request.
        self._rng = Random(f"{self.server.seed}/{file.key}/{number}")
        self._wire = Wire(self.connection, dict(self.headers), number)
        proper = proper_answer(file, version, self.headers.get)
        if not possible(step, proper):
            self._send(proper)
            return
        self.server.note(step)
        match step.action:
            case "hang up":
                self.close_connection = True
                self._wire.reset()
            case "reset" | "cut" | "cut weak" | "cut chunked" | "stall" | "drip":
                self._break(step.action, proper)
            case "overlong":
                self._send(proper)
                self.close_connection = True
                self._wire.send(b"HTTP/1.1 200 OK\r\n\r\ngarbage")
            case "encoded":
                self._send_encoded(proper)
            case _:
                self._send(altered_answer(step.action, file, proper))

    def _break(self, action: str, proper: Answer) -> None:
        """Send the head of an answer and a part of its body, and do something else then."""
        self.close_connection = True
        if action == "cut weak":
            etag = {"ETag": f'W/"{self._file.key}"'}
            proper = replace(proper, headers=proper.headers | etag)
        elif action == "cut chunked":
            proper = replace(proper, framing="chunked")
        self._send_head(proper)
        upto = self._rng.randrange(len(proper.span))
        self._send_body(replace(proper, span=proper.span[:upto]), end=b"")
        if action == "reset":
            self._wire.reset()
        elif action == "stall":
            self._wire.wait_hung_up()
        elif action == "drip":
            self._drip(replace(proper, span=proper.span[upto : upto + _LONGEST_DRIP]))

    def _drip(self, rest: Answer) -> None:
        send = self._send_chunk if rest.framing == "chunked" else self._wire.send
        for piece in self._pieces(rest):
            for byte in piece:
                send(bytes([byte]))
                time.sleep(_DRIP_SECONDS)

    def _send_encoded(self, proper: Answer) -> None:
        """Send gzip in chunks."""
        headers = {"Content-Encoding": "gzip"}
        self._send_head(replace(proper, framing="chunked", headers=headers))
        gzip = zlib.compressobj(1, wbits=31)
        for piece in self._pieces(proper):
            self._send_chunk(gzip.compress(piece))
        self._send_chunk(gzip.flush())
        self._wire.send(_LAST_CHUNK)

    def _send(self, answer: Answer) -> None:
        self._send_head(answer)
        self._send_body(answer, end=_LAST_CHUNK)

    def _send_head(self, answer: Answer) -> None:
        headers = dict(answer.headers)
        if answer.framing == "chunked":
            headers["Transfer-Encoding"] = "chunked"
        elif answer.framing == "length":
            headers["Content-Length"] = str(len(answer.span) or len(answer.text))
        else:
            self.close_connection = True
        if self.close_connection:
            headers["Connection"] = "close"
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._wire.send(f"HTTP/1.1 {answer.status}\r\n{lines}\r\n".encode())

    def _send_body(self, answer: Answer, *, end: bytes) -> None:
        """Send the body; where it is in chunks, `end` follows them."""
        chunked = answer.framing == "chunked"
        send = self._send_chunk if chunked else self._wire.send
        for piece in self._pieces(answer):
            send(piece)
        self._wire.send(end if chunked else answer.text)

    def _send_chunk(self, piece: bytes) -> None:
        if piece:
            self._wire.send(b"%x\r\n" % len(piece), piece, b"\r\n")

    def _pieces(self, answer: Answer) -> Iterator[bytes]:
        if not answer.span:
            return iter(())
        if answer.version != bodies.FOREIGN:
            self.server.note_served(self._file, answer.version)
        span = answer.span.start, answer.span.stop
        return bodies.content(self.server.seed, self._file, answer.version, *span)
