"""A lake to audit: feeds of every kind, and what tests ask of it."""

import datetime as dt
import time
from pathlib import Path
from typing import Any

import requests

from ingest.deadline import Deadline
from ingest.feeds import Catalogue, load_catalogue
from ingest.lake import Lake
from tests.support.dispatching import Dispatching
from tests.support.function import FunctionProcess, envelope
from tests.support.source_server import Reply
from tests.support.world import CSV

_CATALOGUE = """
days:
  url: {{source}}/days/{{{{date:%Y-%m-%d}}}}.csv
  object: days/{{{{date:%Y-%m-%d}}}}.csv.gz
  cadence: day
  first: {days}
  grace: 48h
  known_gaps: {{{{ {gap}: never made }}}}
other:
  url: {{source}}/other/{{{{date:%Y-%m-%d}}}}.csv
  object: days-other/{{{{date:%Y-%m-%d}}}}.csv.gz
  cadence: day
  first: {other}
bare:
  url: {{source}}/bare/{{{{date:%Y-%m-%d}}}}.csv
  object: "{{{{date:%Y/%m/%d}}}}.csv.gz"
  cadence: day
  first: {other}
hours:
  url: {{source}}/hours/{{{{date:%Y-%m-%d-%H}}}}.csv
  object: hours/{{{{date:%Y-%m-%d}}}}/{{{{date:%H}}}}.csv.gz
  cadence: hour
  first: {hours}T00
ended:
  url: {{source}}/ended/{{{{date:%Y-%m}}}}.csv
  object: ended/{{{{date:%Y-%m}}}}.csv.gz
  cadence: month
  first: 2012-06-01
  last: 2012-11-01
  also: [2009-12-15]
idle:
  enabled: false
  url: {{source}}/idle/{{{{date:%Y-%m-%d}}}}.csv
  object: idle/{{{{date:%Y-%m-%d}}}}.csv.gz
  cadence: day
  first: {other}
"""

TODAY = dt.datetime.now(dt.UTC).date()
GAP = TODAY - dt.timedelta(days=20)


def days_ago(days: int) -> str:
    return str(TODAY - dt.timedelta(days=days))


def catalogue() -> str:
    """The feeds' entries, as `world` takes them: their calendars reach to today."""
    return _CATALOGUE.format(
        days=days_ago(30), other=days_ago(5), hours=days_ago(3), gap=str(GAP)
    )


def within() -> Deadline:
    """A deadline that a test does not reach."""
    return Deadline(60, time.monotonic)


class Auditing:
    """Audits by HTTP; looks at the lake as the audit does."""

    def __init__(self, d: Dispatching) -> None:
        self.d, self.world, self.process = d, d.world, d.process
        self.lake = Lake(d.world.bucket)

    @property
    def catalogue(self) -> Catalogue:
        return load_catalogue(Path(self.world.env["LAKEFILL_FEEDS"]))

    def audit(self) -> dict[str, dict[str, Any]]:
        """Audit; return the answer's feeds by name."""
        response = self.process.post("/audit")
        assert response.status_code == 200, response.text
        return {feed["feed"]: feed for feed in response.json()["feeds"]}

    def coverage(self, query: str = "") -> dict[str, Any]:
        response = self.process.get(f"/coverage{query}")
        assert response.status_code == 200, response.text
        body: dict[str, Any] = response.json()
        return body

    def dispatched(self) -> dict[str, list[str]]:
        """The periods of the messages that came since the last call, by feed."""
        found: dict[str, list[str]] = {}
        for message in self.d.messages():
            assert message["mode"] == "fetch"
            found.setdefault(message["feed"], []).append(message["period"])
        return found

    def due(self, feed: str) -> list[str]:
        """The keys of a feed's periods that are due by the calendar, gaps aside."""
        calendar, gaps = self.catalogue[feed].calendar, self.catalogue[feed].known_gaps
        now = dt.datetime.now(dt.UTC)
        first = min((calendar.first, *calendar.also))
        periods = calendar.between(first, now.replace(tzinfo=None))
        return [p.key for p in periods if calendar.due(p) <= now and p.key not in gaps]

    def fill(self, *feeds: str) -> None:
        """Store all that is due of these feeds, or of all."""
        for name in feeds or self.catalogue:
            self.store(name, *self.due(name))

    def store(self, feed: str, *keys: str) -> None:
        for key in keys:
            self.d.store(self.name(feed, key))

    def name(self, feed: str, key: str) -> str:
        """What a period's object is called."""
        of = self.catalogue[feed]
        return of.object_name(of.calendar.period(key))

    def has(self, feed: str, *keys: str) -> None:
        """Have the source have these periods."""
        of = self.catalogue[feed]
        for key in keys:
            url = of.source_url(of.calendar.period(key))
            self.world.put(url.removeprefix(self.world.source.url), Reply(CSV))

    def deliver(self, worker: FunctionProcess, feed: str, run: str, *keys: str) -> None:
        """Hand the worker what a run has published."""
        for key in keys:
            message = {"v": 1, "feed": feed, "period": key, "run": run, "mode": "fetch"}
            response: requests.Response = worker.post(json=envelope(message))
            assert response.status_code == 200, response.text
