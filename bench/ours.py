"""lakefill's own side: a warm worker process, one delivery at a time."""

import itertools
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import requests

from tests.support.fake_gcs import FakeGcs
from tests.support.function import FunctionProcess, envelope
from tests.support.storage_sink import StorageSink

MIB = 2**20
_CATALOGUE = """
file:
  url: {url}/{{date:%Y-%m-%d}}
  object: file/{{date:%Y-%m-%d}}.csv.gz
  cadence: day
  first: 2000-01-01
  max_bytes: 16GiB
"""


@dataclass(frozen=True)
class Delivery:
    """One delivery: wall and CPU time in seconds, bytes stored."""

    wall: float
    cpu: float
    stored_bytes: int


class Worker:
    """A running worker, its lake and its source."""

    def __init__(self, process: FunctionProcess, lake_url: str) -> None:
        self.lake_url = lake_url
        self._process = process
        self._days = (
            f"2001-{month:02}-{day:02}"
            for month, day in itertools.product(range(1, 13), range(1, 29))
        )

    def deliver(self) -> Delivery:
        """Have the next day's file stored."""
        message = {"v": 1, "feed": "file", "run": "bench", "mode": "fetch"}
        body = envelope(message | {"period": next(self._days)})
        serving = self._serving()
        before, start = serving.cpu_times(), time.perf_counter()
        answer = self._process.session.post(self._process.url, json=body, timeout=900).json()
        wall, after = time.perf_counter() - start, serving.cpu_times()
        assert answer["outcome"] == "stored", answer
        cpu = after.user + after.system - before.user - before.system
        return Delivery(wall, cpu, answer["stored_bytes"])

    def peak_mib(self) -> float:
        """Return the most memory that the process had resident, in MiB."""
        return peak_mib(self._serving().pid)

    def _serving(self) -> psutil.Process:
        [serving] = psutil.Process(self._process.pid).children()
        return serving


@contextmanager
def worker(
    source_url: str, folder: Path, storage: FakeGcs | StorageSink | None = None
) -> Iterator[Worker]:
    """Run a worker that is up and has delivered nothing yet; its storage is fake-gcs-server."""
    feeds = folder / "feeds.yaml"
    feeds.write_text(_CATALOGUE.format(url=source_url))
    with ExitStack() as parts:
        lake: FakeGcs | StorageSink = storage or FakeGcs()
        parts.enter_context(lake)
        requests.post(f"{lake.url}/storage/v1/b", json={"name": "lake"}, timeout=9)
        env = {
            "LAKEFILL_BUCKET": "lake",
            "LAKEFILL_FEEDS": str(feeds),
            "STORAGE_EMULATOR_HOST": lake.url,
        }
        process = parts.enter_context(FunctionProcess("worker", env))
        process.post(data=b"{")  # once it answers, the process that serves is there
        yield Worker(process, lake.url)


def peak_mib(pid: int) -> float:
    """Return a process's peak resident memory in MiB (Linux)."""
    status = Path(f"/proc/{pid}/status").read_text()
    [kib] = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")]
    return int(kib) * 1024 / MIB
