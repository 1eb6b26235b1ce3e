"""What is under way: published by a recent run, and without an outcome so far."""

from collections.abc import Collection
from datetime import datetime, timedelta

from ingest.deadline import Deadline
from ingest.feed import Feed
from ingest.lake import Lake
from ingest.runs import read_manifest, read_outcomes, recent_runs
from ingest.schedule import first_run_id
from ingest.times import iso

# A message that has led to no outcome after this long is taken for lost.
_PATIENCE = timedelta(hours=36)


class UnderWay:
    """The runs of the last 36 hours before `now` (aware), listed once, read as they matter."""

    def __init__(self, lake: Lake, now: datetime) -> None:
        self._lake, self._since = lake, now - _PATIENCE
        self._runs: list[tuple[str, str]] | None = None

    def among(self, keys: Collection[str], feed: Feed, deadline: Deadline) -> set[str]:
        """Return which of a feed's periods, given by key, are under way.

        Raises RetryError where the lake cannot be read.
        """
        if not keys:
            return set()
        if self._runs is None:
            since = first_run_id(self._since)
            self._runs = list(recent_runs(self._lake, since, deadline))
        waiting: set[str] = set()
        for run, of_feed in self._runs:
            if of_feed == feed.name:
                published = self._published(run, deadline).intersection(keys) - waiting
                if published:
                    waiting |= published - read_outcomes(self._lake, run, deadline).keys()
        return waiting

    def _published(self, run: str, deadline: Deadline) -> set[str]:
        """Return the periods that a run has published, none where it is too old."""
        found = read_manifest(self._lake, run, deadline)
        if found is None or found[0].created < iso(self._since):
            return set()
        manifest, _ = found
        return manifest.dispatched.keys() - {*manifest.unpublished}
