"""What becomes of each period that a request means."""

from dataclasses import replace
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.feed import Feed
from ingest.plan import Plan, Question, UnplannableError, decide, select
from tests.support.strategies import at, calendars, feed_of, ranges, utc, walk

NOW = utc(2023, 6, 14, 16)
DAILY = feed_of(
    "day",
    first="2020-01-01",
    available_after="6h",
    recheck=2,
    known_gaps={"2023-06-11": "corrupt", "2023-06-14": "never made"},
)
HOURLY = feed_of("hour", first="2023-01-01T00", available_after="15m")
RANGE = Question(start="2023-06-10", end="2023-06-14")
LATEST = Question()


def decided(
    question: Question, stored: set[str], *, force: bool = False, feed: Feed = DAILY
) -> dict[str, str]:
    """What becomes of each period: the mode it is asked for in, or why it is left alone."""
    periods = select(question, feed, NOW, 1000)
    plan = decide(question, periods, feed, stored, NOW, force=force)
    return {p.key: word for p, word in [*plan.dispatched, *plan.skipped]}


def test_what_is_missing_is_fetched_and_what_is_stored_is_left_alone() -> None:
    assert decided(RANGE, {"2023-06-10", "2023-06-12"}) == {
        "2023-06-10": "stored",
        "2023-06-11": "known_gap",
        "2023-06-12": "stored",
        "2023-06-13": "fetch",
        "2023-06-14": "known_gap",
    }


def test_force_fetches_what_is_stored_but_nothing_that_cannot_be_there() -> None:
    today = replace(DAILY, known_gaps={"2023-06-11": "corrupt"})
    assert decided(RANGE, {"2023-06-10", "2023-06-11"}, force=True, feed=today) == {
        "2023-06-10": "force",
        "2023-06-11": "known_gap",
        "2023-06-12": "force",
        "2023-06-13": "force",
        "2023-06-14": "not_due",
    }


def test_a_known_gap_says_more_than_not_due_and_not_due_more_than_stored() -> None:
    assert decided(Question(date="2023-06-14"), {"2023-06-14"}) == {"2023-06-14": "known_gap"}
    today = replace(DAILY, known_gaps={})
    only = Question(date="2023-06-14")
    assert decided(only, {"2023-06-14"}, feed=today) == {"2023-06-14": "not_due"}


def test_a_period_of_today_that_is_not_due_is_skipped_and_not_refused() -> None:
    words = decided(Question(date="2023-06-14"), set(), feed=HOURLY)
    assert [words[f"2023-06-14T{hour:02}"] for hour in (0, 14, 15, 16, 23)] == [
        *("fetch", "fetch", "not_due", "not_due", "not_due")
    ]


def test_the_latest_are_fetched_where_missing_and_rechecked_where_stored() -> None:
    assert decided(LATEST, {"2023-06-12"}) == {
        "2023-06-11": "known_gap",
        "2023-06-12": "recheck",
        "2023-06-13": "fetch",
    }
    assert decided(LATEST, {"2023-06-12"}, force=True) == {
        "2023-06-11": "known_gap",
        "2023-06-12": "force",
        "2023-06-13": "force",
    }


def test_a_date_that_is_stored_is_not_rechecked() -> None:
    assert decided(Question(date="2023-06-12"), {"2023-06-12"}) == {"2023-06-12": "stored"}


def test_a_period_is_due_from_its_due_time_on() -> None:
    period = DAILY.calendar.period("2023-06-12")
    for second, word in ((59, "not_due"), (0, "fetch")):
        now = utc(2023, 6, 13, 5 + (second == 0), 59 if second else 0).replace(second=second)
        plan = decide(RANGE, [period], DAILY, set(), now)
        assert [w for _, w in [*plan.dispatched, *plan.skipped]] == [word]


@pytest.mark.parametrize("force", [False, True])
def test_no_periods_come_to_nothing(force: bool) -> None:
    assert decide(LATEST, [], DAILY, set(), NOW, force=force) == Plan([], [])


@given(st.data(), st.sampled_from([4, 7, 10]), st.booleans())
def test_each_period_of_a_range_is_dispatched_or_skipped_once(
    data: st.DataObject, length: int, force: bool
) -> None:
    calendar = data.draw(calendars())
    low, high = sorted(data.draw(ranges(calendar)))
    now = max(data.draw(ranges(calendar))).replace(tzinfo=UTC)
    known = [p.key for p in calendar.between(low, high)]
    some = st.sets(st.sampled_from(known)) if known else st.just(set())
    stored, gaps = data.draw(some), data.draw(some)
    feed = replace(DAILY, calendar=calendar, known_gaps=dict.fromkeys(gaps, "gone"))
    question = Question(start=low.isoformat()[:length], end=high.isoformat()[:length])
    reason, plan = "", Plan([], [])
    try:
        periods = select(question, feed, now, 10**6)
        plan = decide(question, periods, feed, stored, now, force=force)
    except UnplannableError as error:
        reason = str(error)

    # What the texts span, walked day by day (or hour by hour) up to today.
    today = now.astimezone(calendar.timezone).date()
    begin = at(low.year, low.month if length > 4 else 1, low.day if length > 7 else 1)
    spanned = [
        label
        for label in walk(calendar, begin, at(high.year, 12, 31, 23))
        if label.isoformat()[:length] <= str(question.end) and label.date() <= today
    ]
    future = today.isoformat()[:length] < max(str(question.start), str(question.end))
    assert ("lies in the future" in reason) == future
    assert ("has no period" in reason) == (not future and not spanned)
    done = [p for p, _ in plan.dispatched] + [p for p, _ in plan.skipped]
    assert sorted(p.at for p in done) == ([] if future else spanned)
    for column in (plan.dispatched, plan.skipped):
        assert [p.at for p, _ in column] == sorted(p.at for p, _ in column)
    for period, mode in plan.dispatched:
        assert calendar.due(period) <= now
        assert period.key not in gaps
        still_grows = calendar.grows and now < calendar.instant(calendar.window(period)[1])
        again = still_grows and period.key in stored
        assert mode == ("force" if force else "recheck" if again else "fetch")
        assert force or again or period.key not in stored
    for period, word in plan.skipped:
        assert {
            "known_gap": period.key in gaps,
            "not_due": calendar.due(period) > now,
            "stored": period.key in stored and not force,
        }[word]
