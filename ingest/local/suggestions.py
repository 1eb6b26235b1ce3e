"""Requests worth trying with a catalogue: bodies whose dates are its feeds' own. Pure."""

import json
from datetime import datetime

from ingest.calendar import Cadence
from ingest.feed import Feed
from ingest.feeds import Catalogue

_RANGE = 5
# What a request can name that holds several periods: its name, and its part of a key.
_SPANS: dict[Cadence, tuple[str, int]] = {
    "hour": ("a day", 10),
    "day": ("a month", 7),
    "week": ("a month", 7),
    "month": ("a year", 4),
    "year": ("a year", 4),
}


def suggestions(catalogue: Catalogue, now: datetime) -> list[tuple[str, str]]:
    """Return what to ask for, and the body that asks for it, at `now` (aware)."""
    default, *others = catalogue.values()
    found = [*_of_default(default, now), ("the latest", "")]
    found += (
        (feed.name, json.dumps({"feed": feed.name, "date": keys[-1]}))
        for feed in others
        if feed.enabled and (keys := _newest(feed, now))
    )
    if keys := _newest(default, now):
        found.append(("a dry run", json.dumps({"date": keys[-1][:4], "dry_run": True})))
    return found


def _of_default(feed: Feed, now: datetime) -> list[tuple[str, str]]:
    keys = _newest(feed, now)
    if not keys:
        return []
    cadence = feed.calendar.cadence
    span, part = _SPANS[cadence]
    return [
        (f"one {cadence}", json.dumps({"date": keys[-1]})),
        (span, json.dumps({"date": keys[-1][:part]})),
        ("a range", json.dumps({"start": keys[0], "end": keys[-1]})),
    ]


def _newest(feed: Feed, now: datetime) -> list[str]:
    """Return the keys of the newest periods that are due, oldest first, without gaps."""
    due = [period.key for period in feed.calendar.latest_due(now, _RANGE)]
    return [key for key in due if key not in feed.known_gaps] or due
