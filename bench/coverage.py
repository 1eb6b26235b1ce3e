"""How long the coverage of 100,000 hourly periods takes, from an inventory in memory."""

import time
from datetime import UTC, datetime, timedelta
from statistics import median

from ingest.coverage import LakeCoverage, Stored, cover
from ingest.coverage_json import document
from ingest.feeds import read_catalogue

_PERIODS = 100_000
_TURNS = 5
_CATALOGUE = """
hours:
  url: https://example.org/{date:%Y-%m-%d-%H}.csv
  object: hours/{date:%Y-%m-%d}/{date:%H}.csv.gz
  cadence: hour
  first: 2012-01-01T00
"""


def seconds() -> tuple[float, float]:
    """Return the median time of comparing calendar and lake, and of writing it as JSON."""
    feed = read_catalogue(_CATALOGUE)["hours"]
    now = datetime(2012, 1, 1, tzinfo=UTC) + timedelta(hours=_PERIODS)
    names = map(feed.object_name, feed.calendar.before(now.replace(tzinfo=None)))
    objects = {name: _stored(name) for n, name in enumerate(names) if n % 10}
    compared, written = [], []
    for _ in range(_TURNS):
        started = time.perf_counter()
        coverage = cover(feed, objects, {}, now)
        compared.append(time.perf_counter() - started)
        assert coverage.expected == _PERIODS
        started = time.perf_counter()
        document(LakeCoverage(as_of=now, feeds=(coverage,)))
        written.append(time.perf_counter() - started)
    return median(compared), median(written)


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
