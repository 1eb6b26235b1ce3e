"""Each shipped feed against its simulated source: a table of feed and case.

The worker, its HTTP client and its lake are real; the clock stands still.
"""

import json
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Thread
from typing import Any

import pytest

from ingest.calendar import Period
from ingest.feed import Feed
from ingest.feeds import PACKAGED_CATALOGUE, Catalogue, load_catalogue
from ingest.lake import Lake
from ingest.local.answers import State, Trouble
from ingest.local.place import write_catalogue
from ingest.local.socrata import ROWS_AN_HOUR
from ingest.local.source import Source as Server
from ingest.plan import Question, decide, select
from ingest.session import new_session
from ingest.source import Source
from ingest.transfer import Transfer
from ingest.worker import Worker
from tests.support.function import envelope
from tests.support.strategies import utc
from tests.support.world import World, world

NOW = utc(2026, 11, 26)
CONTACT = "mailto:lake@example.org"

# A period of each feed, and how its dialect says each thing. `cut_off`: what comes of a file
# that is not whole although all of it arrived; None where that cannot be told.
# `resumes`: whether a broken connection is taken up again (else it is asked for anew).
# `validated`: whether a recheck is answered with 304.
TABLE = {
    #                        period           cut_off    resumes validated revised
    "mta-turnstile": ("2023-06-03", None, True, True, "WARNING"),
    "mta-subway-hourly": ("2026-03-01", "limit", False, True, "INFO"),
    "nyc-tlc-yellow": ("2026-03-01", "parquet", True, True, "WARNING"),
    "nyc-tlc-green": ("2026-03-01", "parquet", True, True, "WARNING"),
    "nyc-tlc-fhv": ("2026-03-01", "parquet", True, True, "WARNING"),
    "nyc-tlc-fhvhv": ("2026-03-01", "parquet", True, True, "WARNING"),
    "citibike": ("2026-03-01", "zip", True, True, "WARNING"),
    "citibike-jc": ("2025-10-01", "zip", True, True, "WARNING"),
    "citibike-years": ("2023-01-01", "zip", True, True, "WARNING"),
    "gharchive": ("2026-03-01T07", "gzip", True, True, "WARNING"),
    "wikimedia-pageviews": ("2026-03-01T00", "gzip", True, True, "WARNING"),
    "ghcn-daily": ("2026-01-01", "gzip", True, True, "INFO"),
    "usgs-quakes": ("2026-03-01", "status", False, False, "INFO"),
    "ecb-fx": ("2026-03-02", None, False, True, "WARNING"),
}


@dataclass
class Shipped:
    """The shipped catalogue, its simulated sources, and a worker whose clock is set."""

    world: World
    catalogue: Catalogue
    state: State
    now: datetime = NOW
    runs: int = 0

    def __post_init__(self) -> None:
        self.state.now = lambda: self.now
        self.lake = Lake(self.world.bucket)
        source = Source(new_session(), CONTACT, now=lambda: self.now, pause=lambda _: None)
        self.worker = Worker(
            self.catalogue,
            self.lake,
            Transfer(self.lake, source, lambda: self.now),
            deadline_seconds=60,
            max_attempts=None,
            now=lambda: self.now,
            monotonic=time.monotonic,
        )

    def deliver(self, feed: Feed, period: Period, mode: str = "fetch") -> dict[str, Any]:
        self.runs += 1
        message = {
            "feed": feed.name,
            "period": period.key,
            "run": f"r-{self.runs}",
            "mode": mode,
        }
        answer, _ = self.worker.deliver(json.dumps(envelope({"v": 1, **message})).encode())
        return answer

    def event(self, caplog: pytest.LogCaptureFixture) -> tuple[str, str]:
        """The last line's event and severity."""
        record: Any = caplog.records[-1]
        return record.json_fields["event"], record.levelname

    def asked(self, feed: Feed, period: Period) -> int:
        """How often the period's last place has been asked."""
        url = feed.locations(period)[-1].url
        path = url.partition("://")[2].partition("/")[2].partition("?")[0]
        return sum(request.path == f"/{path}" for request in self.state.asked)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shipped]:
    folder = tmp_path_factory.mktemp("shipped")
    with world(folder) as here, Server() as server:
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        write_catalogue(PACKAGED_CATALOGUE, server.url, folder / "shipped.yaml")
        try:
            yield Shipped(here, load_catalogue(folder / "shipped.yaml"), server.state)
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def shipped(running: Shipped, caplog: pytest.LogCaptureFixture) -> Iterator[Shipped]:
    caplog.set_level(logging.INFO, "lakefill")
    yield running
    running.state.trouble, running.state.edition = None, 0
    running.state.asked.clear()
    running.state.broken.clear()
    running.now = NOW
    for name in running.world.names():
        running.world.bucket.delete_blob(name)


