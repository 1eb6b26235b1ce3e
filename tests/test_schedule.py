"""Which requests are scheduled calls, and what runs are called."""

import re
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from werkzeug.datastructures import Headers

from ingest.schedule import ScheduledCall, new_run_id, scheduled_call
from tests.support.strategies import at, utc

NOW = utc(2023, 6, 4, 13)
CALL = ScheduledCall(job="weekly", path="/", body=b"{}", at=NOW)
RUN_ID = re.compile(r"[a-z0-9-]{1,64}")


def call(
    text: str, *, job: str = "weekly", path: str = "/", body: bytes = b"{}"
) -> ScheduledCall | None:
    headers = Headers(
        [("X-CloudScheduler-ScheduleTime", text), ("X-CloudScheduler-JobName", job)]
    )
    return scheduled_call(headers, path, body, NOW)


def test_a_call_of_cloud_scheduler_is_known_by_its_headers_whatever_their_case() -> None:
    assert call("2023-06-04T13:00:00Z") == CALL
    headers = Headers([("x-cloudscheduler-scheduletime", "2023-06-04T13:00:00Z")])
    assert scheduled_call(headers, "/", b"{}", NOW) == replace(CALL, job="")
    assert scheduled_call(Headers(), "/", b"{}", NOW) is None


@pytest.mark.parametrize(
    ("before_now", "taken"),
    [
        (timedelta(0), True),
        (timedelta(hours=24), True),
        (timedelta(hours=24, microseconds=1), False),
        (timedelta(days=7), False),
        (-timedelta(minutes=5), True),
        (-timedelta(minutes=5, microseconds=1), False),
        (-timedelta(hours=1), False),
    ],
)
@pytest.mark.parametrize(
    "zone", [UTC, timezone(timedelta(hours=-11)), timezone(timedelta(hours=5.5))]
)
def test_a_schedule_time_counts_within_a_day_past_and_five_minutes_ahead(
    before_now: timedelta, taken: bool, zone: timezone
) -> None:
    moment = (NOW - before_now).astimezone(zone)
    found = call(moment.isoformat())
    assert (found is not None) is taken
    assert found is None or found.at == moment


@pytest.mark.parametrize(
    "text",
    [
        *("2023-06-04T13:00:00Z", "2023-06-04T13:00:00+00:00", "2023-06-04T09:00:00-04:00"),
        *("2023-06-04T13:00:00.000000000Z", "2023-06-04T13:00:00", "2023-06-04T13:00Z"),
    ],
)
def test_the_same_moment_in_any_spelling_is_the_same_call(text: str) -> None:
    found = call(text)
    assert found == CALL
    assert found is not None
    assert found.run_id("f") == CALL.run_id("f")


def test_a_time_without_a_zone_is_utc_wherever_the_code_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        assert call("2023-06-04T13:00:00") == CALL
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " ",
            "now",
            "13:00",
            "1685883600",
            "2023-06-04T25:00:00Z",
            "2023-06-31T13:00:00Z",
        ),
        *("2023-06-04T13:00:00Z\t", "2023-06-04T13:00:00Zjunk", "2023-06-04T13:00:00+99:00"),
        *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "\u0662\u0660\u0662\u0663"),
        *(
            "2023-06-04T13:00:00." + "0" * 40 + "x",
            "1" * 8000,
            "\u00ff",
            "2023-06-04T13:00:00\u00e9",
        ),
    ],
)
def test_a_malformed_schedule_time_makes_an_ordinary_call(text: str) -> None:
    assert call(text) is None


@given(st.text(st.characters(max_codepoint=255, exclude_characters="\r\n")))
@example("0001-01-01T00:00:00+00:01")
def test_no_header_breaks_a_call(text: str) -> None:
    found = call(text, job=text)
    assert found is None or RUN_ID.fullmatch(found.run_id("f"))


def test_a_call_that_comes_again_makes_the_same_run() -> None:
    assert replace(CALL).run_id("mta-turnstile") == CALL.run_id("mta-turnstile")
    # It is written down in the lake: a retry may reach the next version of the code.
    assert CALL.run_id("mta-turnstile") == "20230604-130000-f1abb40792405d30581047e5"


PART = st.text(max_size=8)
CALLS = st.tuples(
    st.builds(
        ScheduledCall,
        job=PART,
        path=PART,
        body=st.binary(max_size=8),
        at=st.datetimes(at(2020), at(2030), timezones=st.just(UTC)),
    ),
    PART,
)


@given(CALLS, CALLS)
@example((replace(CALL, job="a", path="b"), "c"), (replace(CALL, job="a", path=""), "bc"))
@example((replace(CALL, job='a","b', path="c"), ""), (replace(CALL, job="a", path='b","c'), ""))
@example((replace(CALL, body=b""), "f"), (replace(CALL, body=b"{}"), "f"))
def test_calls_that_differ_in_any_part_make_runs_of_their_own(
    one: tuple[ScheduledCall, str], other: tuple[ScheduledCall, str]
) -> None:
    assert (one[0].run_id(one[1]) == other[0].run_id(other[1])) is (one == other)
    assert RUN_ID.fullmatch(one[0].run_id(one[1]))


@pytest.mark.parametrize(
    "change",
    [
        {"job": "Weekly"},
        {"path": "/audit"},
        {"body": b"{ }"},
        {"at": NOW + timedelta(microseconds=1)},
        {"at": NOW + timedelta(days=7)},
    ],
)
def test_one_part_that_differs_makes_another_run(change: dict[str, object]) -> None:
    assert replace(CALL, **change).run_id("f") != CALL.run_id("f")  # type: ignore[arg-type]
    assert CALL.run_id("g") != CALL.run_id("f")


@given(st.datetimes(at(2001), at(2100), timezones=st.timezones()))
def test_an_ordinary_run_has_a_name_of_its_own_that_begins_with_the_time(now: datetime) -> None:
    names = {new_run_id(now) for _ in range(20)}
    assert len(names) == 20
    for name in names:
        assert RUN_ID.fullmatch(name)
        assert name.startswith(f"{now.astimezone(UTC):%Y%m%d-%H%M%S}-")
