"""Looking at the lake: from listings to a feed's coverage."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from ingest.calendar import Period
from ingest.coverage import FeedCoverage, LakeCoverage, Stored, cover
from ingest.deadline import Deadline
from ingest.failures import read_failures
from ingest.feed import RESERVED_PREFIX, Feed
from ingest.feeds import Catalogue
from ingest.lake import Lake, StoredObject


def look(lake: Lake, feed: Feed, now: datetime, deadline: Deadline) -> FeedCoverage:
    """Return a feed's coverage at `now` (aware), by a listing of objects and one of failures.

    Raises RetryError where the lake cannot be read.
    """
    # Records first: of a period that is stored meanwhile, too much is seen and not too little.
    failures = read_failures(lake, feed, deadline)
    objects = {o.name: _stored(o) for o in _objects(lake, feed, deadline) if o.counts}
    return cover(feed, objects, failures, now)


def look_at_all(
    catalogue: Catalogue, lake: Lake, now: datetime, deadline: Deadline
) -> LakeCoverage:
    """Return the coverage of all enabled feeds at `now`, as `look` does of one."""
    enabled = (feed for feed in catalogue.values() if feed.enabled)
    feeds = tuple(look(lake, feed, now, deadline) for feed in enabled)
    return LakeCoverage(as_of=now, feeds=feeds)


def stored_among(
    lake: Lake, feed: Feed, periods: Iterable[Period], deadline: Deadline
) -> set[str]:
    """Return the keys of those of a feed's periods that are stored, by one narrow listing.

    Raises RetryError where the lake cannot be read.
    """
    keys = {feed.object_name(period): period.key for period in periods}
    return {keys[o.name] for o in lake.among(keys, deadline) if o.counts}


def _objects(lake: Lake, feed: Feed, deadline: Deadline) -> Iterator[StoredObject]:
    """Yield the objects that may be the feed's, and none of lakefill's own records."""
    prefix, fields = feed.object.prefix, "name,size,metadata"
    if not RESERVED_PREFIX.startswith(prefix):
        yield from lake.list(prefix, deadline, fields=fields)
        return
    # A name that begins with a date: what lies on either side of the records, which are many.
    after = RESERVED_PREFIX[:-1] + chr(ord(RESERVED_PREFIX[-1]) + 1)
    yield from lake.list(prefix, deadline, fields=fields, end=RESERVED_PREFIX)
    yield from lake.list(prefix, deadline, fields=fields, start=after)


def _stored(found: StoredObject) -> Stored:
    """Keep what coverage shows of an object; there may be a great many."""
    return Stored(
        object=found.name,
        size=found.size,
        sha256=found.metadata["lakefill-sha256"],
        revision=found.revision,
        source_bytes=found.number("lakefill-source-bytes"),
        rows=found.number("lakefill-rows"),
        fetched_at=found.metadata.get("lakefill-fetched-at", ""),
        source_url=found.metadata.get("lakefill-source-url", ""),
    )
