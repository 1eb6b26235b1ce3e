"""Coverage to draw pages of: lakes in memory, with periods in whatever state is wanted."""

import datetime as dt
import hashlib
from collections.abc import Callable
from html.parser import HTMLParser

from ingest.coverage import Failure, FeedCoverage, LakeCoverage, Stored, cover
from ingest.feed import Feed
from ingest.page import render

Lacks = Callable[[int], bool]


def stored(feed: Feed, key: str, revision: int = 0) -> Stored:
    """An object as one of real size would be listed."""
    period = feed.calendar.period(key)
    return Stored(
        object=feed.object_name(period),
        size=2_614_912,
        sha256=hashlib.sha256(key.encode()).hexdigest(),
        revision=revision,
        source_bytes=33_174_352,
        rows=253_231,
        fetched_at="2023-06-03T13:00:05Z",
        source_url=feed.source_url(period),
    )


def covered(
    feed: Feed,
    now: dt.datetime,
    *,
    lacks: Lacks = lambda _: False,
    revised: Lacks = lambda _: False,
    failures: dict[str, Failure] | None = None,
) -> FeedCoverage:
    """A feed's coverage where the periods that `lacks` has (by number) are not stored."""
    calendar = feed.calendar
    periods = calendar.between(feed.keep_from, now.replace(tzinfo=None) + dt.timedelta(1))
    objects = {
        feed.object_name(period): stored(feed, period.key, int(revised(n)))
        for n, period in enumerate(periods)
        if not lacks(n)
    }
    return cover(feed, objects, failures or {}, now)


def page_of(*feeds: FeedCoverage, now: dt.datetime, **unknown: str) -> str:
    return render(LakeCoverage(as_of=now, feeds=feeds, unknown=unknown))


class Page(HTMLParser):
    """A page as a parser sees it: its elements, each with attributes, and its texts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._open = tag

    def handle_data(self, data: str) -> None:
        self.texts.setdefault(self._open, []).append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of each element of that name."""
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def states(self) -> dict[str, str]:
        """What the links that are periods say of them: state by key."""
        labels = [a["aria-label"] or "" for a in self.named("a") if "aria-label" in a]
        assert len(labels) == len({*labels})
        return dict(label.split(": ", 1) for label in labels)
