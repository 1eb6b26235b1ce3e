"""The page as text: what is on it, that it is whole by itself, and how long it may get."""

import base64
import hashlib
import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.calendar import Calendar
from ingest.coverage import MISSING, Failure, FeedCoverage, PeriodCoverage, State, Stored
from ingest.page import CONTENT_SECURITY_POLICY
from ingest.page.gaps import Gap, curl_line, gaps_of
from ingest.page.grid import rows_of
from ingest.page.records import COLUMNS, records
from ingest.page.strokes import bar, strokes
from ingest.states import WORST_FIRST
from tests.support.pages import Lacks, Page, covered, page_of
from tests.support.strategies import CADENCES, at, calendars, feed_of, utc

NOW = utc(2023, 6, 15, 12)
STATES = st.sampled_from(WORST_FIRST)


def a_week(**keys: object) -> FeedCoverage:
    keys = {"known_gaps": {"2023-05-20": "never made"}, "grace": "48h"} | keys
    feed = feed_of("week", first="2023-04-29", **keys)
    failures = {
        "2023-05-13": Failure(
            outcome="rejected",
            reason="html",
            message="the source sent a web page",
            attempts=2,
            last="2023-06-15T10:00:00Z",
            next_retry=NOW + timedelta(hours=10),
        )
    }
    return covered(
        feed, NOW, lacks={1, 2, 3, 5}.__contains__, revised={4}.__contains__, failures=failures
    )


def test_each_period_is_a_link_that_says_its_state_and_leads_to_what_is_known() -> None:
    page = Page(page_of(a_week(), now=NOW))
    assert page.states == {
        "2023-04-29": "stored",
        "2023-05-06": "late",
        "2023-05-13": "rejected",
        "2023-05-20": "known gap",
        "2023-05-27": "revised",
        "2023-06-03": "late",
        "2023-06-10": "not due",
    }
    ids = {attributes.get("id") for _, attributes in page.elements}
    links = [a["href"] or "" for a in page.named("a")]
    assert len(links) == 7
    assert {link.removeprefix("#") for link in links} <= ids


_REACH = {"hour": 40, "day": 400, "week": 2000, "month": 4000, "year": 9000}  # in days


@settings(max_examples=60)
@given(st.data(), calendars(), st.sets(st.integers(0, 50)))
def test_every_period_has_its_place_whatever_the_calendar(
    data: st.DataObject, calendar: Calendar, lacking: set[int]
) -> None:
    earliest = min((calendar.first, *calendar.also))
    feed = replace(feed_of(), calendar=calendar, keep_from=earliest)
    days = data.draw(st.integers(0, _REACH[calendar.cadence]))
    now = calendar.instant(calendar.first) + timedelta(days=days)
    coverage = covered(feed, now, lacks=lacking.__contains__)
    page = Page(page_of(coverage, now=now))
    expected = {p.period.key: p.state.replace("_", " ") for p in coverage.periods}
    assert (pictured(page) if calendar.cadence == "hour" else page.states) == expected


def pictured(page: Page) -> dict[str, str]:
    """The states that the pictures of months show, by the hours' keys."""
    found: dict[str, str] = {}
    month = None
    for tag, attributes in page.elements:
        if tag == "svg":
            month = attributes.get("data-month")
        if tag == "path" and month:
            x = y = 0
            for right, down, length in re.findall(
                r"m(-?\d+) (-?\d+)h(\d+)", attributes["d"] or ""
            ):
                x, y = x + int(right), y + int(down)
                for hour in range(x, x + int(length)):
                    key = f"{month}-{y + 1:02}T{hour:02}"
                    assert key not in found
                    found[key] = (attributes["class"] or "").replace("_", " ")
                x += int(length)
    return found


@pytest.mark.parametrize("weekday", range(7))
def test_a_year_of_weeks_is_a_row_from_its_first_days_on(weekday: int) -> None:
    day = date(2010, 1, 1) + timedelta(days=weekday)
    feed = feed_of("week", weekday=f"{day:%A}".lower(), first=str(day))
    periods = [
        PeriodCoverage(p, "stored") for p in feed.calendar.between(at(2010), at(2023, 12, 31))
    ]
    rows = rows_of("week", periods)
    assert [row.name for row in rows] == [str(year) for year in range(2023, 2009, -1)]
    for row in rows:
        assert len(row.places) == 53
        assert [len(place) for place in row.places[:52]] == [1] * 52
        assert row.places[0][0].period.at.day <= 7


