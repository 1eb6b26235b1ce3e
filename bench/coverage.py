"""What the coverage of 100,000 hourly periods costs, from an inventory in memory."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median

from bench import ours
from ingest.coverage import LakeCoverage, Stored, cover
from ingest.coverage_json import document
from ingest.feed import Feed
from ingest.feeds import read_catalogue
from ingest.page import render

_PERIODS = 100_000
_TURNS = 5
_CATALOGUE = """
hours:
  url: https://example.org/{date:%Y-%m-%d-%H}.csv
  object: hours/{date:%Y-%m-%d}/{date:%H}.csv.gz
  cadence: hour
  first: 2012-01-01T00
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """Median seconds of comparing calendar and lake, and of writing it as JSON and as a page.

    `page_bytes` is how long that page is, `peak_mib` the memory of a process that makes it.
    """

    compared: float
    json: float
    page: float
    page_bytes: int
    peak_mib: float


def measure() -> Cost:
    """Measure in this process; the peak in one of its own."""
    feed, objects, now = _hours()
    compared, written, drawn = [], [], []
    for _ in range(_TURNS):
        started = time.perf_counter()
        coverage = cover(feed, objects, {}, now)
        compared.append(time.perf_counter() - started)
        assert coverage.expected == _PERIODS
        lake = LakeCoverage(as_of=now, feeds=(coverage,))
        started = time.perf_counter()
        document(lake)
        written.append(time.perf_counter() - started)
        started = time.perf_counter()
        page = render(lake)
        drawn.append(time.perf_counter() - started)
    command = [sys.executable, "-m", "bench.coverage"]
    peak = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return Cost(
        median(compared), median(written), median(drawn), len(page.encode()), float(peak)
    )


def _hours() -> tuple[Feed, dict[str, Stored], datetime]:
    """Return the feed, what is stored of it (nine of ten), and the time."""
    feed = read_catalogue(_CATALOGUE)["hours"]
    now = datetime(2012, 1, 1, tzinfo=UTC) + timedelta(hours=_PERIODS)
    names = map(feed.object_name, feed.calendar.before(now.replace(tzinfo=None)))
    return feed, {name: _stored(name) for n, name in enumerate(names) if n % 10}, now


def _stored(name: str) -> Stored:
    return Stored(
        object=name,
        size=2_600_000,
        sha256="0" * 64,
        source_bytes=33_000_000,
        rows=250_000,
        fetched_at="2023-06-03T13:00:00Z",
        source_url=f"https://example.org/{name}",
    )


def _peak_mib() -> float:
    """Make the page once, and return the most memory that this process has had.

    (Not getrusage's figure: a child's begins with that of the process it was forked from.)
    """
    feed, objects, now = _hours()
    render(LakeCoverage(as_of=now, feeds=(cover(feed, objects, {}, now),)))
    return ours.peak_mib(os.getpid())


if __name__ == "__main__":
    print(_peak_mib())
