"""What the worker's process takes at its most does not grow with the file."""

import random
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests

from tests.support.fake_gcs import FakeGcs
from tests.support.function import FunctionProcess, envelope
from tests.support.http_server import HttpServer, QuietHandler
from tests.support.world import CATALOGUE

MIB = 2**20
WEEK_BYTES = 33 * MIB
LARGE_BYTES = 2**30


class _Generated(QuietHandler):
    """A file of as many bytes as its path says, a sixteenth of it incompressible."""

    def serve(self) -> None:
        size = WEEK_BYTES if self.path.endswith("-01.csv") else LARGE_BYTES
        noise = random.Random(size)
        rows = b"a,b\n" + b"2023-06-03,REGULAR,0000002040\n" * 40_000
        self.send_response(200)
        self.send_header("Content-Length", str(size))
        self.end_headers()
        for _ in range(size // MIB):
            self.wfile.write(rows[: MIB - 65536] + noise.randbytes(65536))


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with FakeGcs() as server, HttpServer(_Generated) as source:
        requests.post(f"{server.url}/storage/v1/b", json={"name": "lake"}, timeout=9)
        feeds = tmp_path_factory.mktemp("feeds") / "feeds.yaml"
        catalogue = CATALOGUE.format(source=source.url)
        feeds.write_text(catalogue.replace("max_bytes: 100MiB", "max_bytes: 2GiB"))
        yield {
            "LAKEFILL_BUCKET": "lake",
            "LAKEFILL_FEEDS": str(feeds),
            "STORAGE_EMULATOR_HOST": server.url,
        }


def peak_bytes(env: dict[str, str], period: str) -> tuple[int, int]:
    """Deliver one period to a fresh worker; return its peak memory and the stored bytes."""
    with FunctionProcess("worker", env) as worker:
        message = {"v": 1, "feed": "tiny", "period": period, "run": "r", "mode": "fetch"}
        body = worker.post(json=envelope(message)).json()
        assert body["outcome"] == "stored", body
        [serving] = psutil.Process(worker.pid).children()
        return _high_water_mark(serving.pid), body["stored_bytes"]


def _high_water_mark(pid: int) -> int:
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        pytest.skip("the peak memory of another process is read from /proc, which is not here")
    [kib] = [line.split()[1] for line in status.read_text().splitlines() if "VmHWM" in line]
    return int(kib) * 1024


def test_a_gigabyte_takes_no_more_memory_than_a_week(env: dict[str, str]) -> None:
    week, _ = peak_bytes(env, "2005-01-01")
    large, stored = peak_bytes(env, "2005-01-02")
    print(f"peak MiB: {week / MIB:.1f} for 33 MiB, {large / MIB:.1f} for 1 GiB")
    assert stored > 60 * 10**6
    assert large - week < 10 * MIB
    assert large < 100 * MIB