def every_cadence() -> str:
    """A page with a feed of each cadence, something missing in each."""
    firsts = {"week": "2019-03-02", "hour": "2022-11-20T00"}
    feeds = [
        replace(feed_of(c, first=firsts.get(c, "2015-01-01")), name=f"by-{c}") for c in CADENCES
    ]
    return page_of(*(covered(f, NOW, lacks={3, 4, 40}.__contains__) for f in feeds), now=NOW)


def test_a_month_of_hours_says_what_it_lacks() -> None:
    feed = feed_of("hour", first="2023-06-01T00")
    coverage = covered(feed, NOW, lacks={3, 4, 30}.__contains__)
    [month] = [m for m in Page(page_of(coverage, now=NOW)).named("svg") if m.get("data-month")]
    label = month["aria-label"] or ""
    assert label.startswith("June 2023: 345 of 348 stored")
    assert "2023-06-01T03 to 2023-06-01T04 late" in label
    assert "2023-06-02T06 late" in label


def test_the_summary_of_a_feed() -> None:
    text = " ".join(re.sub(r"<[^>]*>", " ", page_of(a_week(), now=NOW)).split())
    assert "As of 2023-06-15 12:00 UTC" in text
    assert "Present / expected 2 / 5" in text
    assert "Oldest missing 2023-05-06" in text
    assert "Newest stored 2023-05-27" in text
    assert "Next due 2023-06-10 at 2023-06-17 00:00 UTC" in text
    assert "never: the feed has ended" in page_of(a_week(last="2023-06-03"), now=NOW)


def test_what_is_told_of_a_period() -> None:
    coverage = a_week()
    told = {r.period.period.key: r.cells for r in records(coverage, 10_000, NOW)}
    assert told["2023-05-27"] == (
        *("2,614,912", "33,174,352", "253,231", coverage.periods[4].stored.sha256, "1"),  # type: ignore[union-attr]
        *("2023-06-03T13:00:05Z", "https://example.org/2023052700.csv"),
    )
    assert told["2023-05-13"][-3:] == (
        "https://example.org/2023051300.csv",
        (
            "rejected (html): the source sent a web page; tried 2 times, last "
            "2023-06-15T10:00:00Z; due 2023-05-20 00:00 UTC, late "
            "2023-05-22 00:00 UTC"
        ),
        "an audit after 2023-06-15 22:00 UTC asks again, unless it is under way",
    )
    assert told["2023-05-20"][-2:] == ("never made", "nothing: it is a known gap")
    assert told["2023-06-03"][-1] == "an audit asks for it, unless it is under way"
    assert told["2023-06-10"][-1] == "due 2023-06-17 00:00 UTC"
    assert all(len(cells) <= len(COLUMNS) - 2 for cells in told.values())


@pytest.mark.parametrize(
    ("last", "absences", "hours", "said"),
    [
        (None, 3, -1, "an audit asks again, unless it is under way"),
        (None, 3, 1, "an audit after 2023-06-15 13:00 UTC asks again"),
        ("2023-06-03", 2, -1, "an audit asks again, unless it is under way"),
        ("2023-06-03", 3, 1, "audits ask no more"),
    ],
)
def test_what_happens_next_is_what_the_audit_does(
    last: str | None, absences: int, hours: int, said: str
) -> None:
    feed = feed_of("week", first="2023-06-03", last=last)
    failure = Failure(
        outcome="absent",
        reason="absent",
        attempts=absences + 1,
        absences=absences,
        next_retry=NOW + timedelta(hours=hours),
    )
    coverage = covered(feed, NOW, lacks=lambda _: True, failures={"2023-06-03": failure})
    [*_, oldest] = records(coverage, 10_000, NOW)
    assert oldest.cells[-1].startswith(said)


def test_a_stored_period_whose_recheck_failed_says_so() -> None:
    failure = Failure(outcome="rejected", reason="status", message="answered 403")
    feed = feed_of("week", first="2023-06-03", last="2023-06-03")
    coverage = covered(feed, NOW, failures={"2023-06-03": failure})
    [record] = records(coverage, 10_000, NOW)
    assert record.cells[-1] == (
        "its last recheck failed: rejected (status): answered 403; tried once"
    )


