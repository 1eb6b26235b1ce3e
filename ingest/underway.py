"""What is under way: published by a recent run, and without an outcome so far."""

from collections.abc import Collection
from datetime import datetime, timedelta

from ingest.deadline import Deadline
from ingest.feed import Feed
from ingest.lake import Lake
from ingest.runs import RunSeen, read_outcomes, recent_runs
from ingest.schedule import first_run_id
from ingest.times import iso

# A message that has led to no outcome after this long is taken for lost.
_PATIENCE = timedelta(hours=36)


class UnderWay:
    """The runs of the last 36 hours before `now` (aware), listed once, read as they matter."""

    def __init__(self, lake: Lake, now: datetime) -> None:
        self._lake, self._since = lake, now - _PATIENCE
        self._runs: list[RunSeen] | None = None

    def among(self, keys: Collection[str], feed: Feed, deadline: Deadline) -> set[str]:
        """Return which of a feed's periods, given by key, are under way.

        Raises RetryError where the lake cannot be read.
        """
        waiting: set[str] = set()
        for seen in self._recent(deadline) if keys else ():
            if seen.feed == feed.name:
                published = seen.published_periods(self._lake, deadline)
                asked = set(keys).intersection(published) - waiting
                if asked:
                    waiting |= asked - read_outcomes(self._lake, seen.run, deadline).keys()
        return waiting

    def _recent(self, deadline: Deadline) -> list[RunSeen]:
        if self._runs is None:
            found = recent_runs(self._lake, first_run_id(self._since), deadline)
            self._runs = [seen for seen in found if seen.created >= iso(self._since)]
        return self._runs
