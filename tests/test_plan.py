"""Which periods a request means, and which requests mean none."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from ingest.feed import Feed
from ingest.feeds import load_catalogue
from ingest.plan import Question, UnplannableError, select
from tests.support.strategies import at, feed_of, utc

NOW = utc(2023, 6, 14, 16)  # a Wednesday, at noon in New York
WEEKLY = load_catalogue().default
MONTHLY = feed_of("month", first="2020-01-01", timezone="America/New_York")
HOURLY = feed_of("hour", first="2023-01-01T00")
YEARLY = feed_of("year", first="2013-01-01")
DAILY = feed_of("day", first="2020-01-01")
LONGER = replace(
    WEEKLY, calendar=replace(WEEKLY.calendar, also=(at(2010, 5, 5), at(2025, 1, 1)))
)


def keys(
    feed: Feed, now: datetime = NOW, max_periods: int = 1000, **question: str
) -> list[str]:
    return [p.key for p in select(Question(**question), feed, now, max_periods)]


def refused(feed: Feed, now: datetime = NOW, max_periods: int = 1000, **question: str) -> str:
    with pytest.raises(UnplannableError) as caught:
        select(Question(**question), feed, now, max_periods)
    return str(caught.value)


def test_a_date_means_its_period() -> None:
    assert keys(WEEKLY, date="2023-06-03") == ["2023-06-03"]
    assert keys(WEEKLY, date="2010-05-05") == ["2010-05-05"]
    assert keys(HOURLY, date="2023-06-03T07") == ["2023-06-03T07"]
    assert keys(MONTHLY, date="2023-05-01") == ["2023-05-01"]
    assert keys(YEARLY, date="2022-01-01") == ["2022-01-01"]


def test_a_month_or_a_year_means_all_periods_within() -> None:
    assert keys(WEEKLY, date="2023-04") == [f"2023-04-{day:02}" for day in (1, 8, 15, 22, 29)]
    whole = keys(WEEKLY, date="2022")
    assert (len(whole), whole[0], whole[-1]) == (53, "2022-01-01", "2022-12-31")
    assert keys(MONTHLY, date="2023-02") == ["2023-02-01"]
    assert keys(YEARLY, date="2022") == ["2022-01-01"]
    assert keys(WEEKLY, date="2010-05") == [f"2010-05-{d:02}" for d in (5, 8, 15, 22, 29)]


def test_a_month_or_a_year_that_has_begun_counts_up_to_today() -> None:
    assert keys(WEEKLY, date="2023-06") == ["2023-06-03", "2023-06-10"]
    assert keys(DAILY, date="2023-06")[-1] == "2023-06-14"
    assert keys(DAILY, start="2023-06-13", end="2023") == ["2023-06-13", "2023-06-14"]
    assert keys(MONTHLY, date="2023")[-1] == "2023-06-01"
    assert keys(YEARLY, date="2023") == ["2023-01-01"]


def test_a_day_means_all_its_hours_where_the_feed_has_hours() -> None:
    assert keys(HOURLY, date="2023-06-03") == [f"2023-06-03T{h:02}" for h in range(24)]
    assert len(keys(HOURLY, date="2023-06-14")) == 24  # those to come will be skipped
    assert keys(HOURLY, start="2023-06-03T22", end="2023-06-04T01") == [
        *("2023-06-03T22", "2023-06-03T23", "2023-06-04T00", "2023-06-04T01")
    ]


def test_a_range_is_inclusive_and_its_ends_take_every_form() -> None:
    assert keys(WEEKLY, start="2023-05-27", end="2023-06-03") == ["2023-05-27", "2023-06-03"]
    assert keys(WEEKLY, start="2023-05-28", end="2023-06-03") == ["2023-06-03"]
    assert keys(MONTHLY, start="2022-11", end="2023-01-01") == [
        *("2022-11-01", "2022-12-01", "2023-01-01")
    ]
    assert keys(DAILY, start="2023-06-01", end="2023-06-02T00") == ["2023-06-01", "2023-06-02"]


def test_a_start_alone_reaches_to_today_in_the_feeds_zone() -> None:
    assert keys(WEEKLY, start="2023-06") == ["2023-06-03", "2023-06-10"]
    # 03:00 UTC on Saturday is still Friday in New York.
    assert keys(WEEKLY, utc(2023, 6, 17, 3), start="2023-06-10") == ["2023-06-10"]
    assert keys(WEEKLY, utc(2023, 6, 17, 4), start="2023-06-10")[-1] == "2023-06-17"


def test_the_parts_of_a_range_outside_the_feeds_life_are_empty() -> None:
    everything = keys(WEEKLY, utc(2026, 11, 24), start="1990", end="2026")
    assert (everything[0], everything[-1]) == ("2010-05-05", "2024-02-17")
    assert len(everything) == 1 + 720
    assert keys(WEEKLY, utc(2026, 11, 24), start="2024-02") == [
        *("2024-02-03", "2024-02-10", "2024-02-17")
    ]


@pytest.mark.parametrize(
    ("feed", "question", "nearest"),
    [
        (WEEKLY, {"date": "2023-06-04"}, "2023-06-03 and 2023-06-10"),
        (WEEKLY, {"date": "2010-05-06"}, "2010-05-05 and 2010-05-08"),
        (WEEKLY, {"date": "2023-06-03T07"}, "2023-06-03 and 2023-06-10"),
        (WEEKLY, {"date": "2023-06-03T00"}, "2023-06-03 and 2023-06-10"),
        (MONTHLY, {"date": "2023-05-02"}, "2023-05-01 and 2023-06-01"),
        (YEARLY, {"date": "2022-02-01"}, "2022-01-01 and 2023-01-01"),
        (HOURLY, {"date": "2022-12-31T23"}, "2023-01-01T00"),
    ],
)
def test_a_date_off_the_calendar_is_answered_with_its_neighbours(
    feed: Feed, question: dict[str, Any], nearest: str
) -> None:
    message = refused(feed, **question)
    assert message.startswith(f"{question['date']} ")
    assert message.endswith(f"; the nearest: {nearest}")


def test_a_date_before_the_first_or_after_the_last_is_told_so() -> None:
    late = utc(2026, 11, 24)
    message = refused(WEEKLY, late, date="2010-05-01")
    assert message == (
        "2010-05-01 lies before the first period of mta-turnstile; the nearest: 2010-05-05"
    )
    message = refused(WEEKLY, late, date="2024-02-24")
    assert message == (
        "2024-02-24 lies after the last period of mta-turnstile; the nearest: 2024-02-17"
    )
    assert "is not on the calendar" in refused(WEEKLY, late, date="2010-05-07")
    # One more period came after the grid had ended.
    message = refused(LONGER, late, date="2024-02-24")
    assert message.endswith(
        "is not on the calendar of mta-turnstile; the nearest: 2024-02-17 and 2025-01-01"
    )
    assert "after the last" in refused(LONGER, late, date="2025-01-02")


@pytest.mark.parametrize(
    ("question", "nearest"),
    [
        ({"date": "2009"}, "2010-05-05"),
        ({"start": "2009", "end": "2010-05-04"}, "2010-05-05"),
        ({"start": "2023-06-04", "end": "2023-06-09"}, "2023-06-03 and 2023-06-10"),
        ({"start": "2023-06-11"}, "2023-06-10 and 2023-06-17"),
        ({"date": "0001"}, "2010-05-05"),
    ],
)
def test_a_range_without_a_period_is_refused_with_the_nearest(
    question: dict[str, Any], nearest: str
) -> None:
    message = refused(WEEKLY, **question)
    assert "mta-turnstile has no period from" in message
    assert message.endswith(f"; the nearest: {nearest}")


@pytest.mark.parametrize(
    "question",
    [
        {"date": "2023-06-15"},
        {"date": "2023-06-17"},
        {"date": "2023-06-15T00"},
        {"date": "2023-07"},
        {"date": "2024"},
        {"date": "9998-12-31"},
        {"start": "2023-06-01", "end": "2023-06-15"},
        {"start": "2023-06-01", "end": "2023-07"},
        {"start": "2023-06-15"},
        {"start": "2024", "end": "2025"},
    ],
)
@pytest.mark.parametrize("feed", [WEEKLY, DAILY, HOURLY, MONTHLY, YEARLY])
def test_the_future_is_refused(feed: Feed, question: dict[str, Any]) -> None:
    assert "lies in the future (it is 2023-06-14 in the feed's time zone)" in refused(
        feed, **question
    )


def test_whether_a_date_lies_in_the_future_is_asked_in_the_feeds_zone() -> None:
    saturday = utc(2023, 6, 17, 3, 59)
    assert "it is 2023-06-16" in refused(WEEKLY, saturday, date="2023-06-17")
    assert keys(WEEKLY, utc(2023, 6, 17, 4), date="2023-06-17") == ["2023-06-17"]


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " ",
            "today",
            "2023-02-30",
            "2023-13",
            "2023-00",
            "0000",
            "2023-W22",
            "2023-W22-6",
        ),
        *("2023-6-3", "20230603", "23-06-03", "2023-06-03T24", "2023-06-03T7", "2023-06-03 07"),
        *("2023-06-03T07:00", "2023-06-03Z", "2023-06-03\n", "2023-06-03\0", "-2023", "+2023"),
        *(
            "\u0662\u0660\u0662\u0663",
            "2023-0\uff16",
            "9999",
            "\ud800",
            "2023-06-03/..",
            "1" * 9999,
        ),
    ],
)
@pytest.mark.parametrize("field", ["date", "start", "end"])
def test_what_is_no_date_is_answered_with_the_forms_there_are(field: str, text: str) -> None:
    question: dict[str, Any] = {"start": "2023-01-01", field: text}
    message = refused(WEEKLY, **question)
    assert message.startswith(f"{field}: expected a day like 2023-06-03, a month like 2023-06")
    assert len(message) < 200


def test_a_start_after_the_end_is_refused() -> None:
    message = refused(WEEKLY, start="2023-06-03", end="2023-05")
    assert message == "start 2023-06-03 lies after end 2023-05; swap the two"


def test_more_periods_than_allowed_are_refused_and_as_many_are_not() -> None:
    assert len(keys(HOURLY, max_periods=24, date="2023-06-03")) == 24
    message = refused(HOURLY, max_periods=23, date="2023-06-03")
    assert message.startswith("more than 23 periods lie from 2023-06-03 to 2023-06-03")
    assert "shorter range" in message


def test_nothing_named_means_the_latest_due_and_those_to_recheck() -> None:
    latest = ["2023-05-13", "2023-05-20", "2023-05-27", "2023-06-03", "2023-06-10"]
    assert keys(WEEKLY) == latest
    # Saturday's file is due at six in New York, that is at ten in UTC.
    assert keys(WEEKLY, utc(2023, 6, 17, 9, 59)) == latest
    assert keys(WEEKLY, utc(2023, 6, 17, 10)) == [*latest[1:], "2023-06-17"]
    assert keys(DAILY) == ["2023-06-13"]
    assert keys(HOURLY) == ["2023-06-14T15"]
    assert keys(MONTHLY) == ["2023-05-01"]
    assert keys(YEARLY) == ["2022-01-01"]
    assert keys(WEEKLY, utc(2010, 5, 9)) == ["2010-05-05", "2010-05-08"]
    assert keys(WEEKLY, utc(2009, 5, 9)) == []
    assert keys(WEEKLY, utc(2026, 11, 24))[-1] == "2024-02-17"
