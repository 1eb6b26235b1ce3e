"""docs/reference.md and the code say the same things."""

import dataclasses
import logging
import re
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from ingest.coverage import Failure, PeriodCoverage, State, Stored, cover
from ingest.coverage_json import details, summary
from ingest.errors import Reason
from ingest.job import Suspicion
from ingest.logs import SEVERITIES
from ingest.messages import Message
from ingest.plan import SkipReason
from ingest.request import DispatchRequest
from ingest.routes import ROUTES
from ingest.settings import Settings
from ingest.verdict import EVENTS, STATUSES
from tests.support import reliability
from tests.support.strategies import feed_of, utc

REFERENCE = (Path(__file__).parents[1] / "docs" / "reference.md").read_text()


def rows(heading: str) -> list[list[str]]:
    """The rows of the table whose header begins with `heading`, backticks taken off."""
    table = re.search(rf"^\| {heading} \|.*\n\|[-|]+\n((?:\|.*\n)+)", REFERENCE, re.MULTILINE)
    assert table, f"there is no table of each {heading}"
    return [
        [cell.strip("`") for cell in line.removeprefix("| ").removesuffix(" |").split(" | ")]
        for line in table[1].splitlines()
    ]


def first_column(heading: str) -> list[str]:
    return [row[0] for row in rows(heading)]


def test_the_settings_are_those_that_are_read() -> None:
    names = {f"LAKEFILL_{field.name.upper()}" for field in dataclasses.fields(Settings)}
    expected = names - {"LAKEFILL_PROJECT"} | {"GOOGLE_CLOUD_PROJECT"}
    assert {*first_column("variable")} == expected


def test_the_fields_of_a_request_are_those_that_are_taken() -> None:
    assert first_column("field") == list(DispatchRequest.__struct_fields__)


def test_the_outcomes_have_the_statuses_and_events_of_the_code() -> None:
    documented = {row[0]: (int(row[2]), row[3]) for row in rows("outcome")}
    assert documented == {name: (STATUSES[name], EVENTS[name]) for name in STATUSES}


def test_the_reasons_are_those_of_the_code() -> None:
    assert {*first_column("reason")} == {*get_args(Reason)}


def test_the_events_have_the_severities_of_the_code() -> None:
    documented = {row[0]: row[1] for row in rows("event")}
    assert documented == {e: logging.getLevelName(level) for e, level in SEVERITIES.items()}


@pytest.mark.parametrize("word", [*get_args(Suspicion), *get_args(SkipReason)])
def test_suspicions_and_skip_reasons_are_named(word: str) -> None:
    assert f"`{word}`" in REFERENCE


def test_the_states_and_counts_of_coverage_are_those_of_the_code() -> None:
    assert first_column("state") == list(get_args(State))
    feed = feed_of()
    empty = summary(cover(feed, {}, {}, utc(2020, 1, 1)))
    assert first_column("summary") == list(empty)


def test_what_coverage_tells_of_a_period_is_named() -> None:
    stored = Stored(object="x", size=1, sha256="0", source_bytes=1, rows=1, fetched_at="x")
    failure = Failure(outcome="absent", reason="absent", next_retry=utc(2020, 1, 1))
    period = feed_of().calendar.period("2011-01-01")
    told = details(
        PeriodCoverage(
            period, "stored", msgspec.structs.replace(stored, source_url="x"), failure
        )
    )
    section = REFERENCE.partition("## Coverage")[2].partition("\n## ")[0]
    for name in [*told, *told["last_error"]]:
        assert f"`{name}`" in section, name


def test_the_message_has_the_fields_of_the_code() -> None:
    section = REFERENCE.partition("## The message")[2].partition("## ")[0]
    assert re.findall(r'"(\w+)":', section) == list(Message.__struct_fields__)


def test_the_routes_are_those_that_are_served() -> None:
    documented = {tuple(route.split(" ", 1)) for route in first_column("route")}
    assert documented == {(m, p) for p, methods in ROUTES.items() for m in methods}


def test_the_reliability_page_says_what_the_tests_show() -> None:
    assert reliability.PAGE.read_text("utf-8") == reliability.page(), "run: make docs"


def test_the_tests_that_the_reliability_page_names_exist() -> None:
    sources = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    for name in re.findall(r"`(test_\w+)`", reliability.page()):
        assert f"def {name}(" in sources, name
