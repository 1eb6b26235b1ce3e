"""Rows of data: too few, cut off at a limit, and held to the source's own count."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.checks import Inspection
from ingest.errors import TransferError
from tests.support.function import FunctionProcess
from tests.support.source_server import Reply
from tests.support.strategies import feed_of
from tests.support.world import Deliveries, World, world

CATALOGUE = """
tiny:
  url:
    - {{url: "{source}/first/{{date:%Y-%m-%d}}.csv", to: 2029-12-31}}
    - "{source}/tiny/{{date:%Y-%m-%d}}.csv"
  query: {{day: "{{date:%Y-%m-%d}}", limit: 50}}
  object: tiny/{{date:%Y}}/{{date:%Y-%m-%d}}.csv.gz
  cadence: day
  first: 2000-01-01
  grace: 48h
  revisions: expected
  rows: {{min: 2, below: 50, count: {{select: count(1), limit: null}}}}
  checks: {{header: "a,b"}}
none:
  url: "{source}/none/{{date:%Y-%m-%d}}.csv"
  query: {{limit: 50}}
  object: none/{{date:%Y-%m-%d}}.csv.gz
  cadence: day
  first: 2000-01-01
  absent_statuses: [404, 408, 429]
  rows: {{below: 50, count: {{select: count(1), limit: null}}}}
  checks: {{header: "a,b"}}
"""
HEADER = b'"a","b"\n'
THREE = HEADER + b'"1","2"\n' * 3


def csv(rows: int) -> bytes:
    return HEADER + b'"1","2"\n' * rows


@given(st.integers(0, 12), st.integers(0, 5), st.integers(1, 9) | st.none(), st.booleans())
def test_rows_are_those_of_data_and_within_the_limits_or_not(
    rows: int, least: int, span: int | None, ended: bool
) -> None:
    below = None if span is None else least + span
    feed = feed_of(
        checks={"header": "a,b"},
        rows={"min": least, "below": below} if below else {"min": least},
    )
    body = csv(rows) if ended else csv(rows)[:-1]
    inspection = Inspection(feed, feed.calendar.period("2023-06-03"), "text/csv")
    reason = None
    try:
        assert (
            b"".join(
                inspection.watch(iter([body[:5000], body[5000:]] if body[5000:] else [body]))
            )
            == body
        )
    except TransferError as error:
        reason = error.reason
    expected = "few" if rows < least else "limit" if below and rows >= below else None
    assert (inspection.rows, reason) == (rows, expected)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("rows"), CATALOGUE) as w:
        yield w


@pytest.fixture(scope="module")
def worker(here: World) -> Iterator[FunctionProcess]:
    with FunctionProcess("worker", here.env) as process:
        yield process


class Source:
    """The day's file at the second of its places, and its count."""

    def __init__(self, day: Deliveries) -> None:
        self.day = day
        self.file = f"{day.path}?day={day.day}&limit=50"
        self.count = f"{day.path}?day={day.day}&select=count%281%29"
        self.before = self.file.replace("/tiny/", "/first/")

    def answers(self, file: Reply, count: Reply | None = None) -> dict[str, Any]:
        """Deliver while the source answers so; return the worker's answer."""
        self.day.world.put(self.file, file)
        if count is not None:
            self.day.world.put(self.count, count)
        answer: dict[str, Any] = self.day.push("recheck").json()
        return answer

    def asked(self, path: str) -> int:
        return len(self.day.world.source.asked_for(path))


@pytest.fixture
def source(day: Deliveries) -> Source:
    return Source(day)


def outcome(answer: dict[str, Any]) -> tuple[str, str | None]:
    return answer["outcome"], answer.get("reason")


def test_a_file_of_the_expected_rows_is_stored_with_where_it_was(
    here: World, source: Source
) -> None:
    answer = source.answers(Reply(csv(3)), Reply(b'"count_1"\n"3"\n'))
    assert (outcome(answer), answer["rows"]) == (("stored", None), 3)
    metadata = here.metadata(source.day.name)
    assert metadata["lakefill-rows"] == "3"
    assert metadata["lakefill-source-url"] == here.source.url + source.file
    assert (source.asked(source.before), source.asked(source.count)) == (1, 1)


@pytest.mark.parametrize(
    "body", [b"3", b" 3\n", b"count\r\n3\r\n", b'[{"count_1":"3"}]', b'{"count": 3}']
)
def test_counts_come_in_several_forms(source: Source, body: bytes) -> None:
    assert outcome(source.answers(Reply(csv(3)), Reply(body))) == ("stored", None)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(b'"count_1"\n"4"\n'), "count"),
        (Reply(b"two\n"), "count"),
        (Reply(b""), "count"),
        (Reply(b"<html>3</html>"), "count"),
        (Reply(b"3\n3\n3\n"), "count"),
        (Reply(b"no", 404), "count"),
        (Reply(b"", 204, framing="none"), "count"),
        (Reply(b"", 202), "accepted"),
        (Reply(b"", 500), "server_error"),
        (Reply(b"", 429), "throttled"),
        (Reply(b"3", headers={"X-SODA2-Data-Out-Of-Date": "true"}), "outdated"),
        (Reply(b"333", cut_at=1), "cut"),
    ],
)
def test_what_is_not_the_expected_number_is_a_retry_and_nothing_is_stored(
    here: World, source: Source, reply: Reply, reason: str
) -> None:
    assert outcome(source.answers(Reply(csv(3)), reply)) == ("retry", reason)
    assert here.names(source.day.name) == []
    assert outcome(source.answers(Reply(csv(3)), Reply(b"3"))) == ("stored", None)


