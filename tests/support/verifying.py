"""Objects to be verified, whole and damaged."""

import datetime as dt
from pathlib import Path

from ingest.feeds import load_catalogue
from ingest.local.verify import Verified, verify
from tests.support.source_server import Reply
from tests.support.world import CSV, Deliveries, World


def verified(here: World, day: Deliveries) -> Verified:
    """What reading the day's object back finds."""
    feed = load_catalogue(Path(here.env["LAKEFILL_FEEDS"]))["tiny"]
    blob = here.bucket.get_blob(day.name)
    return verify(feed, feed.calendar.period(str(day.day)), blob)


def store(here: World, name: str, content: bytes, metadata: dict[str, str]) -> None:
    """Put content under a name, as nobody should."""
    blob = here.bucket.blob(name)
    blob.metadata = metadata
    blob.upload_from_string(content, content_type="application/gzip")


def store_two(here: World, day: Deliveries) -> None:
    """Have the worker store the day and the day after it, which differ."""
    for n in (1, 0):
        day.day += dt.timedelta(days=n)
        here.put(day.path, Reply(CSV + b"%d,%d\n" % (n, day.day.day)))
        assert day.outcome() == (200, "stored")
        day.day -= dt.timedelta(days=n)
