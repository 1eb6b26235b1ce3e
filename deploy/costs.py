"""What the service costs, from unit prices and what each period takes. Pure.

Free allotments are left out of the sums: they are shared by all that a billing account runs.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Price:
    """USD for so many of a unit."""

    usd: float
    per: int
    source: str


# Of us-east1, from copies of the pages read on 2026-11-26.
PRICES = {
    "vCPU-seconds": Price(0.000024, 1, "https://cloud.google.com/run/pricing"),
    "GiB-seconds": Price(0.0000025, 1, "https://cloud.google.com/run/pricing"),
    "requests": Price(0.40, 10**6, "https://cloud.google.com/run/pricing"),
    "class A operations": Price(0.005, 1000, "https://cloud.google.com/storage/pricing"),
    "class B operations": Price(0.0004, 1000, "https://cloud.google.com/storage/pricing"),
    "GB-months": Price(0.020, 1, "https://cloud.google.com/storage/pricing"),
    "bytes through Pub/Sub": Price(40, 2**40, "https://cloud.google.com/pubsub/pricing"),
    "bytes of log": Price(0.50, 2**30, "https://cloud.google.com/stackdriver/pricing"),
    # A paused job counts.
    "job-months": Price(0.10, 1, "https://cloud.google.com/scheduler/pricing"),
}

# What storing one period takes. Operations are counted by a test; each bills at least 1000
# bytes of Pub/Sub: the message in, the message out, and word of the object and of its record.
CLASS_A_OPERATIONS = 2
CLASS_B_OPERATIONS = 3
_PUBSUB_BYTES = 2 * 1000 + 2 * 2000
_LOG_BYTES = 2000

# One vCPU and 1 GiB an instance, four transfers at a time, 33 MB each, of which 2.6 MB are
# stored (docs/performance.md).
_CONCURRENCY = 4
_SOURCE_MB = 33
_STORED_GB = 0.0026


@dataclass(frozen=True)
class Cost:
    """What something takes, in units of PRICES."""

    what: str
    units: dict[str, float]

    @property
    def usd(self) -> float:
        """The sum."""
        return sum(PRICES[u].usd * amount / PRICES[u].per for u, amount in self.units.items())

    def row(self) -> str:
        """Return a row of the table."""
        parts = [f"{amount:,.10g} {unit}" for unit, amount in self.units.items()]
        return f"| {self.what} | {', '.join(parts)} | {self.usd:.3f} |\n"


def backfill(periods: int, mb_per_second: float = 10) -> Cost:
    """Return what storing so many periods costs, once, at what a source gives each."""
    seconds = periods * _SOURCE_MB / mb_per_second / _CONCURRENCY
    return Cost(
        f"a backfill of {periods:,} periods, once",
        {
            "vCPU-seconds": seconds,
            "GiB-seconds": seconds,
            "requests": periods,
            "class A operations": periods * CLASS_A_OPERATIONS,
            "class B operations": periods * CLASS_B_OPERATIONS,
            "bytes through Pub/Sub": periods * _PUBSUB_BYTES,
            "bytes of log": periods * _LOG_BYTES,
        },
    )


def storage(periods: int) -> Cost:
    """Return what keeping so many periods costs, a month."""
    gb = periods * _STORED_GB
    return Cost(f"keeping {periods:,} periods, a month", {"GB-months": gb})


def month(feeds: int) -> Cost:
    """Return what a month of audits and schedules costs, the lake being complete.

    An audit every six hours, of 3 s; it lists each feed twice and writes a page and its JSON.
    """
    audits = 4 * 30
    return Cost(
        f"{feeds} feed and the audit, a month",
        {
            "vCPU-seconds": audits * 3,
            "GiB-seconds": audits * 3,
            "requests": audits,
            "class A operations": audits * (2 * feeds + 2),
            "bytes of log": audits * (feeds + 1) * _LOG_BYTES,
            "job-months": feeds + 1,
        },
    )


# From 2010-05-05 to 2024-02-17: a Wednesday and the Saturdays, less the one known gap.
WEEKS_OF_14_YEARS = 720


def table() -> str:
    """Return the page's table."""
    costs = [
        month(feeds=1),
        backfill(WEEKS_OF_14_YEARS),
        storage(WEEKS_OF_14_YEARS),
        backfill(100_000),
        storage(100_000),
    ]
    head = "| what | it takes | USD |\n|---|---|---|\n"
    return head + "".join(cost.row() for cost in costs)


def prices() -> str:
    """Return the page's table of unit prices."""
    rows = [f"| {unit} | {p.usd:g} | {p.per:,} | {p.source} |\n" for unit, p in PRICES.items()]
    return "| unit | USD | per | source |\n|---|---|---|---|\n" + "".join(rows)
