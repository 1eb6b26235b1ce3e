"""What the worker's process takes at its most does not grow with the file."""

import random
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests

from tests.support.archives import parquet_of, zip_of
from tests.support.fake_gcs import FakeGcs
from tests.support.function import FunctionProcess, envelope
from tests.support.http_server import HttpServer, QuietHandler
from tests.support.storage_sink import StorageSink
from tests.support.world import CATALOGUE

MIB = 2**20
WEEK_BYTES = 33 * MIB
LARGE_BYTES = 2**30
PARQUET_BYTES = 500 * MIB


class _Generated(QuietHandler):
    """A file of as many bytes as its path says, a sixteenth of it incompressible.

    Archives are of nothing but zeros between their ends; their connection breaks half way.
    """

    def serve(self) -> None:
        if self.path.endswith((".zip", ".parquet")):
            self._archive()
            return
        size = WEEK_BYTES if self.path.endswith("-01.csv") else LARGE_BYTES
        noise = random.Random(size)
        rows = b"a,b\n" + b"2023-06-03,REGULAR,0000002040\n" * 40_000
        self.send_response(200)
        self.send_header("Content-Length", str(size))
        self.end_headers()
        for _ in range(size // MIB):
            self.wfile.write(rows[: MIB - 65536] + noise.randbytes(65536))

    def _archive(self) -> None:
        size = PARQUET_BYTES if self.path.endswith(".parquet") else LARGE_BYTES
        start, end = parquet_ends() if self.path.endswith(".parquet") else zip_ends(size)
        asked = self.headers.get("Range", "bytes=0-")
        first = int(asked.removeprefix("bytes=").removesuffix("-"))
        self.send_response(206 if first else 200)
        if first:
            self.send_header("Content-Range", f"bytes {first}-{size - 1}/{size}")
        self.send_header("Content-Length", str(size - first))
        self.send_header("ETag", '"one"')
        self.end_headers()
        zeros = memoryview(bytes(MIB))
        self.wfile.write(start[first:])
        at = max(first, len(start))
        last = size - len(end) if first else size // 2
        while at < last:
            at += self.wfile.write(zeros[: last - at])
        if first:
            self.wfile.write(end)
        else:
            self.close_connection = True


def parquet_ends() -> tuple[bytes, bytes]:
    whole = parquet_of(b"")
    return whole[:4], whole[4:]


def zip_ends(size: int) -> tuple[bytes, bytes]:
    """The ends of an archive with one member, which is not compressed and has no checksum."""
    small = zip_of({"zeros.csv": b""})
    directory = small.index(b"PK\1\2")
    end = bytearray(small[directory:])
    end[-6:-2] = (size - len(end)).to_bytes(4, "little")
    return small[:directory], bytes(end)


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


def peak_bytes(env: dict[str, str], period: str, feed: str = "tiny") -> tuple[int, int]:
    """Deliver one period to a fresh worker; return its peak memory and the stored bytes."""
    with FunctionProcess("worker", env) as worker:
        message = {"v": 1, "feed": feed, "period": period, "run": "r", "mode": "fetch"}
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
    """Of three fresh workers each: a busy machine only adds to what the file itself takes."""
    weeks = [peak_bytes(env, f"{year}-01-01")[0] for year in (2005, 2006, 2007)]
    found = [peak_bytes(env, f"2005-01-{day}") for day in ("02", "03", "04")]
    peaks = [peak for peak, _ in found]
    print(f"peak MiB: {min(weeks) / MIB:.1f} for 33 MiB, {min(peaks) / MIB:.1f} for 1 GiB")
    assert min(stored for _, stored in found) > 60 * 10**6
    assert min(peaks) - min(weeks) < 10 * MIB
    assert max(peaks) < 100 * MIB


@pytest.mark.parametrize(
    ("feed", "size"), [("columns", PARQUET_BYTES), ("archived", LARGE_BYTES)]
)
def test_a_large_archive_is_resumed_verified_and_staged_in_the_same_memory(
    env: dict[str, str], feed: str, size: int
) -> None:
    with StorageSink() as sink:
        here = env | {"STORAGE_EMULATOR_HOST": sink.url}
        week, _ = peak_bytes(here, "2005-01-01")
        peak, stored = peak_bytes(here, "2005-01-02", feed)
        print(f"peak MiB: {week / MIB:.1f} for a week, {peak / MIB:.1f} for {size / MIB:.0f}")
        assert [name for name in sink.objects if name.startswith(f"{feed}/2005-01-02")]
        [staged] = sink.uploads
        assert staged.startswith("_lakefill/staging/")
    assert stored == size
    assert peak - week < 10 * MIB
    assert peak < 100 * MIB
