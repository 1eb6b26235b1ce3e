"""Between Pub/Sub and the workers: hands deliveries on, not always once or at once.

Cloud Pub/Sub promises at least one delivery, in no order; this makes the most of that. What
the workers answer is noted, since an acknowledgement is a promise.
"""

import base64
import json
import threading
import time
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from random import Random
from types import TracebackType
from typing import Any

from urllib3.exceptions import HTTPError

from chaos.functions import Workers
from tests.support.http_server import HttpServer, QuietHandler

FAULTS = {
    "delivery lost on its way": 2,
    "delivery held back": 4,
    "delivered twice at once": 4,
    "delivered again later": 4,
    "acknowledgement lost": 3,
}
_FAULTY_SHARE = 0.15
_COPIES_AT_ONCE = 16
_LATER_SECONDS = 2.0
# Beyond any deadline of a run.
_ANSWER_SECONDS = 120.0

RunPeriod = tuple[str, str]


@dataclass
class Heard:
    """What the workers answered."""

    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    """Of the retries."""
    acknowledged: defaultdict[RunPeriod, set[str]] = field(
        default_factory=lambda: defaultdict(set)
    )
    """Outcomes by run and period that were answered with 200."""
    resumed: int = 0
    silent: int = 0
    """Deliveries whose worker died over them."""


class Router(HttpServer):
    """The push endpoint, within its `with` block; faithful after `calm`."""

    def __init__(self, workers: Workers, seed: int) -> None:
        super().__init__(_Handler)
        self.heard = Heard()
        self.faults: Counter[str] = Counter()
        self._workers, self._seed = workers, seed
        self._calm = False
        self._lock = threading.Lock()
        self._copies = ThreadPoolExecutor(_COPIES_AT_ONCE, "copy")
        self._copying = 0
        self._idle = threading.Condition(self._lock)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._copies.shutdown(cancel_futures=True)
        super().__exit__(kind, error, trace)

    def calm(self) -> None:
        """Deliver everything once, and at once, from now on."""
        self._calm = True

    def wait_idle(self) -> None:
        """Wait until no copy of a message is under way."""
        with self._idle:
            self._idle.wait_for(lambda: not self._copying)

    def deliver(self, body: bytes) -> int:
        """Hand a delivery on, with what befalls it; return the status for Pub/Sub."""
        message, attempt = _message(body)
        rng = Random(f"{self._seed}/{message['period']}/{message['mode']}/{attempt}")
        fault = self._fault(rng)
        delay = rng.uniform(0, _LATER_SECONDS)
        match fault:
            case "delivery lost on its way":
                return 503
            case "delivery held back":
                time.sleep(delay)
            case "delivered twice at once":
                self._copy(body, delay / 10)
            case "delivered again later":
                self._copy(body, delay)
        status = self._hand_on(body, message)
        return 503 if fault == "acknowledgement lost" else status

    def _fault(self, rng: Random) -> str | None:
        if self._calm or rng.random() >= _FAULTY_SHARE:
            return None
        [fault] = rng.choices(list(FAULTS), list(FAULTS.values()))
        with self._lock:
            self.faults[fault] += 1
        return fault

    def _copy(self, body: bytes, delay: float) -> None:
        with self._lock:
            self._copying += 1
        self._copies.submit(self._deliver_copy, body, delay)

    def _deliver_copy(self, body: bytes, delay: float) -> None:
        time.sleep(delay)
        try:
            self._hand_on(body, _message(body)[0])
        finally:
            with self._idle:
                self._copying -= 1
                self._idle.notify_all()

    def _hand_on(self, body: bytes, message: dict[str, Any]) -> int:
        """Have a worker handle a delivery, and note what it says."""
        worker = self._workers.take()
        try:
            response = worker.http.urlopen(
                "POST",
                "/",
                body,
                {"Content-Type": "application/json"},
                retries=False,
                timeout=_ANSWER_SECONDS,
            )
        except (HTTPError, OSError):
            with self._lock:
                self.heard.silent += 1
            return 503
        with self._lock:
            self._note(response.status, response.data, (message["run"], message["period"]))
        return response.status

    def _note(self, status: int, body: bytes, of: RunPeriod) -> None:
        try:
            answer = json.loads(body)
        except ValueError:
            answer = {"outcome": f"no JSON, but a {status}", "reason": ""}
        heard, outcome = self.heard, answer["outcome"]
        heard.outcomes[outcome] += 1
        heard.resumed += answer.get("resumed", 0) > 0
        if status == 200:
            heard.acknowledged[of].add(outcome)
        elif outcome == "retry":
            heard.reasons[answer["reason"]] += 1


class _Handler(QuietHandler):
    server: Router

    def serve(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response_only(self.server.deliver(body))
        self.send_header("Content-Length", "0")
        self.end_headers()


def _message(body: bytes) -> tuple[dict[str, Any], int]:
    """Return a pushed message's data and its delivery attempt."""
    envelope = json.loads(body)
    message = json.loads(base64.b64decode(envelope["message"]["data"]))
    return message, envelope["deliveryAttempt"]