def test_what_needs_attention_has_a_record_before_what_is_new() -> None:
    coverage = covered(feed_of("hour", first="2023-01-01T00"), NOW, lacks={7}.__contains__)
    found = [record.period.period.key for record in records(coverage, 20_000, NOW)]
    listed = [period.period.key for period in coverage.periods]
    assert 50 < len(found) < 200
    assert found == [*reversed(listed[1 - len(found) :]), "2023-01-01T07"]
    assert "GET /coverage?feed=f" in page_of(coverage, now=NOW)


@given(st.lists(STATES, max_size=40))
def test_gaps_are_all_that_is_missing_and_no_two_touch(states: list[State]) -> None:
    periods = listed(states)
    gaps = gaps_of(periods)
    keys = [p.period.key for p in periods]
    inside = [key for gap in gaps for key in keys if gap.start <= key <= gap.end]
    assert inside == [p.period.key for p in periods if p.state in MISSING]
    assert sum(gap.count for gap in gaps) == len(inside)
    assert sum((gap.states for gap in gaps), Counter()) == Counter(
        p.state for p in periods if p.state in MISSING
    )
    for one, other in pairwise(gaps):
        assert keys.index(other.start) - keys.index(one.end) > 1


def listed(states: list[State]) -> list[PeriodCoverage]:
    calendar = feed_of(first="2020-01-01").calendar
    periods = calendar.between(calendar.first, datetime(2020, 3, 1))  # noqa: DTZ001  a label
    return [PeriodCoverage(p, s) for p, s in zip(periods, states, strict=False)]


def test_the_line_of_a_gap() -> None:
    body = '{"feed": "f", "start": "2023-01-07", "end": "2023-02-04"}'
    line = curl_line(feed_of(), "2023-01-07", "2023-02-04")
    assert line == f"curl -d '{body}' \"$LAKEFILL_URL\""
    assert Gap("2023-01-07", "2023-01-07", Counter(["late"])).name == "2023-01-07"


@given(st.lists(st.lists(st.none() | STATES, max_size=24), max_size=31))
def test_strokes_draw_each_period_once(rows: list[list[State | None]]) -> None:
    drawn: dict[tuple[int, int], State] = {}
    for state, path in strokes(rows).items():
        x = y = 0
        for right, down, length in re.findall(r"m(-?\d+) (-?\d+)h(\d+)", path):
            x, y = x + int(right), y + int(down)
            drawn |= dict.fromkeys(((x + n, y) for n in range(int(length))), state)
            x += int(length)
    cells = {(x, y): state for y, row in enumerate(rows) for x, state in enumerate(row)}
    assert drawn == {place: state for place, state in cells.items() if state}


@given(st.lists(STATES, max_size=60), st.integers(1, 20))
def test_a_bar_hides_nothing_that_is_missing(states: list[State], times: int) -> None:
    periods = listed(states) * times
    length, paths = bar(periods)
    assert length == min(len(periods), 100)
    worst = {"stored" if s == "revised" else s for s in states}
    assert {*paths} <= worst
    if worst:
        assert min(worst, key=WORST_FIRST.index) in paths


HOSTILE = "</script></title><img src=x onerror=alert(1)>\"'&{{7*7}}<!--"


def hostile_page() -> str:
    feed = feed_of(first="2023-06-10", title=HOSTILE, known_gaps={"2023-06-12": HOSTILE})
    failure = Failure(
        outcome="rejected", reason=HOSTILE, message=HOSTILE, first=HOSTILE, last=HOSTILE
    )
    failures = {"2023-06-11": failure, "2023-06-10": failure}
    coverage = covered(feed, NOW, lacks={1}.__contains__, failures=failures)
    periods = tuple(
        # As the metadata of an object that somebody else put there may be.
        msgspec.structs.replace(p, stored=p.stored and _hostile(p.stored))
        for p in coverage.periods
    )
    return page_of(replace(coverage, periods=periods), now=NOW, other=HOSTILE)


