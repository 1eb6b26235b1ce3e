"""The catalogue that is shipped, what a minimal entry means, and which feeds fit together."""

import json
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from ingest.calendar import Calendar
from ingest.errors import ConfigurationError
from ingest.feed import Checks
from ingest.feeds import load_catalogue, read_catalogue
from tests.support.strategies import at, entry, feed_of

# Every key there is, with the values that the documentation gives.
IN_FULL = """
mta-turnstile:
  title: NYC MTA turnstile counts
  url: http://web.mta.info/developers/data/nyct/turnstile/turnstile_{date:%y%m%d}.txt
  object: mta-turnstile/{date:%Y}/turnstile_{date:%y%m%d}.csv.gz
  cadence: week
  weekday: saturday
  timezone: America/New_York
  covers: previous
  first: 2010-05-08
  also: [2010-05-05]
  keep_from: 2023-01-01
  last: 2024-02-17
  known_gaps: {2012-07-14: source file is corrupt}
  available_after: 6h
  grace: 48h
  recheck: 4
  schedule: "0 9 * * 0"
  compress: gzip
  absent_statuses: [404, 410]
  allowed_hosts: []
  max_bytes: 2GiB
  checks:
    min_bytes: 100000
    header: C/A,UNIT,SCP,STATION,LINENAME,DIVISION,DATE,TIME,DESC,ENTRIES,EXITS
    header_from: 2014-10-18
    size_change: 0.5
"""
HEADER = (
    *("C/A", "UNIT", "SCP", "STATION", "LINENAME", "DIVISION"),
    *("DATE", "TIME", "DESC", "ENTRIES", "EXITS"),
)


def test_the_packaged_catalogue_begins_with_the_documented_entry() -> None:
    assert load_catalogue().default == read_catalogue(IN_FULL).default


def test_the_first_feed_is_what_its_entry_says() -> None:
    catalogue = load_catalogue()
    feed = catalogue.default
    assert next(iter(catalogue)) == "mta-turnstile"
    assert (feed.name, feed.title) == ("mta-turnstile", "NYC MTA turnstile counts")
    assert feed.calendar == Calendar(
        cadence="week",
        timezone=ZoneInfo("America/New_York"),
        first=at(2010, 5, 8),
        last=at(2024, 2, 17),
        also=(at(2010, 5, 5),),
        weekday=5,
        covers="previous",
        available_after=timedelta(hours=6),
        grace=timedelta(hours=48),
    )
    assert feed.keep_from == at(2023)
    assert feed.known_gaps == {"2012-07-14": "source file is corrupt"}
    assert (feed.recheck, feed.schedule, feed.compress) == (4, "0 9 * * 0", "gzip")
    assert feed.absent_statuses == {404, 410}
    assert feed.allowed_hosts == frozenset()
    assert feed.max_bytes == 2147483648
    assert feed.checks == Checks(
        min_bytes=100_000, header=HEADER, header_from=at(2014, 10, 18), size_change=0.5
    )
    week = feed.calendar.period("2023-06-03")
    assert feed.object_name(week) == "mta-turnstile/2023/turnstile_230603.csv.gz"
    folder = "http://web.mta.info/developers/data/nyct/turnstile"
    assert feed.source_url(week) == f"{folder}/turnstile_230603.txt"


def test_a_minimal_entry_gets_the_documented_defaults() -> None:
    feed = read_catalogue(
        """
        small:
          url: https://example.org/{date:%Y}.csv
          object: small/{date:%Y}.csv.gz
          cadence: year
          first: 2013-01-01
        """
    )["small"]
    assert feed.title == "small"
    assert feed.calendar == Calendar(
        cadence="year",
        timezone=ZoneInfo("UTC"),
        first=at(2013),
        last=None,
        also=(),
        covers="following",
        available_after=timedelta(0),
        grace=timedelta(hours=24),
    )
    assert (feed.recheck, feed.schedule, feed.compress) == (0, None, "gzip")
    assert feed.absent_statuses == {404, 410}
    assert feed.allowed_hosts == frozenset()
    assert feed.max_bytes == 2 * 1024**3
    assert feed.known_gaps == {}
    assert feed.checks == Checks(min_bytes=0, header=None, header_from=None, size_change=None)


def test_a_feed_of_one_file_needs_no_date_in_its_url() -> None:
    feed = feed_of(
        "year", url="https://x.org/census.csv", first="2020-01-01", last="2020-01-01"
    )
    [period] = feed.calendar.before(at(2021))
    assert feed.source_url(period) == "https://x.org/census.csv"


