"""A catalogue with a mistake in it is refused by feed, key and what was expected."""

import json

import pytest

from ingest.calendar import Cadence
from tests.support.strategies import entry, feed_of, refusal

DAY, WEEK, MONTH, YEAR, HOUR = "day", "week", "month", "year", "hour"


@pytest.mark.parametrize(
    ("cadence", "keys", "key", "expected"),
    [
        # Keys and types
        (DAY, {"colour": "red"}, "`colour`", "expected of url, object, cadence"),
        (DAY, {"on": True}, "`on`", "expected of"),
        (DAY, {"checks": {"rows": 1}}, "checks: ", "`rows`; expected of min_bytes, header"),
        (DAY, {"url": ""}, "url: ", "expected http:// or https://"),
        (DAY, {"title": 5}, "title: ", "Expected `str`"),
        (DAY, {"checks": [1]}, "checks: ", "Expected `object`"),
        (DAY, {"also": "2010-05-05"}, "also: ", "Expected `array`"),
        (DAY, {"recheck": True}, "recheck: ", "Expected `int`"),
        (DAY, {"recheck": -1}, "recheck: ", ">= 0"),
        (DAY, {"recheck": 10**30}, "recheck: ", "<= 100000"),
        (DAY, {"recheck": 1.5}, "recheck: ", "Expected `int`"),
        (DAY, {"recheck": "4"}, "recheck: ", "Expected `int`"),
        (DAY, {"checks": {"min_bytes": True}}, "checks.min_bytes: ", "Expected `int`"),
        (DAY, {"checks": {"min_bytes": -5}}, "checks.min_bytes: ", ">= 0"),
        (DAY, {"checks": {"size_change": 0}}, "checks.size_change: ", "> 0"),
        (DAY, {"checks": {"size_change": False}}, "checks.size_change: ", "Expected `float"),
        (DAY, {"checks": {"header": ["a", "b"]}}, "checks.header: ", "Expected `str"),
        (DAY, {"checks": {"header_from": "soon"}}, "checks.header_from: ", "a date like"),
        (DAY, {"compress": "none", "checks": {"header": "a"}}, "checks.header: ", "gzip alone"),
        (DAY, {"cadence": "fortnight"}, "cadence: ", "hour, day, week, month, year"),
        (DAY, {"covers": "both"}, "covers: ", "previous, following"),
        (DAY, {"compress": "zstd"}, "compress: ", "gzip, none"),
        (DAY, {"compress": False}, "compress: ", "Expected `str`"),
        (DAY, {"absent_statuses": [200]}, "absent_statuses[0]: ", ">= 400"),
        (DAY, {"absent_statuses": [404, 500]}, "absent_statuses[1]: ", "<= 499"),
        (DAY, {"absent_statuses": [True]}, "absent_statuses[0]: ", "Expected `int`"),
        (
            DAY,
            {"checks": {"header_from": "2012-01-01"}},
            "checks.header_from: ",
            "header alone",
        ),
        *(
            (DAY, {"object": f"f/{{date:%Y%m%d}}{suffix}"}, "object: ", "or compress: none")
            for suffix in (".zip", ".parquet", ".bz2", ".xz", ".zst")
        ),
        # Two digits of a year
        (YEAR, {"object": "f/{date:%y}.gz", "first": "1763-01-01"}, "object: ", "by %Y of one"),
        (YEAR, {"object": "f/{date:%y}.gz", "first": "1968-01-01"}, "object: ", "by %Y of one"),
        (YEAR, {"url": "https://x.org/{date:%y}", "first": "1968-01-01"}, "url: ", "by %Y of"),
        # Times, sizes, hosts, schedule, zone
        (DAY, {"available_after": "6 hours"}, "available_after: ", "30m, 6h, 10d or 2w"),
        (DAY, {"available_after": "999999w"}, "available_after: ", "30m, 6h, 10d or 2w"),
        (DAY, {"available_after": 6}, "available_after: ", "Expected `str`"),
        (DAY, {"grace": "-1h"}, "grace: ", "30m, 6h, 10d or 2w"),
        (DAY, {"grace": "\u0661h"}, "grace: ", "30m, 6h, 10d or 2w"),
        (DAY, {"max_bytes": "2GB"}, "max_bytes: ", "500MiB or 2GiB"),
        (DAY, {"max_bytes": 0}, "max_bytes: ", "500MiB or 2GiB"),
        (DAY, {"max_bytes": -1}, "max_bytes: ", ">= 0"),
        (DAY, {"max_bytes": True}, "max_bytes: ", "Expected `int | str`"),
        (DAY, {"allowed_hosts": ["http://x.org"]}, "allowed_hosts: ", "data.example.org"),
        (DAY, {"allowed_hosts": ["x.org:80"]}, "allowed_hosts: ", "data.example.org"),
        (DAY, {"schedule": "daily"}, "schedule: ", "five fields"),
        (DAY, {"schedule": "0 9 * *"}, "schedule: ", "five fields"),
        (DAY, {"schedule": "0 9 * * 0 2023"}, "schedule: ", "five fields"),
        (DAY, {"timezone": "New York"}, "timezone: ", "America/New_York"),
        (DAY, {"timezone": "../../etc/passwd"}, "timezone: ", "America/New_York"),
        (DAY, {"timezone": "America"}, "timezone: ", "America/New_York"),
        (HOUR, {"timezone": "Europe/Berlin"}, "timezone: ", "expected UTC"),
        # The calendar
        (WEEK, {"weekday": None}, "weekday: ", "expected one of monday, tuesday"),
        (WEEK, {"weekday": "Saturday"}, "weekday: ", "expected one of monday, tuesday"),
        (DAY, {"weekday": "saturday"}, "weekday: ", "cadence: week alone"),
        (DAY, {"first": "2023-02-30"}, "first: ", "a date like 2023-06-03"),
        (DAY, {"first": "0999-01-01"}, "first: ", "a year from 1000 on"),
        (DAY, {"first": 2010}, "first: ", "Expected `str`"),
        (HOUR, {"first": "2011-02-12"}, "first: ", "an hour like 2023-06-03T07"),
        (WEEK, {"first": "2011-02-13"}, "first: ", "expected a saturday"),
        (MONTH, {"first": "2011-02-12"}, "first: ", "the first day of a month"),
        (YEAR, {"first": "2011-02-01"}, "first: ", "the first of January"),
        (WEEK, {"last": "2023-06-04"}, "last: ", "expected a saturday"),
        (DAY, {"last": "2010-12-31"}, "last: ", "not before first, 2011-01-01"),
        (DAY, {"last": ""}, "last: ", "a date like 2023-06-03"),
        (DAY, {"keep_from": "2023"}, "keep_from: ", "a date like 2023-06-03"),
        (DAY, {"also": ["2020-01-01"]}, "also: ", "2020-01-01 is on the calendar anyway"),
        (WEEK, {"also": ["2011-02-09", "2011-02-09"]}, "also: ", "named twice; leave it out"),
        (WEEK, {"also": ["Wednesday"]}, "also: ", "a date like 2023-06-03"),
        (DAY, {"known_gaps": {"2010-12-31": "x"}}, "known_gaps: ", "a period of the feed"),
        (WEEK, {"known_gaps": {"2012-07-15": "x"}}, "known_gaps: ", "a period of the feed"),
        (DAY, {"known_gaps": {"soon": "x"}}, "known_gaps: ", "a date like 2023-06-03"),
        (DAY, {"known_gaps": {"2020-01-01": None}}, "known_gaps", "Expected `str`"),
        # Templates
        (DAY, {"url": "https://x.org/{period:%Y}"}, "url: ", "{date:...}, {start:...}"),
        (DAY, {"url": "https://x.org/{date.year:%Y}"}, "url: ", "{date:...}, {start:...}"),
        (DAY, {"url": "https://x.org/{date!r:%Y}"}, "url: ", "{date:...}, {start:...}"),
        (DAY, {"url": "https://x.org/{date:%q}"}, "url: ", "%q is not known; expected"),
        (DAY, {"url": "https://x.org/{date}"}, "url: ", "expected strftime directives"),
        (DAY, {"url": "https://x.org/{date:%Y"}, "url: ", "write a brace itself as {{ or }}"),
        (DAY, {"url": "ftp://x.org/{date:%Y}"}, "url: ", "expected http:// or https://"),
        (DAY, {"url": "file:///etc/passwd"}, "url: ", "expected http:// or https://"),
        (DAY, {"url": "https:///{date:%Y}"}, "url: ", "a host"),
        (DAY, {"url": "https://{date:%Y}.x.org/"}, "url: ", "a host, and the fields after it"),
        (DAY, {"url": "https://x.org:{date:%H}/"}, "url: ", "a host, and the fields after it"),
        (DAY, {"url": "https://x.org{date:%Y}/"}, "url: ", "a host, and the fields after it"),
        (DAY, {"url": "https://me:pw@x.org/"}, "url: ", "expected http:// or https://"),
        (DAY, {"url": "https://@x.org/"}, "url: ", "expected http:// or https://"),
        (DAY, {"url": "https://x.org:http/"}, "url: ", "expected http:// or https://"),
        (DAY, {"url": "https://[::1/"}, "url: ", "expected http:// or https://"),
        (DAY, {"url": "https://x.org/#{date:%Y}"}, "url: ", "expected http:// or https://"),
        (DAY, {"url": "https://x.org/{date:%Y}\r\nX: y"}, "url: ", "expected http:// or"),
        (DAY, {"url": "https://x.org/a b"}, "url: ", "expected http:// or https://"),
        (DAY, {"object": "_lakefill/{date:%Y%m%d}"}, "object: ", "not below _lakefill/"),
        (DAY, {"object": "_lakefill{date:/%Y%m%d}"}, "object: ", "not below _lakefill/"),
        (DAY, {"object": "{date:_lakefill/%Y%m%d}"}, "object: ", "not below _lakefill/"),
        (DAY, {"object": "/a/{date:%Y%m%d}"}, "object: ", "a plain path"),
        (DAY, {"object": "{date:/%Y%m%d}"}, "object: ", "a plain path"),
        (DAY, {"object": "a/../{date:%Y%m%d}"}, "object: ", "a plain path"),
        (DAY, {"object": "a/{date:%Y%m%d/..}/b"}, "object: ", "a plain path"),
        (DAY, {"object": "./{date:%Y%m%d}"}, "object: ", "a plain path"),
        (DAY, {"object": "a//{date:%Y%m%d}"}, "object: ", "a plain path"),
        (DAY, {"object": "a/{date:%Y%m%d}\n"}, "object: ", "a plain path"),
        (DAY, {"object": "caf\u00e9/{date:%Y%m%d}"}, "object: ", "a plain path"),
        (DAY, {"object": "a/{date:%Y-%m}"}, "object: ", "the day in it, by %Y %d %m"),
        (DAY, {"object": "a/{date:%Y-%U}"}, "object: ", "expected the day in it"),
        (DAY, {"object": "a/{end:%Y%m}/{date:%d}"}, "object: ", "the day in it"),
        (WEEK, {"object": "a/{date:%Y-%V}"}, "object: ", "expected the week in it"),
        (MONTH, {"object": "a/{date:%Y}"}, "object: ", "the month in it, by %Y %m"),
        (YEAR, {"object": "a/file.csv"}, "object: ", "expected the year in it, by %Y"),
        (DAY, {"url": "https://x.org/latest.csv"}, "url: ", "the day in it, by %Y %d %m"),
        (DAY, {"url": "https://x.org/{date:%Y-%m}.csv"}, "url: ", "the day in it"),
        (DAY, {"url": "https://x.org/{date:%m%d}.csv"}, "url: ", "the day in it"),
        (HOUR, {"url": "https://x.org/{date:%Y%m%d}.csv"}, "url: ", "the hour in it"),
        (
            MONTH,
            {"url": "https://x.org/{date:%Y-%m}", "also": ["2012-06-15"]},
            "url: ",
            "2012-06-01 and 2012-06-15",
        ),
        (HOUR, {"object": "a/{date:%Y%m%d}"}, "object: ", "expected the hour in it"),
        (HOUR, {"object": "a/{date:%Y%m%d%I}"}, "object: ", "expected the hour in it"),
        (
            MONTH,
            {"object": "a/{date:%Y-%m}", "also": ["2012-06-15"]},
            "object: ",
            "2012-06-01 and 2012-06-15",
        ),
        (
            WEEK,
            {"object": "a/{date:%G-%V}", "also": ["2011-02-10"]},
            "object: ",
            "2011-02-12 and 2011-02-10",
        ),
    ],
)
def test_a_mistake_is_refused_by_feed_key_and_what_was_expected(
    cadence: Cadence, keys: dict[str, object], key: str, expected: str
) -> None:
    document = entry(cadence) | keys
    document = {k: v for k, v in document.items() if not (k == "weekday" and v is None)}
    message = refusal(json.dumps({"some-feed": document}))
    assert message.startswith("some-feed: ")
    assert key in message
    assert expected in message.removeprefix("some-feed: ")


