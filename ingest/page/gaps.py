"""What is missing, as runs of periods and as the line that fetches them. Pure."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from ingest.coverage import MISSING, PeriodCoverage, State
from ingest.feed import Feed


@dataclass(frozen=True, slots=True)
class Gap:
    """The missing periods from `start` to `end` (keys, both inclusive), counted by state."""

    start: str
    end: str
    states: Counter[State] = field(default_factory=Counter)

    @property
    def count(self) -> int:
        """How many periods it has."""
        return self.states.total()

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
        if missing:
            before = found.pop() if going_on else Gap(key, key)
            before.states[period.state] += 1
            found.append(replace(before, end=key))
        going_on = missing
    return found


def curl_line(feed: Feed, start: str, end: str) -> str:
    """Return the shell line that has dispatch fetch what is missing from `start` to `end`.

    What is stored in between is skipped there, so that one line does for many gaps.
    """
    body = json.dumps({"feed": feed.name, "start": start, "end": end})
    return f"curl -d '{body}' \"$LAKEFILL_URL\""