@pytest.fixture(params=[*TABLE])
def feed(request: pytest.FixtureRequest, shipped: Shipped) -> Feed:
    return shipped.catalogue[request.param]


@pytest.fixture
def period(feed: Feed) -> Period:
    return feed.calendar.period(TABLE[feed.name][0])


def test_the_table_names_every_shipped_feed() -> None:
    assert [*TABLE] == [*load_catalogue()]


def test_it_is_stored_once_it_is_due(
    shipped: Shipped, feed: Feed, period: Period, caplog: pytest.LogCaptureFixture
) -> None:
    shipped.now = max(feed.calendar.due(period), utc(2024, 3, 1)) + timedelta(days=1)
    answer = shipped.deliver(feed, period)
    assert answer["outcome"] == "stored", answer
    assert shipped.event(caplog) == ("period_stored", "INFO")
    assert ("rows" in answer) == (feed.compress == "gzip")
    assert shipped.deliver(feed, period)["outcome"] == "unchanged"


def test_what_is_not_published_yet_is_awaited_and_after_grace_it_is_absent(
    shipped: Shipped, feed: Feed, period: Period, caplog: pytest.LogCaptureFixture
) -> None:
    shipped.state.trouble = "absent"
    shipped.now = feed.calendar.due(period)
    assert shipped.deliver(feed, period)["outcome"] == "not_yet"
    assert shipped.event(caplog) == ("period_not_yet", "INFO")
    shipped.now = feed.calendar.late(period)
    answer = shipped.deliver(feed, period)
    assert answer["outcome"] == "absent"
    assert answer["reason"] == ("few" if feed.rows.min else "absent")
    assert shipped.event(caplog) == ("period_absent", "ERROR")


def test_a_connection_that_breaks_is_taken_up_again_where_the_source_can(
    shipped: Shipped, feed: Feed, period: Period
) -> None:
    shipped.state.trouble = "connection"
    answer = shipped.deliver(feed, period)
    assert answer["outcome"] == "stored", answer
    resumes = TABLE[feed.name][2]
    assert (answer["resumed"] > 0) == resumes
    if not resumes and feed.rows.count is None:
        assert shipped.asked(feed, period) > 1


def test_what_is_cut_off_at_the_source_is_rejected_where_it_can_be_told(
    shipped: Shipped, feed: Feed, period: Period, caplog: pytest.LogCaptureFixture
) -> None:
    reason = TABLE[feed.name][1]
    if reason is None:
        pytest.skip("lines that end early are as good as a whole file; `size_change` may tell")
    shipped.state.trouble = "cut_off"
    answer = shipped.deliver(feed, period)
    assert (answer["outcome"], answer.get("reason")) == ("rejected", reason)
    assert shipped.event(caplog) == ("period_rejected", "ERROR")
    assert shipped.world.names(feed.object_name(period)) == []


def test_a_recheck_finds_it_unchanged_and_then_revised(
    shipped: Shipped, feed: Feed, period: Period, caplog: pytest.LogCaptureFixture
) -> None:
    _, _, _, validated, severity = TABLE[feed.name]
    shipped.deliver(feed, period)
    answer = shipped.deliver(feed, period, "recheck")
    assert answer["outcome"] == "unchanged"
    assert answer["source_status"] == (304 if validated else 200)
    shipped.state.edition = 1
    answer = shipped.deliver(feed, period, "recheck")
    assert (answer["outcome"], answer.get("revision")) == ("revised", 1), answer
    assert shipped.event(caplog) == ("period_revised", severity)
    assert shipped.deliver(feed, period, "recheck")["outcome"] == "unchanged"


def test_every_source_learns_whom_to_write_to(
    shipped: Shipped, feed: Feed, period: Period
) -> None:
    assert shipped.deliver(feed, period)["outcome"] == "stored"
    agents = {request.headers["User-Agent"] for request in shipped.state.asked}
    [agent] = agents
    assert agent.startswith("lakefill/")
    assert agent.endswith(f"(+{CONTACT})")