@pytest.mark.parametrize("week", ["%Y%m%d", "%y%j", "%G-W%V", "%Y-%U", "%Y-%W"])
def test_the_weeks_of_a_url_are_told_apart_by_their_numbers_too(week: str) -> None:
    feed = feed_of("week", url=f"https://x.org/{{date:{week}}}", first="2000-01-01")
    urls = [feed.source_url(p) for p in feed.calendar.between(at(2000), at(2040))]
    assert len({*urls}) == len(urls)


def test_a_lake_holds_everything_from_the_first_period_that_exists_on_its_own() -> None:
    assert feed_of("year", first="1763-01-01").keep_from == at(1763)
    assert feed_of("year", first="1763-01-01", also=["1750-01-01"]).keep_from == at(1750)


@pytest.mark.parametrize(
    ("written", "hours"),
    [("0h", 0), ("90m", 1.5), ("3600s", 1), ("6h", 6), ("10d", 240), ("2w", 336)],
)
def test_times_are_a_number_and_a_unit(written: str, hours: float) -> None:
    assert feed_of(grace=written).calendar.grace == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("written", "size"),
    [(1, 1), ("17", 17), ("17B", 17), ("3KiB", 3072), ("5 MiB", 5 * 2**20), ("1TiB", 2**40)],
)
def test_sizes_are_bytes_or_binary_units(written: str | int, size: int) -> None:
    assert feed_of(max_bytes=written).max_bytes == size


def test_columns_and_hosts_are_read_as_they_are_compared() -> None:
    feed = feed_of(checks={"header": "a, b ,c"}, allowed_hosts=["Data.Example.org"])
    assert feed.checks.header == ("a", "b", "c")
    assert feed.allowed_hosts == {"data.example.org"}


def test_dates_that_are_quoted_are_dates_all_the_same() -> None:
    quoted = IN_FULL
    for day in ("2010-05-05", "2012-07-14", "2024-02-17", "2023-01-01", "2014-10-18"):
        quoted = quoted.replace(day, f'"{day}"')
    assert read_catalogue(quoted) == read_catalogue(IN_FULL)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a/{date:%Y%m%d}.gz", "a/{date:%Y%m%d}.gz"),
        ("a/{date:%Y%m%d}.gz", "a/{end:%Y%m%d}.gz"),
        ("a/{date:%Y%m%d}", "a/{date:%d%m%Y}"),
        ("a/{date:%Y/%m/%d}", "a/{date:%Y}/{date:%m/%d}"),
        ("a/{date:%Y%m%d}", "a/{date:%y%m%d%H}"),
        ("a/{date:%Y-%m-%d-%H}", "a/{date:%Y-%m-%d-%-H}"),
    ],
)
def test_feeds_whose_objects_could_collide_are_refused(one: str, other: str) -> None:
    feeds = {"one": entry(object=one), "two": entry(object=other)}
    with pytest.raises(ConfigurationError) as caught:
        read_catalogue(json.dumps(feeds))
    for word in (
        "two: object:",
        repr(other),
        repr(one),
        "of one",
        "expected a folder of its own",
    ):
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a/{date:%Y%m%d}.gz", "b/{date:%Y%m%d}.gz"),
        ("a/{date:%Y%m%d}.csv.gz", "a/{date:%Y%m%d}.json.gz"),
        ("a/{date:%Y%m%d}.gz", "a/x/{date:%Y%m%d}.gz"),
        ("{date:%Y%m%d}a", "{date:%Y%m%d}b"),
        ("a/{date:%Y-%m-%d}", "a/{date:%Y%m%d}"),
    ],
)
def test_feeds_that_share_a_folder_but_no_name_are_taken(one: str, other: str) -> None:
    feeds = {"one": entry(object=one), "two": entry(object=other)}
    assert [*read_catalogue(json.dumps(feeds))] == ["one", "two"]


def test_the_first_feed_of_the_file_is_the_default() -> None:
    feeds = {"b": entry(object="b/{date:%Y%m%d}"), "a": entry(object="a/{date:%Y%m%d}")}
    assert read_catalogue(json.dumps(feeds)).default.name == "b"


def test_an_error_names_the_file_and_an_unreadable_one_the_setting(tmp_path: Path) -> None:
    path = tmp_path / "feeds.yaml"
    with pytest.raises(ConfigurationError, match=r"feeds\.yaml.*LAKEFILL_FEEDS"):
        load_catalogue(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match=r"feeds\.yaml.*LAKEFILL_FEEDS"):
        load_catalogue(path)
    path.write_text("f: {}")
    with pytest.raises(ConfigurationError, match=r"feeds\.yaml: f: .*url"):
        load_catalogue(path)
