"""What is missing, as runs of periods and as the line that fetches them. Pure."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from ingest.coverage import MISSING, PeriodCoverage
from ingest.feed import Feed


@dataclass(frozen=True, slots=True)
class Gap:
    """So many missing periods from `start` to `end` (keys, both inclusive)."""

    start: str
    end: str
    count: int

    @property
    def name(self) -> str:
        """The gap in words."""
        return self.start if self.count == 1 else f"{self.start} to {self.end}"


def gaps_of(periods: Iterable[PeriodCoverage]) -> list[Gap]:
    """Return the gaps with nothing but missing periods in each, oldest first."""
    found: list[Gap] = []
    going_on = False
    for period in periods:
        missing = period.state in MISSING
        key = period.period.key
        if missing and going_on:
            found[-1] = Gap(found[-1].start, key, found[-1].count + 1)
        elif missing:
            found.append(Gap(key, key, 1))
        going_on = missing
    return found


def curl_line(feed: Feed, start: str, end: str) -> str:
    """Return the shell line that has dispatch fetch what is missing from `start` to `end`.

    What is stored in between is skipped there, so that one line does for many gaps.
    """
    body = json.dumps({"feed": feed.name, "start": start, "end": end})
    return f"curl -d '{body}' \"$LAKEFILL_URL\""