@pytest.mark.parametrize("key", ["url", "object", "cadence", "first"])
def test_what_an_entry_must_have_is_named_where_it_is_missing(key: str) -> None:
    document = {k: v for k, v in entry().items() if k != key}
    message = refusal(json.dumps({"some-feed": document}))
    assert message.startswith("some-feed: ")
    assert f"missing required field `{key}`" in message


@pytest.mark.parametrize(
    "name", ["Upper", "a b", "a/b", "", "a\n", "a" * 65, "\u0661", "_lakefill"]
)
def test_a_feeds_name_is_of_small_letters_digits_and_dashes(name: str) -> None:
    assert "expected 1 to 64 of a-z, 0-9 and -" in refusal(json.dumps({name: entry()}))


def test_two_digits_of_a_year_are_enough_within_a_century() -> None:
    for first, last in (("1969-01-01", None), ("1850-01-01", "1949-01-01")):
        keys = {"first": first, "last": last} if last else {"first": first}
        assert feed_of("year", object="f/{date:%y}.gz", **keys)


def test_a_value_that_begins_with_a_brace_is_known_by_its_look() -> None:
    said = refusal("f:\n  object: {date:%Y-%m-%d}.csv.gz\n")
    assert "in quotes" in said
    assert "unicode string" not in said
