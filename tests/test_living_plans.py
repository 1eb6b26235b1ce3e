"""What is asked for, and expected, of feeds that grow, pause at weekends or are not enabled."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from ingest.calendar import Calendar
from ingest.coverage import Stored, cover
from ingest.coverage_json import summary
from ingest.feed import Feed
from ingest.plan import Question, decide, select
from tests.support.strategies import calendars, feed_of, utc

NOW = utc(2026, 6, 14, 12)
YEARS = feed_of("year", grows=True, available_after="3d", recheck=1, first="2020-01-01")
WEEKDAYS = feed_of(
    weekdays=["monday", "tuesday", "wednesday", "thursday", "friday"],
    first="2026-06-01",
    known_gaps={"2026-06-04..2026-06-05": "holidays"},
    recheck=2,
)


def decided(feed: Feed, question: Question, stored: set[str]) -> dict[str, str]:
    periods = select(question, feed, NOW, 1000)
    plan = decide(question, periods, feed, stored, NOW)
    return {p.key: word for p, word in [*plan.dispatched, *plan.skipped]}


def objects(feed: Feed, *keys: str) -> dict[str, Stored]:
    names = [feed.object_name(feed.calendar.period(key)) for key in keys]
    return {name: Stored(object=name, size=10, sha256="ab") for name in names}


def test_a_stored_period_that_still_grows_is_asked_for_again_however_it_is_meant() -> None:
    stored = {"2024-01-01", "2025-01-01", "2026-01-01"}
    again = {"2026-01-01": "recheck"}
    assert decided(YEARS, Question(date="2026-01-01"), stored) == again
    assert decided(YEARS, Question(start="2024"), stored) == again | {
        "2024-01-01": "stored",
        "2025-01-01": "stored",
    }
    assert decided(YEARS, Question(), stored) == again | {"2025-01-01": "recheck"}
    assert decided(YEARS, Question(), set()) == dict.fromkeys(
        ("2025-01-01", "2026-01-01"), "fetch"
    )


def test_other_feeds_are_asked_for_once_and_then_when_they_are_over() -> None:
    ordinary = feed_of("year", first="2020-01-01")
    assert decided(ordinary, Question(date="2026-01-01"), set()) == {"2026-01-01": "not_due"}
    assert decided(ordinary, Question(date="2025-01-01"), {"2025-01-01"}) == {
        "2025-01-01": "stored"
    }


@given(calendars(), st.integers(0, 2000))
def test_the_latest_include_the_running_period_of_a_feed_that_grows(
    calendar: Calendar, hours: int
) -> None:
    feed = replace(feed_of(), calendar=calendar)
    now = feed.calendar.instant(feed.calendar.first) + timedelta(hours=hours)
    latest = select(Question(), feed, now, 10)
    running = [
        p
        for p in feed.calendar.between(feed.calendar.first, feed.calendar.first + timedelta(90))
        if feed.calendar.running(p, now) and feed.calendar.due(p) <= now
    ]
    if feed.calendar.grows:
        assert not running or latest[-1] >= running[-1]
    else:
        assert not [p for p in latest if feed.calendar.running(p, now)]


def test_days_without_a_file_are_neither_expected_nor_asked_for() -> None:
    assert decided(WEEKDAYS, Question(date="2026-06"), {"2026-06-03"}) == {
        **dict.fromkeys(("2026-06-01", "2026-06-02"), "fetch"),
        "2026-06-03": "stored",
        **dict.fromkeys(("2026-06-04", "2026-06-05"), "known_gap"),
        **dict.fromkeys(("2026-06-08", "2026-06-09", "2026-06-10"), "fetch"),
        **dict.fromkeys(("2026-06-11", "2026-06-12"), "fetch"),
    }
    assert [*decided(WEEKDAYS, Question(), set())] == ["2026-06-10", "2026-06-11", "2026-06-12"]
    told = summary(cover(WEEKDAYS, objects(WEEKDAYS, "2026-06-03"), {}, NOW))
    assert (told["expected"], told["stored"], told["next_due"]) == (8, 1, "2026-06-15")


def test_a_period_that_grows_is_expected_before_it_is_over() -> None:
    told = summary(cover(YEARS, objects(YEARS, "2026-01-01", "2025-01-01"), {}, NOW))
    assert (told["expected"], told["stored"], told["late"]) == (7, 2, 5)
    assert (told["newest_stored"], told["next_due"]) == ("2026-01-01", "2027-01-01")
    assert told["next_due_at"] == "2027-01-04T00:00:00Z"


def test_of_a_feed_that_is_not_enabled_nothing_is_expected_and_what_is_stored_is_shown() -> (
    None
):
    off = feed_of("year", enabled=False, first="2020-01-01", known_gaps={"2021-01-01": "x"})
    told = summary(cover(off, {}, {}, NOW))
    counts = ("expected", "stored", "missing", "awaiting", "late", "failed", "rejected")
    assert {told[name] for name in counts} == {0}
    assert (told["next_due"], told["oldest_missing"]) == (None, None)
    some = cover(off, objects(off, "2022-01-01"), {}, NOW)
    assert [p.period.key for p in some.periods] == ["2022-01-01"]
    assert (some.expected, some.stored, some.missing, some.alarming) == (0, 1, 0, False)


def test_a_feed_that_is_not_enabled_is_fetched_when_it_is_asked_for() -> None:
    off = feed_of("year", enabled=False, first="2024-01-01")
    assert decided(off, Question(start="2024"), {"2024-01-01"}) == {
        "2024-01-01": "stored",
        "2025-01-01": "fetch",
        "2026-01-01": "not_due",
    }
