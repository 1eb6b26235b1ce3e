"""A mistake in a key that living feeds need is refused by feed, key and what was expected."""

import json

import pytest

from ingest.calendar import Cadence
from tests.support.strategies import entry, refusal

DAY, WEEK, MONTH, YEAR, HOUR = "day", "week", "month", "year", "hour"
URL = "https://x.org/{date:%Y%m%d}"


def item(low: str | None = None, high: str | None = None, url: str = URL) -> dict[str, str]:
    ends = {"from": low, "to": high}
    return {"url": url, **{k: v for k, v in ends.items() if v}}


@pytest.mark.parametrize(
    ("cadence", "keys", "key", "expected"),
    [
        (DAY, {"enabled": "no"}, "enabled: ", "Expected `bool`"),
        (DAY, {"enabled": None}, "enabled: ", "Expected `bool`"),
        # Addresses
        (DAY, {"url": []}, "url: ", "expected at least one template"),
        (DAY, {"url": [URL, {"to": "2011-01-01"}]}, "url", "missing required field `url`"),
        (DAY, {"url": [{"url": URL, "till": "2011"}]}, "url", "expected of url, from, to"),
        (DAY, {"url": [URL, 7]}, "url[1]", "got `int`"),
        (DAY, {"url": [URL, "ftp://x.org/{date:%Y}"]}, "url: ", "expected http://"),
        (DAY, {"url": [item("2011-02-01")]}, "url: ", "nothing is for 2011-01-01; expected an"),
        (DAY, {"url": [item(None, "2011-02-01")]}, "url: ", "nothing is for 2011-02-02"),
        (
            DAY,
            {"url": [item(None, "2011-02-01"), item("2011-02-03")]},
            "url: ",
            "nothing is for 2011-02-02; expected an item for every period",
        ),
        (
            DAY,
            {"also": ["2010-05-05"], "url": [item("2011-01-01")]},
            "url: ",
            "nothing is for 2010-05-05",
        ),
        (DAY, {"url": [URL, item("2011-02-03", "2011-02-02")]}, "url: ", "swap the two"),
        (WEEK, {"url": [URL, item("2011-02-13")]}, "url: from: ", "expected a saturday"),
        (MONTH, {"url": [URL, item(None, "2011-02-02")]}, "url: to: ", "first day of a month"),
        (HOUR, {"url": [URL, item("2011-02-13")]}, "url: from: ", "an hour like"),
        (
            DAY,
            {"weekdays": ["monday"], "first": "2011-01-03", "url": [URL, item("2011-02-13")]},
            "url: from: ",
            "expected a monday",
        ),
        (
            DAY,
            {"url": [URL, "https://x.org/latest"]},
            "url: ",
            "'https://x.org/latest' would fetch the same file for different periods",
        ),
        (
            DAY,
            {"url": [URL, item("2011-02-01", "2011-02-02", "https://x.org/latest")]},
            "url: ",
            "would fetch the same file for different periods",
        ),
        (
            DAY,
            {"url": "https://x.org/" + "a" * 4000 + "{date:%Y%m%d}"},
            "url: ",
            "at most 4000",
        ),
        # Queries
        (DAY, {"query": ["a"]}, "query: ", "Expected `object`"),
        (DAY, {"query": {"a": None}}, "query", "got `null`"),
        (DAY, {"query": {"a": ["b"]}}, "query", "got `array`"),
        (DAY, {"query": {"": "b"}}, "query: ", "expected a parameter's name"),
        (DAY, {"query": {"a": "{day:%Y}"}}, "query: ", "{date:...}, {start:...}"),
        (DAY, {"query": {"a": "{date}"}}, "query: ", "expected strftime directives"),
        (DAY, {"url": "https://x.org/", "query": {"a": "{date:%Y}"}}, "url: ", "the day in it"),
        # Rows
        (DAY, {"rows": {"max": 3}}, "rows: ", "expected of min, below, count"),
        (DAY, {"rows": {"min": -1}}, "rows.min: ", ">= 0"),
        (DAY, {"rows": {"min": 5, "below": 5}}, "rows.below: ", "expected more than min, 5"),
        (DAY, {"rows": {"below": 0}}, "rows.below: ", "expected more than min, 0"),
        (DAY, {"rows": {"min": 1}, "compress": "none"}, "rows: ", "compress: gzip alone"),
        (DAY, {"rows": {"count": {"b": None}}}, "rows.count: ", "b is no parameter of query"),
        (DAY, {"rows": {"count": {}}}, "rows.count: ", "another request"),
        (
            DAY,
            {"query": {"a": 1}, "rows": {"count": {"a": 1}}},
            "rows.count: ",
            "another request",
        ),
        (DAY, {"rows": {"count": {"a": "{x:%Y}"}}}, "rows.count: ", "{date:...}, {start:...}"),
        (
            DAY,
            {
                "url": "https://x.org/a",
                "query": {"w": "{date:%Y%m%d}", "a": 1},
                "rows": {"count": {"w": None}},
            },
            "url: ",
            "the same number of rows for different periods; expected the day in it",
        ),
        (
            DAY,
            {
                "url": [
                    {"url": "https://x.org/{date:%Y%m%d}", "to": "2012-01-01"},
                    "https://x.org/" + "a" * 4000 + "{date:%Y%m%d}",
                ]
            },
            "url: ",
            "at most 4000",
        ),
        (
            DAY,
            {"query": {"a": 1}, "rows": {"count": {"a": "a" * 4000}}},
            "url: ",
            "at most 4000",
        ),
        # Calendars
        (DAY, {"weekdays": []}, "weekdays: ", "expected some of monday, tuesday"),
        (DAY, {"weekdays": ["monday", "monday"]}, "weekdays: ", "once each"),
        (DAY, {"weekdays": ["Mon"]}, "weekdays: ", "expected some of monday, tuesday"),
        (DAY, {"weekdays": "monday"}, "weekdays: ", "Expected `array"),
        (WEEK, {"weekdays": ["monday"]}, "weekdays: ", "cadence: day alone; leave it out"),
        (DAY, {"weekdays": ["monday", "friday"]}, "first: ", "expected a monday or friday"),
        (
            DAY,
            {"weekdays": ["monday"], "first": "2011-01-03", "known_gaps": {"2011-01-04": "x"}},
            "known_gaps: ",
            "a period of the feed",
        ),
        (DAY, {"grows": True, "covers": "previous"}, "grows: ", "expected covers: following"),
        (DAY, {"grows": "yes"}, "grows: ", "Expected `bool`"),
        (DAY, {"revisions": "rare"}, "revisions: ", "expected one of expected"),
        # Gaps
        (DAY, {"known_gaps": {"2012-01-02..2012-01-01": "x"}}, "known_gaps: ", "swap the two"),
        (DAY, {"known_gaps": {"2012-01-02..": "x"}}, "known_gaps: ", "a date like 2023-06-03"),
        (
            DAY,
            {"known_gaps": {"2010-01-02..2012-01-01": "x"}},
            "known_gaps: ",
            "a period of the",
        ),
        (
            DAY,
            {"known_gaps": {"2012-01-01..2012-01-05": "x", "2012-01-03": "y"}},
            "known_gaps: ",
            "2012-01-03 is named twice",
        ),
        (
            HOUR,
            {"known_gaps": {"2012-01-01T00..2032-01-01T00": "x"}},
            "known_gaps: ",
            "over 100,000 periods",
        ),
    ],
)
def test_a_mistake_is_refused_by_feed_key_and_what_was_expected(
    cadence: Cadence, keys: dict[str, object], key: str, expected: str
) -> None:
    message = refusal(json.dumps({"some-feed": entry(cadence) | keys}))
    assert message.startswith("some-feed: ")
    assert key in message
    assert expected in message.removeprefix("some-feed: ")