def _hostile(stored: Stored) -> Stored:
    return msgspec.structs.replace(
        stored, object=HOSTILE, sha256=HOSTILE, fetched_at=HOSTILE, source_url=HOSTILE
    )


def test_whatever_comes_from_outside_is_text() -> None:
    plain, hostile = Page(page_of(a_week(), now=NOW)), Page(hostile_page())
    assert {tag for tag, _ in hostile.elements} <= {tag for tag, _ in plain.elements} | {"nav"}
    assert not [a for _, a in hostile.elements if {"onerror", "src", "style"} & {*a}]
    assert len(hostile.named("script")) == 1
    assert "".join(hostile.texts["td"]).count(HOSTILE) >= 6
    assert "7*7" in "".join(hostile.texts["td"])


def test_the_page_is_whole_by_itself_and_allows_nothing_else() -> None:
    text = page_of(a_week(), now=NOW)
    page = Page(text)
    policies = [
        m["content"]
        for m in page.named("meta")
        if m.get("http-equiv", "") != "" and m["content"]
    ]
    assert policies == [CONTENT_SECURITY_POLICY.removesuffix("; frame-ancestors 'none'")]
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    for element in ("style", "script"):
        [content] = re.findall(rf"<{element}>(.*?)</{element}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{element}-src 'sha256-{digest}'" in CONTENT_SECURITY_POLICY
    for _, attributes in page.elements:
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith("on")]
        for link in ("src", "href"):
            assert (attributes.get(link) or "#")[0] == "#" or attributes[link][:5] == "data:"  # type: ignore[index]


def test_what_a_source_said_is_cut_where_it_is_long() -> None:
    failure = Failure(outcome="rejected", reason="html", message="x" * 151)
    feed = feed_of("week", first="2023-06-03", last="2023-06-03")
    coverage = covered(feed, NOW, failures={"2023-06-03": failure})
    [record] = records(coverage, 10_000, NOW)
    assert f": {'x' * 150}\N{HORIZONTAL ELLIPSIS}; tried once" in record.cells[-1]


def fourteen_years(lacks: Lacks, failure: Failure | None = None) -> tuple[int, int]:
    """The bytes and the records of a page of so many weeks."""
    feed = feed_of(
        "week",
        first="2010-05-08",
        object="mta-turnstile/{date:%Y}/turnstile_{date:%y%m%d}.csv.gz",
        url="http://web.mta.info/developers/data/nyct/turnstile/turnstile_{date:%y%m%d}.txt",
    )
    now = utc(2024, 5, 8)
    keys = [p.period.key for p in covered(feed, now).periods]
    assert len(keys) == 731
    failures = dict.fromkeys(keys, failure) if failure else None
    page = page_of(covered(feed, now, lacks=lacks, failures=failures), now=now)
    return len(page.encode()), page.count("<tr id=")


def test_fourteen_years_of_weeks_take_at_most_300_kb() -> None:
    size, rows = fourteen_years(lambda n: n % 50 == 9)
    assert size <= 300_000
    assert rows == 731


@pytest.mark.parametrize("character", ["<", "\N{MAN}", "'"])
def test_they_take_no_more_whatever_their_source_says(character: str) -> None:
    failure = Failure(
        outcome="rejected",
        reason="html",
        message=character * 500,
        attempts=3,
        last="2023-06-15T10:00:00Z",
        next_retry=utc(2024, 5, 9),
    )
    size, rows = fourteen_years(lambda _: True, failure)
    assert size <= 300_000
    assert rows >= 150


@pytest.mark.parametrize("every", [2, 10, 1_000_000])
def test_a_hundred_thousand_hours_take_less_than_1_mb(every: int) -> None:
    feed = feed_of("hour", first="2012-01-01T00")
    now = datetime(2012, 1, 1, tzinfo=UTC) + timedelta(hours=100_000)
    coverage = covered(feed, now, lacks=lambda n: n % every == 1)
    assert coverage.expected == 100_000
    assert len(page_of(coverage, now=now).encode()) < 1_000_000


def test_a_lake_without_anything() -> None:
    page = page_of(covered(feed_of(first="2040-01-01"), NOW), now=NOW)
    assert "Nothing is missing." in page
    assert "0 of 0 present" in page_of(now=NOW, broken="the lake cannot be read")
