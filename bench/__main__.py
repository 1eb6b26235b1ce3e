"""`make bench`: measures, and prints one table in Markdown (that of docs/performance.md).

Each line is lakefill beside a named peer, both measured in this run on the same bytes, in
turns; the figures are medians. Machines are noisy: the ratio is what counts.
"""

import os
import platform
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import psutil

from bench import cold, coverage, data, dispatch, ours, peers, server
from tests.support.fake_gcs import FakeGcs
from tests.support.storage_sink import StorageSink

_TURNS = 7
_WARMING = 3
_FEW_TURNS = 3


def main() -> None:
    """Measure everything and print the table."""
    content, what = data.week()
    memory = psutil.virtual_memory().total / 2**30
    print(
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {memory:.0f} GiB, "
        f"Python {platform.python_version()}; {what}, {len(content) / 1e6:.1f} MB.\n"
    )
    _row("what", "lakefill", "peer", "ratio", "goal")
    _row("---", "---", "---", "---", "---")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "week.csv"
        file.write_bytes(content)
        _one_week(folder, file)
        _compressor(folder, file, content)
        _slow_source(folder, file)
        _memory(folder, file)
    _cold_starts()
    _dispatching()
    _covering()


def _one_week(folder: Path, file: Path) -> None:
    with server.serving(file) as url, ours.worker(url, folder) as worker:
        stored = [worker.deliver().stored_bytes for _ in range(_WARMING)][-1]
        reference = peers.gzip_bytes(file)
        _ratio("stored bytes, against gzip -6", stored, reference, "B", "<= 1.01")
        deliveries, zipped = [], []
        for _ in range(_TURNS):
            deliveries.append(worker.deliver())
            zipped.append(peers.gzip_cpu(file))
        cpu = median(d.cpu for d in deliveries)
        _ratio("CPU of a delivery, against gzip -6", cpu, median(zipped), "s", "<= 0.5")
        setting = peers.Setting(file, url, worker.lake_url)
        for peer, goal in _PEERS.items():
            _against(peer, setting, worker, goal)


_PEERS: dict[Callable[[peers.Setting], float], str] = {
    peers.smart_open: ">= 8",
    peers.pandas_flow: ">= 12",
    peers.curl_gzip_curl: ">= 3",
    peers.curl_pigz_curl: ">= 1",
}


def _against(
    peer: Callable[[peers.Setting], float],
    setting: peers.Setting,
    worker: ours.Worker,
    goal: str,
) -> None:
    what = f"one week, against {(peer.__doc__ or '').strip().rstrip('.')}"
    if reason := peers.missing(peer):
        _row(what, "", "", f"skipped: {reason}", goal)
        return
    walls, theirs = [], []
    for _ in range(_FEW_TURNS):
        walls.append(worker.deliver().wall)
        theirs.append(peer(setting))
    _speed(what, median(walls), median(theirs), goal)


def _against_the_compressor(
    folder: Path, file: Path, content: bytes, storage: FakeGcs | StorageSink, *, times: int
) -> tuple[float, float]:
    """Return the walls of a delivery of the file `times` over, and of its compression alone."""
    with (
        server.serving(file, times=times) as url,
        ours.worker(url, folder, storage) as worker,
    ):
        for _ in range(_WARMING):
            worker.deliver()
        walls, alone = [], []
        for _ in range(_TURNS):
            walls.append(worker.deliver().wall)
            alone.append(peers.compressor_alone(content * times))
    return median(walls), median(alone)


def _compressor(folder: Path, file: Path, content: bytes) -> None:
    kinds: dict[str, Callable[[], FakeGcs | StorageSink]] = {
        "a Storage that keeps sizes and checksums": StorageSink,
        "fake-gcs-server": FakeGcs,
    }
    for storage, make in kinds.items():
        for what, times, goal in (
            ("one week", 1, ">= 0.80"),
            ("ten weeks in one file", 10, ">= 0.90"),
        ):
            walls = _against_the_compressor(folder, file, content, make(), times=times)
            _speed(f"{what} into {storage}, against the compressor alone", *walls, goal)


def _slow_source(folder: Path, file: Path) -> None:
    with (
        server.serving(file, megabytes_per_second=20) as url,
        ours.worker(url, folder) as worker,
    ):
        worker.deliver()
        setting = peers.Setting(file, url, worker.lake_url)
        walls, alone = [], []
        for _ in range(_FEW_TURNS):
            walls.append(worker.deliver().wall)
            alone.append(peers.download_alone(setting))
        what = "a source of 20 MB/s: wall, against the download alone"
        _ratio(what, median(walls), median(alone), "s", "<= 1.05")


def _memory(folder: Path, file: Path) -> None:
    peaks = []
    for times in (1, 4 * 2**30 // file.stat().st_size):
        with server.serving(file, times=times) as url, ours.worker(url, folder) as worker:
            for _ in range(_FEW_TURNS):  # a worker lives on, and its peak grows a little
                worker.deliver()
            peaks.append(worker.peak_mib())
    what = "peak memory at 4 GB, against one week, each three times; and at most 100 MiB"
    _ratio(what, peaks[1], peaks[0], "MiB", "<= 1.05")


def _cold_starts() -> None:
    for target in ("worker", "dispatch"):
        mine, theirs, answers = [], [], []
        for _ in range(_TURNS):
            mine.append(cold.ours(target))
            theirs.append(cold.libraries(target))
            answers.append(cold.first_answer(target))
        what = f"import of {target}, against its libraries alone"
        _ratio(what, median(mine), median(theirs), "s", "<= 1.15")
        _row(f"{target}: from exec to the first answer", f"{median(answers):.2f} s", "", "", "")


def _dispatching() -> None:
    few, many = (dispatch.measure(periods) for periods in dispatch.ENDS)
    _row(
        "dispatching 100,000 periods in one request, against 10,000",
        f"{many.seconds:.1f} s, {many.peak_mib:.0f} MiB",
        f"{few.seconds:.1f} s, {few.peak_mib:.0f} MiB",
        f"{many.seconds / few.seconds:.1f} x, {many.peak_mib - few.peak_mib:+.0f} MiB",
        "15 s, +100 MiB",
    )


def _covering() -> None:
    cost = coverage.measure()
    _row("coverage of 100,000 hours, from memory", f"{cost.compared:.2f} s", "", "", "< 2 s")
    _row("writing it as JSON", f"{cost.json:.2f} s", "", "", "")
    page = f"{cost.page:.2f} s, {cost.page_bytes / 1e6:.2f} MB, {cost.peak_mib:.0f} MiB at most"
    _row("writing it as a page", page, "", "", "< 3 s, < 1 MB, < 256 MiB")


def _speed(what: str, wall: float, peer: float, goal: str) -> None:
    _row(what, f"{wall:.3f} s", f"{peer:.3f} s", f"{peer / wall:.2f} x its speed", goal)


def _ratio(what: str, mine: float, peer: float, unit: str, goal: str) -> None:
    digits = 0 if unit in {"B", "MiB"} else 3
    both = (f"{value:,.{digits}f} {unit}" for value in (mine, peer))
    _row(what, *both, f"{mine / peer:.3f}", goal)


def _row(*cells: str) -> None:
    print(f"| {' | '.join(cells)} |")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