@pytest.mark.parametrize(
    ("each", "expected"),
    [
        (None, "f: each: expected one name and its values, like {kind:"),
        ({}, "f: each: expected one name and its values"),
        ({"a": {"b": {}}, "c": {"d": {}}}, "f: each: expected one name and its values"),
        ({"Kind": {"b": {}}}, "f: each: expected a name of a-z"),
        ({"date": {"b": {}}}, "f: each: date is a field of its own"),
        ({"kind": {}}, "f: each: kind: expected its values"),
        ({"kind": ["a", "b"]}, "f: each: kind: expected its values"),
        ({"kind": {"A b": {}}}, "f: each: kind: 'A b' is no value; expected text of a-z"),
        ({"kind": {"n": {}}}, "f: each: kind: 'n' is no value"),
        ({"kind": {"a": "b"}}, "f: each: kind: a: expected the keys that differ"),
        ({"kind": {"a": {"each": {"x": {"y": {}}}}}}, "f: each: kind: a: each within each"),
        ({"kind": {"a": {"url": 7}}}, "f-a: url: "),
        (
            {"kind": {"a": {"urls": URL}}},
            "f-a: Object contains unknown field `urls`; expected of",
        ),
        ({"kind": {"a": {}, "b": {}}}, "f-b: object: "),
        ({"kind": {"a" * 63: {}}}, "is no name for a feed; expected 1 to 64"),
        ({"other": {"a": {}}}, "f-a: url: 'https://x.org/{kind}': {kind} is no field"),
    ],
)
def test_a_mistake_in_each_is_refused_by_entry_and_value(each: object, expected: str) -> None:
    feed = entry("year", url="https://x.org/{kind}", last="2011-01-01", each={}) | {
        "each": each
    }
    assert expected in refusal(json.dumps({"f": feed}))


def test_a_word_that_yaml_reads_as_something_else_is_no_value() -> None:
    text = "f: {each: {kind: {off: {}}}, url: u, object: o, cadence: day, first: 2011-01-01}"
    assert "False is no value; expected text of a-z, 0-9 and -, in quotes" in refusal(text)
    assert "2019 is no value" in refusal(text.replace("off", "2019"))


def test_two_feeds_of_one_name_are_refused() -> None:
    feeds = {"f-a": entry(), "f": entry(object="g/{date:%Y%m%d}", each={"k": {"a": {}}})}
    assert "f-a: it is the name of two feeds" in refusal(json.dumps(feeds))