def test_a_count_that_breaks_off_is_asked_for_again_and_the_file_is_not(source: Source) -> None:
    answer = source.answers(Reply(csv(3)), Reply(b"333", cut_at=1))
    assert outcome(answer) == ("retry", "cut")
    assert "asked for the number of rows" in answer["message"]
    assert (source.asked(source.file), source.asked(source.count)) == (1, 3)


def test_nothing_is_counted_too_where_a_file_may_have_no_rows(
    here: World, source: Source
) -> None:
    """A source that lags behind sends a header alone, and counts what it should have sent."""
    path = f"/none/{source.day.day}.csv"
    here.put(f"{path}?limit=50", Reply(csv(0)))
    here.put(f"{path}?select=count%281%29", Reply(b"7"))
    answer = source.day.push("recheck", feed="none").json()
    assert outcome(answer) == ("retry", "count")


@pytest.mark.parametrize("status", [408, 429])
def test_a_feed_may_mean_absent_by_what_is_passing_elsewhere(
    here: World, source: Source, status: int
) -> None:
    here.put(f"/none/{source.day.day}.csv?limit=50", Reply(b"", status))
    assert outcome(source.day.push(feed="none").json()) == ("absent", "absent")


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(b"1" * 5000), "large"),
        (Reply(b"no", 400), "status"),
        (Reply(b"", 302, headers={"Location": "http://other.example/"}), "redirect"),
    ],
)
def test_a_count_that_cannot_be_had_is_told(source: Source, reply: Reply, reason: str) -> None:
    answer = source.answers(Reply(csv(3)), reply)
    assert outcome(answer) == ("rejected", reason)
    assert answer["message"].startswith("asked for the number of rows, the source")
    assert "max_bytes" not in answer["message"]


@pytest.mark.parametrize("rows", [0, 1])
def test_fewer_rows_than_there_must_be_are_no_file(source: Source, rows: int) -> None:
    assert outcome(source.answers(Reply(csv(rows)))) == ("absent", "few")
    assert source.asked(source.count) == 0


def test_as_many_rows_as_the_limit_are_cut_off(source: Source) -> None:
    assert outcome(source.answers(Reply(csv(50)))) == ("rejected", "limit")
    assert outcome(source.answers(Reply(csv(49)), Reply(b"49"))) == ("stored", None)


def test_a_stored_file_outlasts_a_source_that_has_too_few_rows_now(source: Source) -> None:
    source.answers(Reply(csv(3)), Reply(b"3"))
    assert outcome(source.answers(Reply(csv(1))))[0] == "unchanged"
    assert source.day.line("period_suspect")["reason"] == "gone"


def test_expected_revisions_are_no_warning(source: Source) -> None:
    source.answers(Reply(csv(3)), Reply(b"3"))
    assert outcome(source.answers(Reply(csv(4)), Reply(b"4"))) == ("revised", None)
    line = source.day.line("period_revised")
    assert (line["severity"], line["revision"]) == ("INFO", 1)


def test_the_first_place_that_has_the_file_is_taken(here: World, source: Source) -> None:
    here.put(source.before, Reply(csv(1)))  # a header and too little: as good as absent
    assert outcome(source.answers(Reply(csv(3)), Reply(b"3"))) == ("stored", None)
    here.put(source.before, Reply(csv(3)))
    count = source.count.replace("/tiny/", "/first/")
    here.put(count, Reply(b"3"))
    assert outcome(source.answers(Reply(csv(9)))) == ("unchanged", None)
    assert here.metadata(source.day.name)["lakefill-source-url"].endswith(source.before)
    here.put(source.before, Reply(b"", 500))
    assert outcome(source.answers(Reply(csv(9)))) == ("retry", "server_error")


def test_conditions_go_to_the_place_that_gave_them_alone(here: World, source: Source) -> None:
    etag = {"ETag": '"one"'}
    source.answers(Reply(csv(3), headers=etag), Reply(b"3"))
    here.put(source.before, Reply(b"no", 404, headers=etag))
    assert outcome(source.answers(Reply(csv(3), headers=etag)))[0] == "unchanged"
    asked = here.source.asked_for(source.before)[-1], here.source.asked_for(source.file)[-1]
    assert [a.headers.get("If-None-Match") for a in asked] == [None, '"one"']
    assert source.asked(source.count) == 1  # nothing new came that could be counted


def test_every_request_names_who_asks(here: World, source: Source) -> None:
    source.answers(Reply(csv(3)), Reply(b"3"))
    agents = {asked.headers["User-Agent"] for asked in here.source.asked}
    [agent] = agents
    assert agent.startswith("lakefill/")
    assert agent.endswith("(+https://github.com/lakefill/lakefill)")
