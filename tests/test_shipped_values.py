"""What the shipped catalogue says of calendars, held to what is known of them otherwise."""

import datetime as dt
from itertools import chain

import pytest

from ingest.feeds import load_catalogue

FEEDS = load_catalogue()


def easter(year: int) -> dt.date:
    """Easter Sunday, by the anonymous Gregorian algorithm."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return dt.date(year, month, day + 1)


def closed(year: int) -> list[dt.date]:
    """The days on which TARGET is closed, besides weekends.

    https://www.ecb.europa.eu/press/pr/date/2000/html/pr001214_4.en.html
    """
    sunday = easter(year)
    fixed = [dt.date(year, *day) for day in ((1, 1), (5, 1), (12, 25), (12, 26))]
    return [*fixed, sunday - dt.timedelta(2), sunday + dt.timedelta(1)]


def test_the_ecb_has_no_rates_when_target_is_closed() -> None:
    odd = [dt.date(1999, 12, 31), dt.date(2001, 12, 31)]
    days = {d for d in chain(odd, *map(closed, range(2000, 2031))) if d.weekday() < 5}
    assert {*FEEDS["ecb-fx"].known_gaps} == {day.isoformat() for day in days}


# Hours documented as never to come: igrigorik/gharchive.org issues 52, 136, 141, 164, 200, 222,
# 232, 260, 313, OpenDigger's list; and one that is truncated, issue 241.
GHARCHIVE = """
2011-10-27T07 2012-03-01T08 2012-03-05T04/4 2012-03-10T09/13 2012-03-11T02 2013-03-05T20
2013-03-10T02 2013-05-31T22 2013-08-15T07 2013-09-06T00 2013-09-11T23 2013-09-28T09
2013-10-24T14 2013-11-25T15 2014-01-24T10 2014-03-09T02 2014-04-29T11/2 2014-04-29T21
2016-01-28T01 2016-10-21T18 2018-10-21T23/3 2019-05-08T12/2 2019-09-12T08/22 2020-03-05T22
2020-06-10T12/10 2020-08-21T09/55 2020-10-30T17 2021-08-25T17/54 2021-10-22T05/18
2021-10-23T02/21 2021-10-24T03/20 2021-10-25T01/22 2021-10-26T00/90 2025-06-12T17/2
"""


def test_gh_archive_lacks_the_hours_that_are_documented() -> None:
    hours = set()
    for run in GHARCHIVE.split():
        first, _, count = run.partition("/")
        begin = dt.datetime.fromisoformat(f"{first}:00")
        hours |= {begin + dt.timedelta(hours=n) for n in range(int(count or 1))}
    assert {*FEEDS["gharchive"].known_gaps} == {h.strftime("%Y-%m-%dT%H") for h in hours}


@pytest.mark.parametrize(
    ("feed", "period", "due", "late"),
    [
        # A Saturday's file, from 06:00 in New York on, by Monday.
        ("mta-turnstile", "2023-06-03", "2023-06-03T10:00Z", "2023-06-05T10:00Z"),
        # Some ten days behind, loaded once a week.
        ("mta-subway-hourly", "2026-06-01", "2026-06-12T04:00Z", "2026-06-19T04:00Z"),
        # 47 to 78 days after the month.
        ("nyc-tlc-yellow", "2026-01-01", "2026-03-18T05:00Z", "2026-05-17T05:00Z"),
        # 5 to 15 days after the month.
        ("citibike", "2026-01-01", "2026-02-05T05:00Z", "2026-02-26T05:00Z"),
        ("citibike-jc", "2026-01-01", "2026-02-05T05:00Z", "2026-02-26T05:00Z"),
        # Uploaded five minutes past the next hour.
        ("gharchive", "2026-01-01T00", "2026-01-01T01:15Z", "2026-01-01T13:15Z"),
        # Named by the end of its hour, and copied some hours later.
        ("wikimedia-pageviews", "2026-01-01T01", "2026-01-01T04:00Z", "2026-01-02T04:00Z"),
        # It grows from its first days on.
        ("ghcn-daily", "2026-01-01", "2026-01-04T00:00Z", "2026-01-11T00:00Z"),
        ("usgs-quakes", "2026-01-01", "2026-01-02T01:00Z", "2026-01-03T01:00Z"),
        # Asked for once the day is over in Frankfurt.
        ("ecb-fx", "2026-01-02", "2026-01-02T23:00Z", "2026-01-03T23:00Z"),
    ],
)
def test_a_period_is_due_and_late_when_its_source_s_habits_say(
    feed: str, period: str, due: str, late: str
) -> None:
    calendar = FEEDS[feed].calendar
    found = calendar.period(period)
    assert calendar.due(found) == dt.datetime.fromisoformat(due)
    assert calendar.late(found) == dt.datetime.fromisoformat(late)


@pytest.mark.parametrize(
    ("feed", "recheck", "expected"),
    [
        ("mta-turnstile", 4, False),
        ("mta-subway-hourly", 14, True),  # two weekly loads
        ("nyc-tlc-fhv", 3, False),
        ("citibike", 3, False),
        ("gharchive", 2, False),
        ("wikimedia-pageviews", 2, False),
        ("ghcn-daily", 1, True),  # the year before: stations report late
        ("usgs-quakes", 30, True),  # reviewed for weeks
        ("ecb-fx", 3, False),
    ],
)
def test_what_changes_afterwards_is_asked_for_again(
    feed: str, recheck: int, expected: bool
) -> None:
    assert FEEDS[feed].recheck == recheck
    assert FEEDS[feed].revisions_expected is expected


def test_the_order_of_the_subway_s_rows_is_one() -> None:
    """Rows that are equal in all but their id would else come in any order."""
    query = {name: template.text for name, template in FEEDS["mta-subway-hourly"].query}
    assert query["$order"].endswith(",:id")
    assert query["$order"].split(",")[0] == "transit_timestamp"


def test_the_weather_s_odd_first_year_is_there() -> None:
    calendar = FEEDS["ghcn-daily"].calendar
    assert [period.key for period in calendar.neighbours(calendar.first) if period] == [
        "1750-01-01",
        "1764-01-01",
    ]
