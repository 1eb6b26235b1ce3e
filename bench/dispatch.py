"""How long one request takes that dispatches very many periods, and how much memory."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import requests

from bench.ours import peak_mib
from tests.support.fake_gcs import FakeGcs
from tests.support.function import FunctionProcess

CATALOGUE = """
hours:
  url: http://127.0.0.1:9/{date:%Y-%m-%d-%H}
  object: hours/{date:%Y-%m-%d}/{date:%H}.csv.gz
  cadence: hour
  first: 2000-01-01T00
"""
# Ranges of 10,000 and 100,000 hours.
ENDS = {10_000: "2001-02-20T15", 100_000: "2011-05-29T15"}


@dataclass(frozen=True)
class Measured:
    """One request: how many periods, wall time in seconds, peak memory of the process."""

    periods: int
    seconds: float
    peak_mib: float


def measure(periods: int) -> Measured:
    """Dispatch so many hourly periods with one request to a fresh process."""
    with tempfile.TemporaryDirectory() as folder, FakeGcs() as lake, _sink() as pubsub:
        requests.post(f"{lake.url}/storage/v1/b", json={"name": "lake"}, timeout=9)
        feeds = Path(folder) / "feeds.yaml"
        feeds.write_text(CATALOGUE)
        env = {
            "LAKEFILL_BUCKET": "lake",
            "LAKEFILL_TOPIC": "projects/bench/topics/periods",
            "LAKEFILL_FEEDS": str(feeds),
            "STORAGE_EMULATOR_HOST": lake.url,
            "PUBSUB_EMULATOR_HOST": pubsub,
        }
        with FunctionProcess("dispatch", env) as dispatch:
            start = time.perf_counter()
            response = dispatch.post(json={"start": "2000-01-01", "end": ENDS[periods]})
            seconds = time.perf_counter() - start
            assert len(response.json()["dispatched"]) == periods, response.text[:500]
            [serving] = psutil.Process(dispatch.pid).children()
            return Measured(periods, seconds, peak_mib(serving.pid))


@contextmanager
def _sink() -> Iterator[str]:
    command = [sys.executable, "-m", "bench.sink"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