@pytest.mark.parametrize(
    ("name", "trouble", "reason"),
    [
        ("mta-subway-hourly", "outdated", "outdated"),
        ("mta-subway-hourly", "preparing", "accepted"),
        ("wikimedia-pageviews", "busy", "server_error"),
    ],
)
def test_passing_trouble_is_a_retry(
    shipped: Shipped, name: str, trouble: Trouble, reason: str
) -> None:
    feed = shipped.catalogue[name]
    period = feed.calendar.period(TABLE[name][0])
    shipped.state.trouble = trouble
    answer = shipped.deliver(feed, period)
    assert (answer["outcome"], answer["reason"]) == ("retry", reason)
    shipped.state.trouble = None
    assert shipped.deliver(feed, period)["outcome"] == "stored"


def test_wikimedia_lets_no_nameless_agent_in(shipped: Shipped) -> None:
    feed = shipped.catalogue["wikimedia-pageviews"]
    url = feed.source_url(feed.calendar.period("2026-03-01T00"))
    with new_session() as session:
        answers = {
            agent: session.get(url, headers={"User-Agent": agent}).status_code
            for agent in (
                "python-requests/2.34",
                "curl/8",
                "",
                "lakefill/1.0 (+mailto:a@b.org)",
            )
        }
    assert [*answers.values()] == [403, 403, 403, 200]


def test_a_backfill_over_the_end_of_2024_takes_each_day_once_from_the_right_dataset(
    shipped: Shipped,
) -> None:
    feed = shipped.catalogue["mta-subway-hourly"]
    question = Question(start="2024-12-28", end="2025-01-03")
    periods = select(question, feed, shipped.now, 100)
    plan = decide(question, periods, feed, set(), shipped.now)
    for period, mode in plan.dispatched:
        answer = shipped.deliver(feed, period, mode)
        assert (answer["outcome"], answer["rows"]) == ("stored", 24 * ROWS_AN_HOUR)
    asked = [
        (request.path, request.query["$where"][22:32])
        for request in shipped.state.asked
        if request.query["$select"] != "count(1)"
    ]
    old, new = "/resource/wujg-7c2s.csv", "/resource/5wq4-mkjj.csv"
    assert asked == [
        *((old, f"2024-12-{day}") for day in (28, 29, 30, 31)),
        *((new, f"2025-01-0{day}") for day in (1, 2, 3)),
    ]
    for name, dataset in (("2024/2024-12-31", old), ("2025/2025-01-01", new)):
        stored = shipped.world.metadata(f"mta-subway-hourly/{name}.csv.gz")
        assert dataset in stored["lakefill-source-url"]


def test_the_year_that_runs_grows_and_is_asked_for_again(shipped: Shipped) -> None:
    feed = shipped.catalogue["ghcn-daily"]
    for edition in (0, 1, 2):
        shipped.state.edition = edition
        periods = select(Question(), feed, shipped.now, 10)
        stored = {"2026-01-01", "2025-01-01"} if edition else set()
        plan = decide(Question(), periods, feed, stored, shipped.now)
        outcomes = [shipped.deliver(feed, p, mode)["outcome"] for p, mode in plan.dispatched]
        assert [p.key for p, _ in plan.dispatched] == ["2025-01-01", "2026-01-01"]
        assert outcomes == (["revised"] * 2 if edition else ["stored"] * 2)


def test_the_names_of_citi_bike_are_tried_in_order(shipped: Shipped) -> None:
    feed = shipped.catalogue["citibike-jc"]
    names = {
        "2017-08-01": "JC-201708%20citibike-tripdata.csv.zip",
        "2022-07-01": "JC-202207-citbike-tripdata.csv.zip",
        "2025-09-01": "JC-202509-citibike-tripdata.csv.zip",
        "2025-10-01": "JC-202510-citibike-tripdata.zip",
    }
    for key, name in names.items():
        period = feed.calendar.period(key)
        assert shipped.deliver(feed, period)["outcome"] == "stored"
        stored = shipped.world.metadata(feed.object_name(period))
        assert stored["lakefill-source-url"].endswith(f"/tripdata/{name}")


def test_gaps_and_closing_days_are_not_asked_for() -> None:
    catalogue = load_catalogue()
    asked = {
        "gharchive": ("2021-08-27", ["2021-08-27T23"]),
        "ecb-fx": ("2026-04", None),
    }
    for name, (date, expected) in asked.items():
        feed = catalogue[name]
        question = Question(date=date)
        plan = decide(
            question,
            select(question, feed, utc(2026, 11, 26), 100),
            feed,
            set(),
            utc(2026, 11, 26),
        )
        keys = [p.key for p, _ in plan.dispatched]
        if expected is not None:
            assert keys == expected
        else:
            assert len(keys) == 22 - 2
            assert not {"2026-04-03", "2026-04-06", "2026-04-04"} & {*keys}
