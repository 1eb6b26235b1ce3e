"""Which periods a calendar has, told by walking over the days with a plain calendar."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.calendar import Cadence, Calendar, NotAPeriodError, parse_label
from tests.support.strategies import CADENCES, at, calendars, ranges, step, walk

SATURDAYS = Calendar(
    cadence="week",
    timezone=ZoneInfo("America/New_York"),
    first=at(2010, 5, 8),
    also=(at(2010, 5, 5),),
    weekday=5,
    covers="previous",
)


@given(st.dates(date(2010, 5, 6), date(2100, 1, 1)), st.integers(-10, 800))
def test_every_saturday_of_a_range_is_found_once_and_nothing_else(low: date, days: int) -> None:
    expected = [
        day
        for day in (low + timedelta(days=n) for n in range(days + 1))
        if day.weekday() == 5 and day >= date(2010, 5, 8)
    ]
    start = datetime.combine(low, datetime.min.time())
    found = SATURDAYS.between(start, start + timedelta(days=days, hours=23))
    assert [p.at.date() for p in found] == expected


@given(st.data())
def test_a_range_has_the_periods_that_a_walk_over_the_days_meets(data: st.DataObject) -> None:
    calendar = data.draw(calendars())
    low, high = data.draw(ranges(calendar))
    assert [p.at for p in calendar.between(low, high)] == [*walk(calendar, low, high)]


@given(st.data())
def test_counting_back_gives_the_same_periods_newest_first(data: st.DataObject) -> None:
    calendar = data.draw(calendars())
    _, high = data.draw(ranges(calendar))
    lowest = min((calendar.first, *calendar.also))
    assert [p.at for p in calendar.before(high)][::-1] == [*walk(calendar, lowest, high)]


@given(st.data())
def test_neighbours_are_the_nearest_periods_of_a_walk(data: st.DataObject) -> None:
    calendar = data.draw(calendars())
    near, far = sorted(data.draw(ranges(calendar)))
    around = data.draw(st.sampled_from([near, far, *walk(calendar, near, far)]))
    before, after = calendar.neighbours(around)
    lowest = min((calendar.first, *calendar.also))
    earlier = [*walk(calendar, lowest, around - timedelta(microseconds=1))]
    assert (before and before.at) == (earlier[-1] if earlier else None)
    # After the range that a walk can cover, the next one of the grid is a step at most away.
    reach = max(around, calendar.first, *calendar.also) + timedelta(days=367)
    later = walk(calendar, around + timedelta(microseconds=1), reach)
    assert (after and after.at) == next(later, None)


@given(st.data())
def test_a_key_names_its_period_and_no_other(data: st.DataObject) -> None:
    calendar = data.draw(calendars())
    low, high = sorted(data.draw(ranges(calendar)))
    keys = [p.key for p in calendar.between(low, high)]
    assert keys == sorted(set(keys))
    for period in calendar.between(low, high):
        assert calendar.period(period.key) == period
    moment = low.replace(minute=0, second=0, microsecond=0)
    for _ in range(50):
        key = moment.isoformat()[: 13 if calendar.cadence == "hour" else 10]
        if key in keys:
            assert calendar.period(key).key == key
        elif low <= moment <= high and moment == parse_label(key, calendar.cadence):
            with pytest.raises(NotAPeriodError):
                calendar.period(key)
        moment += step(calendar.cadence)


@pytest.mark.parametrize(
    ("cadence", "key", "label"),
    [
        ("day", "2023-06-03", at(2023, 6, 3)),
        ("month", "2023-06-01", at(2023, 6)),
        ("year", "2023-01-01", at(2023)),
        ("hour", "2023-06-03T07", at(2023, 6, 3, 7)),
        ("hour", "2023-06-03T00", at(2023, 6, 3)),
    ],
)
def test_a_period_is_named_by_the_date_it_begins(
    cadence: Cadence, key: str, label: datetime
) -> None:
    calendar = Calendar(cadence=cadence, timezone=ZoneInfo("UTC"), first=at(2000))
    assert calendar.period(key).at == label
    assert [p.key for p in calendar.between(label, label)] == [key]


@pytest.mark.parametrize(
    "key",
    [
        "",
        "2023",
        "2023-06",
        "2023-6-3",
        "20230603",
        "2023-02-30",
        "2023-W22-6",
        "2023-06-03\n",
        " 2023-06-03",
        "2023-06-03T00:00",
        "2023-06-03T24",
        "2023-06-03t07",
        "0000-01-01",
        "-2023-06-03",
        "\uff12\uff10\uff12\uff13-06-03",
        "2023-06-0\u0663",
        "2023-06-03\0",
        "\ud800",
        "9" * 5000,
    ],
)
@pytest.mark.parametrize("cadence", CADENCES)
def test_a_malformed_key_is_refused(cadence: Cadence, key: str) -> None:
    with pytest.raises(NotAPeriodError, match="expected"):
        parse_label(key, cadence)


@pytest.mark.parametrize(("cadence", "key"), [("day", "2023-06-03T07"), ("hour", "2023-06-03")])
def test_a_key_of_another_cadence_is_refused(cadence: Cadence, key: str) -> None:
    with pytest.raises(NotAPeriodError, match="expected"):
        parse_label(key, cadence)


def test_the_first_file_of_all_lies_off_the_grid_and_before_it() -> None:
    keys = [p.key for p in SATURDAYS.between(at(2010), at(2010, 5, 16))]
    assert keys == ["2010-05-05", "2010-05-08", "2010-05-15"]
    assert SATURDAYS.period("2010-05-05").at == at(2010, 5, 5)
    with pytest.raises(NotAPeriodError, match="2010-05-01 is not on the calendar"):
        SATURDAYS.period("2010-05-01")


def test_beyond_either_end_there_is_one_neighbour() -> None:
    ended = Calendar(
        cadence="month", timezone=ZoneInfo("UTC"), first=at(2020), last=at(2021, 6)
    )
    before, after = ended.neighbours(at(2019))
    assert (before, after and after.key) == (None, "2020-01-01")
    before, after = ended.neighbours(at(2030))
    assert (before and before.key, after) == ("2021-06-01", None)


def test_a_century_of_hours_is_walked_lazily() -> None:
    hours = Calendar(cadence="hour", timezone=ZoneInfo("UTC"), first=at(1900))
    everything = hours.between(at(1), at(9999, 12, 31))
    assert next(everything).key == "1900-01-01T00"
    assert next(hours.before(at(2300))).key == "2300-01-01T00"
