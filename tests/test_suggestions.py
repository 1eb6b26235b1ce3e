"""The requests that `lakefill up` suggests can be asked, whatever the catalogue."""

import json
from dataclasses import replace

import pytest

from ingest.calendar import Cadence
from ingest.feeds import Catalogue, load_catalogue
from ingest.local.suggestions import suggestions
from ingest.plan import select
from ingest.request import parse_request
from tests.support.strategies import CADENCES, feed_of, utc

NOW = utc(2026, 11, 26, 12)


def planned(catalogue: Catalogue) -> dict[str, list[str]]:
    """What each suggestion means, as dispatch plans it."""
    found = {}
    for what, body in suggestions(catalogue, NOW):
        request = parse_request(body.encode())
        feed = catalogue[request.feed_name] if request.feed_name else catalogue.default
        found[what] = [p.key for p in select(request.question, feed, NOW, 10_000)]
    return found


@pytest.mark.parametrize("cadence", CADENCES)
def test_each_suggestion_has_periods(cadence: Cadence) -> None:
    other = replace(feed_of("month", last="2013-05-01"), name="other")
    catalogue = Catalogue(f=feed_of(cadence), other=other)
    found = planned(catalogue)
    assert found.keys() >= {f"one {cadence}", "a range", "the latest", "other", "a dry run"}
    assert all(found.values())
    assert len(found[f"one {cadence}"]) == 1
    assert len(found["a range"]) == 5
    assert found["other"] == ["2013-05-01"]


def test_the_packaged_catalogue_is_asked_for_its_last_weeks() -> None:
    assert planned(load_catalogue())["a range"] == [
        *("2024-01-20", "2024-01-27", "2024-02-03", "2024-02-10", "2024-02-17")
    ]


def test_a_known_gap_is_not_suggested() -> None:
    feed = feed_of("day", last="2013-05-05", known_gaps={"2013-05-05": "never made"})
    assert planned(Catalogue(f=feed))["one day"] == ["2013-05-04"]


def test_a_feed_that_has_not_begun_has_only_its_latest_to_be_asked_for() -> None:
    feed = feed_of("year", first="2990-01-01")
    assert suggestions(Catalogue(f=feed, g=feed), NOW) == [("the latest", "")]


def test_bodies_are_json() -> None:
    bodies = [body for _, body in suggestions(load_catalogue(), NOW) if body]
    asked = [json.loads(body) for body in bodies]
    assert [body["date"] for body in asked if "date" in body and "feed" not in body] == [
        *("2024-02-17", "2024-02", "2024")
    ]
    enabled = [feed.name for feed in load_catalogue().values() if feed.enabled]
    assert [body["feed"] for body in asked if "feed" in body] == enabled[1:]
