"""What a period covers and when its file is due, across every kind of clock change."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingest.calendar import Cadence, Calendar, Covers, shift
from tests.support.strategies import (
    CADENCES,
    ZONES,
    at,
    calendars,
    feed_of,
    on_grid,
    ranges,
    step,
    utc,
    walk,
)


def endless(cadence: Cadence, zone: str = "UTC", **options: object) -> Calendar:
    """A calendar without an end whose weeks begin on a Saturday."""
    first = at(2000, 1, 1)
    assert first.weekday() == 5
    calendar = Calendar(cadence=cadence, timezone=ZoneInfo(zone), first=first, weekday=5)
    return Calendar(**{n: getattr(calendar, n) for n in Calendar.__slots__} | options)


INSTANTS = st.datetimes(at(2001), at(2040), timezones=st.just(UTC))
A_LONG_STEP: dict[Cadence, int] = {"hour": 1, "day": 2, "week": 8, "month": 32, "year": 367}


@given(
    st.sampled_from(CADENCES),
    st.sampled_from(ZONES),
    st.sampled_from(["previous", "following"]),
    INSTANTS,
)
@example("day", "America/Sao_Paulo", "following", utc(2018, 11, 4, 2, 59))  # to no midnight
@example("day", "America/Sao_Paulo", "following", utc(2018, 11, 4, 3, 0))
@example("week", "America/Sao_Paulo", "previous", utc(2019, 2, 17, 2, 30))  # 23:30 again
@example("day", "Pacific/Apia", "following", utc(2011, 12, 30, 10, 0))  # no 30th there
@example("day", "Pacific/Apia", "previous", utc(2011, 12, 30, 9, 59))
@example("day", "Atlantic/Azores", "following", utc(2023, 10, 29, 0, 30))  # midnight twice
@example("month", "Asia/Beirut", "following", utc(2023, 3, 25, 22, 30))
@example("year", "America/Havana", "previous", utc(2024, 1, 1, 5, 0))
def test_each_instant_lies_in_the_window_of_one_period_by_its_local_date(
    cadence: Cadence, zone: str, covers: Covers, now: datetime
) -> None:
    zone = "UTC" if cadence == "hour" else zone
    calendar = endless(cadence, zone, covers=covers)
    local = now.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    begins = local.replace(minute=0, second=0, microsecond=0)
    begins = begins if cadence == "hour" else begins.replace(hour=0)
    while not on_grid(begins, cadence, 5):
        begins -= step(cadence)
    reach = timedelta(days=2 * A_LONG_STEP[cadence])
    around = []
    for period in calendar.between(local - reach, local + reach):
        start, end = calendar.window(period)
        if calendar.instant(start) <= now < calendar.instant(end):
            around.append((period, start))
    assert [start for _, start in around] == [begins]
    assert around[0][0].at == (
        begins if covers == "following" else calendar.window(around[0][0])[1]
    )


@given(st.data())
def test_the_windows_of_a_calendar_tile_without_gap_or_overlap(data: st.DataObject) -> None:
    grid = data.draw(calendars())
    grid = endless(
        grid.cadence,
        grid.timezone.key,
        covers=grid.covers,
        first=grid.first,
        weekday=grid.weekday,
    )
    begin = data.draw(st.datetimes(grid.first, grid.first + timedelta(days=4000)))
    count = timedelta(days=12 * A_LONG_STEP[grid.cadence])
    windows = [grid.window(p) for p in grid.between(begin, begin + count)]
    assert len(windows) > 10
    for (_, end), (start, _) in pairwise(windows):
        assert start == end
        assert grid.instant(start) == grid.instant(end)
    instants = [grid.instant(moment) for window in windows for moment in window]
    assert instants == sorted(instants)


@pytest.mark.parametrize(
    ("cadence", "zone", "label", "hours"),
    [
        ("week", "America/New_York", at(2023, 3, 11), 167),
        ("week", "America/New_York", at(2023, 11, 4), 169),
        ("week", "America/New_York", at(2023, 6, 3), 168),
        ("day", "Europe/Berlin", at(2023, 3, 26), 23),
        ("day", "Europe/Berlin", at(2023, 10, 29), 25),
        ("day", "Australia/Lord_Howe", at(2023, 10, 1), 23.5),
        ("day", "Australia/Lord_Howe", at(2023, 4, 2), 24.5),
        ("day", "America/Sao_Paulo", at(2018, 11, 4), 23),
        ("day", "America/Sao_Paulo", at(2019, 2, 16), 25),
        ("day", "Pacific/Apia", at(2011, 12, 30), 0),
        ("day", "Pacific/Apia", at(2011, 12, 29), 24),
        ("month", "America/New_York", at(2023, 3, 1), 31 * 24 - 1),
        ("year", "Europe/Berlin", at(2023, 1, 1), 365 * 24),
        ("year", "UTC", at(2024, 1, 1), 366 * 24),
        ("hour", "UTC", at(2023, 3, 12, 7), 1),
        ("hour", "UTC", at(2023, 11, 5, 6), 1),
    ],
)
def test_a_window_is_as_long_as_its_days_were(
    cadence: Cadence, zone: str, label: datetime, hours: float
) -> None:
    calendar = endless(cadence, zone)
    start, end = calendar.window(calendar.named(label))
    assert calendar.instant(end) - calendar.instant(start) == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("key", "due"),
    [
        ("2023-06-03", utc(2023, 6, 3, 10)),  # midnight in summer is 04:00 UTC
        ("2023-01-07", utc(2023, 1, 7, 11)),  # and in winter 05:00
        ("2010-05-05", utc(2010, 5, 5, 10)),
    ],
)
def test_a_week_is_due_some_hours_after_its_last_midnight_and_late_after_grace(
    key: str, due: datetime
) -> None:
    calendar = endless(
        "week",
        "America/New_York",
        covers="previous",
        also=(at(2010, 5, 5),),
        available_after=timedelta(hours=6),
        grace=timedelta(hours=48),
    )
    period = calendar.period(key)
    assert calendar.due(period) == due
    assert calendar.late(period) == due + timedelta(days=2)


@pytest.mark.parametrize(
    ("cadence", "covers", "label", "window"),
    [
        ("month", "previous", at(2023, 3, 31), (at(2023, 2, 28), at(2023, 3, 31))),
        ("month", "previous", at(2024, 3, 30), (at(2024, 2, 29), at(2024, 3, 30))),
        ("month", "following", at(2023, 1, 31), (at(2023, 1, 31), at(2023, 2, 28))),
        ("month", "following", at(2023, 12, 15), (at(2023, 12, 15), at(2024, 1, 15))),
        ("year", "following", at(2024, 2, 29), (at(2024, 2, 29), at(2025, 2, 28))),
        ("year", "previous", at(2024, 2, 29), (at(2023, 2, 28), at(2024, 2, 29))),
        ("week", "previous", at(2010, 5, 5), (at(2010, 4, 28), at(2010, 5, 5))),
    ],
)
def test_a_period_off_the_grid_has_a_window_of_the_cadences_length(
    cadence: Cadence, covers: Covers, label: datetime, window: tuple[datetime, datetime]
) -> None:
    calendar = endless(cadence, covers=covers, also=(label,))
    assert calendar.window(calendar.named(label)) == window


@given(st.datetimes(at(1001), at(8000)), st.integers(-500, 500))
def test_months_and_years_step_by_the_calendar_and_stay_in_their_month(
    moment: datetime, steps: int
) -> None:
    months, years = shift(moment, "month", steps), shift(moment, "year", steps)
    assert (months.year * 12 + months.month) - (moment.year * 12 + moment.month) == steps
    assert (years.year - moment.year, years.month) == (steps, moment.month)
    for moved in (months, years):
        following_day = moved + timedelta(days=1)
        # The same day, unless the month ends before.
        assert moved.day == moment.day or (moved.day < moment.day and following_day.day == 1)
        assert moved.hour == moment.hour


@given(st.data(), st.integers(0, 6))
def test_the_latest_are_the_newest_that_are_due_and_none_that_is_not(
    data: st.DataObject, count: int
) -> None:
    calendar = data.draw(calendars())
    moment = max(data.draw(ranges(calendar)))
    now = moment.replace(tzinfo=UTC)
    lowest = min((calendar.first, *calendar.also))
    met = map(calendar.named, walk(calendar, lowest, moment + timedelta(days=2)))
    due = [period for period in met if calendar.due(period) <= now]
    assert calendar.latest_due(now, count) == due[max(len(due) - count, 0) :]


def test_a_day_that_is_due_stays_so_when_the_clock_is_put_back_over_midnight() -> None:
    # St. John's put its clocks back at 00:01, to 23:01 of the day before.
    calendar = endless("day", "America/St_Johns", covers="previous")
    for minutes in (0, 1, 30, 59, 61):
        now = utc(2010, 11, 7, 2, 30) + timedelta(minutes=minutes)
        assert [p.key for p in calendar.latest_due(now, 1)] == ["2010-11-07"]


def test_today_is_the_date_in_the_feeds_zone() -> None:
    now = utc(2023, 6, 4, 3, 59)
    assert str(endless("day", "America/New_York").today(now)) == "2023-06-03"
    assert str(endless("day", "Pacific/Apia").today(now)) == "2023-06-04"


@given(
    st.integers(0, 40), st.sampled_from("smhdw"), st.integers(0, 99), st.sampled_from("smhdw")
)
def test_due_and_late_count_from_the_windows_end(
    after: int, after_unit: str, grace: int, grace_unit: str
) -> None:
    seconds = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
    feed = feed_of(available_after=f"{after}{after_unit}", grace=f"{grace}{grace_unit}")
    period = feed.calendar.period("2023-06-03")
    due = feed.calendar.due(period) - utc(2023, 6, 4)
    assert due.total_seconds() == after * seconds[after_unit]
    late = feed.calendar.late(period) - feed.calendar.due(period)
    assert late.total_seconds() == grace * seconds[grace_unit]
