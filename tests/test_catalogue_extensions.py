"""What feeds that are alive need of the catalogue: properties of each key."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ingest.calendar import Calendar
from ingest.errors import ConfigurationError
from ingest.feeds import read_catalogue
from tests.support.strategies import at, entry, feed_of, utc, walk

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WORDS = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=12)
OVERRIDES: dict[str, st.SearchStrategy[object]] = {
    "first": st.dates(at(2000).date(), at(2020).date()).map(str),
    "title": st.text("abc {}", max_size=9),
    "enabled": st.booleans(),
    "recheck": st.integers(0, 9),
    "grace": st.sampled_from(["1h", "2d"]),
    "url": st.just("https://x.org/special/{kind}/{date:%Y%m%d}"),
    "schedule": st.just("0 1 * * *"),
}
SCALARS = st.text(st.characters(max_codepoint=0xD7FF), max_size=12) | st.integers()


def written_out(each: Mapping[str, dict[str, Any] | None], common: dict[str, Any]) -> str:
    """The same feeds one by one, as somebody would copy and edit them."""
    feeds = {}
    for value, overrides in each.items():
        text = json.dumps(common | (overrides or {}))
        feeds[f"f-{value}"] = json.loads(text.replace("{kind}", value))
    return json.dumps(feeds)


@given(
    st.dictionaries(
        WORDS.filter(lambda w: w not in {"y", "n"}),
        st.none() | st.fixed_dictionaries({}, optional=OVERRIDES),
        min_size=1,
        max_size=4,
    )
)
def test_each_is_the_same_feeds_written_out(each: dict[str, dict[str, Any] | None]) -> None:
    common = entry(
        url=[
            "https://x.org/{kind}/{date:%Y%m%d}",
            {"url": "https://x.org/{date:%Y%m%d}-{kind}"},
        ],
        object="f/{kind}/{date:%Y%m%d}.csv",
        query={"what": "{kind}", "{kind}": "{{kind}} {kind}"},
        rows={"count": {"what": "{kind}s"}},
        first="2001-01-01",
    )
    assert "{kind}" in json.dumps(common)
    common["query"] = {"what": "a {kind}", "brace": "{{x}}"}
    multiplied = read_catalogue(json.dumps({"f": common | {"each": {"kind": each}}}))
    alone = read_catalogue(written_out(each, common))
    assert [*multiplied] == [*alone]
    assert multiplied == alone


def test_braces_of_a_template_are_braces_whatever_stands_between_them() -> None:
    feeds = entry(url="https://x.org/{date:%Y%m%d}", object="f/{k}/{date:%Y%m%d}")
    feeds |= {"query": {"q": "{{k}} {k} {{{k}}}"}, "each": {"k": {"a": {}}}}
    feed = read_catalogue(json.dumps({"f": feeds}))["f-a"]
    [(_, asked)] = parse_qsl(
        urlsplit(feed.source_url(feed.calendar.period("2012-01-01"))).query
    )
    assert asked == "{k} a {a}"


@st.composite
def gaps(draw: st.DrawFn) -> tuple[list[int], list[tuple[int, int]]]:
    """Cut a stretch of periods: its numbers, and the runs that are known to be missing."""
    ends = sorted(draw(st.sets(st.integers(0, 60), min_size=2, max_size=8)))
    pairs = zip(ends[::2], ends[1::2], strict=False)
    return [*range(61)], [(a, b) for a, b in pairs]


@given(st.sampled_from(["hour", "day", "week", "month", "year"]), gaps(), st.data())
def test_a_run_of_gaps_is_the_same_gaps_written_singly(
    cadence: Any, drawn: tuple[list[int], list[tuple[int, int]]], data: st.DataObject
) -> None:
    some = data.draw(st.sets(st.sampled_from(DAYS), min_size=1))
    keys: dict[str, object] = {"weekdays": [*some]} if cadence == "day" else {}
    first = "2011-01-01"
    if cadence == "day":
        start = next(n for n in range(7) if DAYS[(at(2011).weekday() + n) % 7] in some)
        first = str((at(2011) + timedelta(days=start)).date())
    keys |= {} if cadence in {"hour", "week"} else {"first": first}
    calendar = feed_of(cadence, **keys).calendar
    periods = [
        p.key
        for p, _ in zip(calendar.between(calendar.first, at(2100)), range(61), strict=False)
    ]
    runs = {f"{periods[a]}..{periods[b]}": "x" for a, b in drawn[1]}
    singly = {periods[n]: "x" for a, b in drawn[1] for n in range(a, b + 1)}
    ranged = feed_of(cadence, **keys, known_gaps=runs)
    assert ranged == feed_of(cadence, **keys, known_gaps=singly)


LABELS = st.integers(0, 80).map(lambda n: at(2010, 12) + timedelta(days=n))
ITEMS = st.lists(st.tuples(st.none() | LABELS, st.none() | LABELS), min_size=1, max_size=4)


@given(ITEMS, st.sampled_from([None, at(2011, 2, 20)]), st.booleans())
def test_a_list_of_urls_covers_every_period_as_it_says_or_is_refused(
    ends: list[tuple[Any, Any]], last: Any, plain: bool
) -> None:
    assume(all(low is None or high is None or low <= high for low, high in ends))
    items: list[Any] = []
    for n, (low, high) in enumerate(ends):
        url = f"https://x.org/{n}/{{date:%Y%m%d}}"
        span = {"from": low and str(low.date()), "to": high and str(high.date())}
        item = {"url": url, **{k: v for k, v in span.items() if v}}
        items.append(url if plain and len(item) == 1 else item)
    keys: dict[str, Any] = {
        "url": items,
        "first": "2011-01-01",
        "last": last and str(last.date()),
    }

    def meant(day: Any) -> list[str]:
        return [
            f"https://x.org/{n}/{day:%Y%m%d}"
            for n, (low, high) in enumerate(ends)
            if (low is None or low <= day) and (high is None or day <= high)
        ]

    days = [at(2011) + timedelta(days=n) for n in range(90)]
    days = [day for day in days if last is None or day <= last]
    missing = [day for day in days if not meant(day)]
    if missing:
        with pytest.raises(
            ConfigurationError, match=f"url: nothing is for {missing[0].date()}"
        ):
            feed_of(**keys)
        return
    feed = feed_of(**keys)
    for day in days:
        found = feed.locations(feed.calendar.named(day))
        assert [location.url for location in found] == meant(day)


@given(st.dictionaries(st.text("abc$_.", min_size=1, max_size=4), SCALARS, max_size=5))
def test_a_query_arrives_as_it_is_written(parameters: dict[str, str | int]) -> None:
    escaped = {
        name: value.replace("{", "{{").replace("}", "}}") if isinstance(value, str) else value
        for name, value in parameters.items()
    }
    feed = feed_of(query=escaped)
    url = urlsplit(feed.source_url(feed.calendar.period("2012-01-01")))
    assert url.path == "/2012010100.csv"
    assert all("!" <= c <= "~" for c in url.query)
    arrived = parse_qsl(url.query, keep_blank_values=True)
    assert arrived == [(name, str(value)) for name, value in parameters.items()]


def test_a_query_takes_the_fields_of_templates_and_goes_after_what_is_there() -> None:
    feed = feed_of(
        url="https://x.org/?a=1",
        query={
            "$where": "t >= '{start:%Y-%m-%dT%H:%M:%S}' AND t < '{end:%Y-%m-%d}'",
            "on": True,
        },
        rows={"count": {"$select": "count(1)", "on": None}},
    )
    [location] = feed.locations(feed.calendar.period("2012-02-29"))
    where = "t >= '2012-02-29T00:00:00' AND t < '2012-03-01'"
    assert parse_qsl(urlsplit(location.url).query) == [
        *(("a", "1"), ("$where", where), ("on", "true"))
    ]
    assert parse_qsl(urlsplit(location.count_url or "").query) == [
        *(("a", "1"), ("$where", where), ("$select", "count(1)"))
    ]


def test_times_in_a_query_are_text_and_no_numbers_to_the_base_of_sixty() -> None:
    text = "f: {url: 'https://x.org/{date:%Y}', object: 'f/{date:%Y}', cadence: year, "
    feed = read_catalogue(text + "first: 2000-01-01, query: {a: 12:30, b: 010, c: 2.5}}")["f"]
    assert feed.source_url(feed.calendar.period("2001-01-01")).endswith("a=12%3A30&b=010&c=2.5")


@given(st.sets(st.sampled_from(range(7)), min_size=1), st.integers(0, 400), st.integers(0, 60))
def test_weekdays_are_the_days_of_a_daily_feed_and_no_others(
    some: set[int], start: int, length: int
) -> None:
    calendar = Calendar(
        cadence="day",
        timezone=feed_of().calendar.timezone,
        first=at(2011),
        weekdays=tuple(sorted(some)),
    )
    low = at(2010, 12) + timedelta(days=start)
    high = low + timedelta(days=length)
    found = [p.at for p in calendar.between(low, high)]
    assert found == [*walk(calendar, low, high)]
    assert all(label.weekday() in some for label in found)
    assert [p.at for p in calendar.before(high) if p.at >= low] == found[::-1]


def test_a_period_that_grows_is_due_from_its_beginning_on() -> None:
    calendar = feed_of("year", grows=True, available_after="3d", grace="7d").calendar
    year = calendar.period("2026-01-01")
    assert (calendar.due(year), calendar.late(year)) == (utc(2026, 1, 4), utc(2026, 1, 11))
    assert calendar.latest_due(utc(2026, 1, 3), 1) == [calendar.period("2025-01-01")]
    assert calendar.latest_due(utc(2026, 1, 4), 1) == [year]
    assert calendar.running(year, utc(2026, 12, 31))
    assert not calendar.running(year, utc(2027, 1, 1))


def test_feeds_are_enabled_unless_they_say_otherwise() -> None:
    feeds = {
        "one": entry(object="1/{date:%Y%m%d}"),
        "two": entry(object="2/{date:%Y%m%d}", enabled=False),
        "three": entry(
            object="3/{k}/{date:%Y%m%d}",
            enabled=False,
            each={"k": {"a": {"enabled": True}, "b": {}}},
        ),
    }
    catalogue = read_catalogue(json.dumps(feeds))
    assert [feed.name for feed in catalogue.values() if feed.enabled] == ["one", "three-a"]
    assert not catalogue["three-b"].enabled
