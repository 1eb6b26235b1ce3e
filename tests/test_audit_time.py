"""The audit as time goes by: what it asks for again, when, and how often."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from ingest.audit import MOST_PERIODS, Audit
from ingest.coverage import FailedOutcome
from ingest.failures import record_failure
from ingest.feeds import read_catalogue
from ingest.inventory import look_at_all
from ingest.job import Job
from ingest.lake import Lake
from ingest.page import render
from ingest.publish import Publisher, new_client
from ingest.runs import FinalOutcome, Manifest, record_outcome, write_manifest
from ingest.underway import UnderWay
from tests.support.auditing import within
from tests.support.picky_pubsub import Picky
from tests.support.strategies import utc
from tests.support.world import World

CATALOGUE = """
living:
  url: http://127.0.0.1:9/{date:%Y-%m-%d}
  object: living/{date:%Y-%m-%d}.csv.gz
  cadence: day
  first: 2023-06-01
ended:
  url: http://127.0.0.1:9/{date:%Y-%m-%d}
  object: ended/{date:%Y-%m-%d}.csv.gz
  cadence: day
  first: 2023-06-01
  last: 2023-06-01
"""
NOW = utc(2023, 6, 3, 6)
SECOND = timedelta(seconds=1)


@dataclass
class Clock:
    """Audits of two small feeds at any time, and a worker that ends as it is told."""

    lake: Lake
    pubsub: Picky
    publisher: Publisher
    now: datetime = NOW
    catalogue: Any = field(default_factory=lambda: read_catalogue(CATALOGUE))

    def audit(self, publisher: Callable[[], Publisher] | None = None) -> dict[str, Any]:
        """Audit; return the periods asked for and the run by feed."""
        made = publisher or (lambda: self.publisher)
        audit = Audit(self.catalogue, self.lake, made, self.now)
        self.pubsub.taken.clear()
        return {feed["feed"]: feed for feed in audit.run(within())["feeds"]}

    def job(self, feed: str, key: str, run: str) -> Job:
        of = self.catalogue[feed]
        return Job(of, of.calendar.period(key), "fetch", run, within())

    def fails(self, feed: str, key: str, run: str, outcome: FailedOutcome) -> None:
        job = self.job(feed, key, run)
        record_failure(
            *(self.lake, job),
            outcome=outcome,
            reason=outcome,
            message="sorry",
            now=self.now,
            deadline=within(),
        )
        if outcome != "bug":
            self.ends(feed, key, run, outcome)

    def ends(self, feed: str, key: str, run: str, outcome: FinalOutcome) -> None:
        job = self.job(feed, key, run)
        record_outcome(
            self.lake, job, outcome=outcome, fields={}, now=self.now, deadline=within()
        )


@pytest.fixture
def clock(here: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    for prefix in ("_lakefill/", "living/", "ended/"):
        for name in here.names(prefix):
            here.bucket.blob(name).delete()
    pubsub = Picky()
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", pubsub.host)
    client = new_client()
    publisher = Publisher(client, pubsub.topic)
    yield Clock(Lake(here.bucket), pubsub, publisher)
    client.stop()
    client.transport.close()
    pubsub.stop()


def test_at_most_500_of_a_feed_the_newest_first(clock: Clock) -> None:
    clock.catalogue = {"living": clock.catalogue["living"]}
    clock.now = NOW + timedelta(days=598)
    due = [clock.catalogue["living"].calendar.first + timedelta(days=n) for n in range(600)]
    keys = [f"{day:%Y-%m-%d}" for day in due]
    told = clock.audit()["living"]
    assert (told["dispatched"], told["missing"]) == (MOST_PERIODS, 600)
    assert sorted(clock.pubsub.taken) == keys[100:]
    assert clock.audit()["living"]["dispatched"] == 100
    assert sorted(clock.pubsub.taken) == keys[:100]
    assert clock.audit()["living"]["run"] is None
    assert clock.pubsub.taken == []


def test_what_a_run_has_published_is_under_way_for_36_hours(clock: Clock) -> None:
    assert clock.audit()["living"]["dispatched"] == 2
    clock.now += timedelta(hours=36)
    clock.audit()
    assert clock.pubsub.taken == ["2023-06-03"]  # which has become due
    clock.now += SECOND
    clock.audit()
    assert sorted(clock.pubsub.taken) == ["2023-06-01", "2023-06-01", "2023-06-02"]


def test_what_could_not_be_published_at_all_is_asked_for_by_the_next_audit(
    clock: Clock,
) -> None:
    def none() -> Publisher:
        raise RuntimeError("no credentials")

    stopped = new_client()
    stopped.stop()
    for publisher in (none, lambda: Publisher(stopped, clock.pubsub.topic)):
        told = clock.audit(publisher)["living"]
        assert (told["dispatched"], "error" in told) == (0, True)
    assert clock.audit()["living"]["dispatched"] == 2
    assert sorted(clock.pubsub.taken) == ["2023-06-01", "2023-06-01", "2023-06-02"]


def test_a_scheduled_run_is_under_way_though_its_name_is_a_day_older(clock: Clock) -> None:
    manifest = Manifest(
        run=f"{NOW - timedelta(hours=60):%Y%m%d-%H%M%S}-abc",
        feed="living",
        created=f"{NOW - timedelta(hours=36):%Y-%m-%dT%H:%M:%SZ}",
        dispatched={"2023-06-01": "fetch", "2023-06-02": "fetch"},
        skipped={},
        unpublished=("2023-06-02",),
    )
    write_manifest(clock.lake, manifest, 0, within())
    clock.audit()
    assert clock.pubsub.taken == ["2023-06-02", "2023-06-01"]  # the latter of the ended feed
    assert clock.audit()["living"]["dispatched"] == 0


def test_a_manifest_without_its_metadata_is_under_way_as_well(
    clock: Clock, here: World
) -> None:
    run = clock.audit()["living"]["run"]
    blob = here.bucket.blob(f"_lakefill/runs/{run}.json")
    blob.upload_from_string(blob.download_as_bytes(), content_type="application/json")
    here.bucket.blob(f"_lakefill/runs/{run}-x.json").upload_from_string("[]")
    assert clock.audit()["living"]["dispatched"] == 0


def test_what_is_stored_since_the_lake_was_looked_at_is_not_asked_for(
    clock: Clock, here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    among = UnderWay.among

    def meanwhile(self: UnderWay, *args: Any) -> set[str]:
        blob = here.bucket.blob("living/2023-06-02.csv.gz")
        blob.metadata = {"lakefill-sha256": "0" * 64}
        blob.upload_from_string(b"a,b")
        return among(self, *args)

    monkeypatch.setattr(UnderWay, "among", meanwhile)
    told = clock.audit()["living"]
    assert told["dispatched"] == 1
    assert clock.pubsub.taken == ["2023-06-01", "2023-06-01"]


def test_what_is_under_way_is_found_without_reading_each_run(clock: Clock, here: World) -> None:
    for n in range(20):
        manifest = Manifest(
            run=f"{NOW:%Y%m%d-%H%M%S}-{n:03}",
            feed="living",
            created=f"{NOW:%Y-%m-%dT%H:%M:%SZ}",
            dispatched={"2023-06-01": "fetch"},
            skipped={},
        )
        write_manifest(clock.lake, manifest, 0, within())
    here.proxy.requests.clear()
    assert clock.audit()["living"]["dispatched"] == 1
    # Two listings a feed, one of runs, one of the outcomes of the first that matters, and one a
    # feed of what is stored by now.
    assert (here.proxy.counts["list"], here.proxy.counts["download"]) == (8, 0)
    begun = [r.query for r in here.proxy.requests if r.query.get("startOffset")]
    [runs] = [query for query in begun if query["prefix"] == "_lakefill/runs/"]
    assert runs["delimiter"] == "/"  # no outcomes of other runs, which may be very many


def test_a_run_of_very_many_periods_is_read_by_itself(clock: Clock) -> None:
    clock.catalogue = {"living": clock.catalogue["living"]}
    clock.now = NOW + timedelta(days=1000)
    first = clock.catalogue["living"].calendar.first
    keys = [f"{first + timedelta(days=n):%Y-%m-%d}" for n in range(1002)]
    manifest = Manifest(
        run=f"{clock.now:%Y%m%d-%H%M%S}-abc",
        feed="living",
        created=f"{clock.now:%Y-%m-%dT%H:%M:%SZ}",
        dispatched=dict.fromkeys(keys[1:], "fetch"),
        skipped={},
        unpublished=(keys[700],),
    )
    write_manifest(clock.lake, manifest, 0, within())
    clock.audit()
    assert sorted(clock.pubsub.taken) == [keys[0], keys[700]]


def test_another_feeds_run_is_none_of_a_feeds_concern(clock: Clock) -> None:
    manifest = Manifest(
        run=f"{NOW:%Y%m%d-%H%M%S}-abc",
        feed="other",
        created=f"{NOW:%Y-%m-%dT%H:%M:%SZ}",
        dispatched={"2023-06-01": "fetch"},
        skipped={},
    )
    write_manifest(clock.lake, manifest, 0, within())
    assert clock.audit()["living"]["dispatched"] == 2


def test_what_the_source_did_not_have_yet_is_asked_for_by_the_next_audit(clock: Clock) -> None:
    run = clock.audit()["living"]["run"]
    clock.ends("living", "2023-06-02", run, "not_yet")
    clock.audit()
    assert clock.pubsub.taken == ["2023-06-02"]


@pytest.mark.parametrize("outcome", ["absent", "rejected", "failed"])
def test_what_failed_is_asked_for_again_after_a_growing_delay(
    clock: Clock, outcome: FailedOutcome
) -> None:
    clock.catalogue = {"living": clock.catalogue["living"]}
    run = clock.audit()["living"]["run"]
    clock.ends("living", "2023-06-02", run, "stored")
    for hours in (6, 12, 24, 48, 96, 168, 168):
        clock.fails("living", "2023-06-01", run, outcome)
        again = clock.now + timedelta(hours=hours)
        clock.now = again - SECOND
        clock.audit()
        assert "2023-06-01" not in clock.pubsub.taken
        clock.now = again
        run = clock.audit()["living"]["run"]
        assert "2023-06-01" in clock.pubsub.taken


def test_a_bug_is_asked_for_again_once_its_message_is_given_up(clock: Clock) -> None:
    run = clock.audit()["living"]["run"]
    clock.ends("living", "2023-06-02", run, "not_yet")
    clock.fails("living", "2023-06-01", run, "bug")
    clock.now += timedelta(hours=7)
    told = clock.audit()["living"]
    assert told["failed"] == 1
    assert clock.pubsub.taken == ["2023-06-02"]
    clock.now += timedelta(hours=30)
    clock.audit()
    assert clock.pubsub.taken.count("2023-06-01") == 2  # the ended feed's, too


def test_what_an_ended_feed_does_not_have_is_asked_for_three_times(clock: Clock) -> None:
    clock.catalogue = {"ended": clock.catalogue["ended"]}
    for dispatched in (1, 1, 1, 0, 0):
        told = clock.audit()["ended"]
        assert (told["dispatched"], told["late"]) == (dispatched, 1)
        if dispatched:
            clock.fails("ended", "2023-06-01", told["run"], "absent")
        clock.now += timedelta(days=300)


def test_only_absences_use_up_what_is_asked_of_an_ended_feed(clock: Clock) -> None:
    clock.catalogue = {"ended": clock.catalogue["ended"]}
    outcomes: list[FailedOutcome] = ["failed", "failed", "absent", "absent", "absent"]
    for outcome in outcomes:
        told = clock.audit()["ended"]
        assert told["dispatched"] == 1
        clock.fails("ended", "2023-06-01", told["run"], outcome)
        clock.now += timedelta(days=8)
    assert clock.audit()["ended"]["dispatched"] == 0


def test_what_an_ended_feed_has_otherwise_wrong_is_asked_for_on_and_on(clock: Clock) -> None:
    clock.catalogue = {"ended": clock.catalogue["ended"]}
    for _ in range(5):
        told = clock.audit()["ended"]
        assert told["dispatched"] == 1
        clock.fails("ended", "2023-06-01", told["run"], "rejected")
        clock.now += timedelta(days=8)


def test_a_failure_record_is_read_from_its_metadata_or_else_by_itself(
    clock: Clock, here: World
) -> None:
    clock.fails("living", "2023-06-01", "r", "rejected")
    clock.fails("living", "2023-06-02", "r", "failed")
    name = "_lakefill/failures/living/2023-06-02.json"
    generation = clock.lake.find(name, within())
    assert generation is not None
    record = here.record(name)
    clock.lake.write_json(name, record, generation=generation.generation, deadline=within())
    here.bucket.blob("_lakefill/failures/living/2023-06-03.json").upload_from_string("{")
    here.proxy.requests.clear()
    clock.now = NOW + timedelta(days=2)
    coverage = look_at_all(clock.catalogue, clock.lake, clock.now, within()).feeds[0]
    assert [p.state for p in coverage.periods[:3]] == ["rejected", "failed", "failed"]
    failures = [p.failure for p in coverage.periods[:3]]
    assert all(failure is not None for failure in failures)
    for failure, outcome in zip(failures, ["rejected", "failed"], strict=False):
        assert failure is not None
        assert msgspec.structs.asdict(failure) == {
            "outcome": outcome,
            "reason": outcome,
            "message": "sorry",
            "mode": "fetch",
            "attempts": 1,
            "absences": 0,
            "first": "2023-06-03T06:00:00Z",
            "last": "2023-06-03T06:00:00Z",
            "next_retry": NOW + timedelta(hours=6),
        }
    # Listings for two feeds, and what had no metadata.
    assert here.proxy.counts == {"list": 4, "download": 2}


@pytest.mark.parametrize(
    "message", ["x" * 50_000, "\ud800\x00\U0001f5d1" * 1000, "\u2028\r\n\t"]
)
def test_whatever_a_source_said_a_record_fits_its_metadata(
    clock: Clock, here: World, message: str
) -> None:
    record_failure(
        *(clock.lake, clock.job("living", "2023-06-01", "r")),
        outcome="rejected",
        reason="html",
        message=message,
        now=NOW,
        deadline=within(),
    )
    metadata = here.metadata("_lakefill/failures/living/2023-06-01.json")
    # https://cloud.google.com/storage/quotas#objects
    assert sum(len(k.encode()) + len(v.encode()) for k, v in metadata.items()) < 8192
    here.proxy.requests.clear()
    coverage = look_at_all(clock.catalogue, clock.lake, NOW, within()).feeds[0]
    failure = coverage.periods[0].failure
    assert failure is not None
    assert failure.message == message.encode("utf-8", "backslashreplace").decode()[:150]
    assert here.proxy.counts["download"] == 0


def test_the_published_page_is_the_served_one_of_the_same_instant(
    clock: Clock, here: World
) -> None:
    clock.fails("living", "2023-06-01", "r", "rejected")
    clock.audit()
    page = render(look_at_all(clock.catalogue, clock.lake, clock.now, within()))
    assert here.content("_lakefill/coverage/index.html") == page.encode()


def test_a_bug_in_one_feeds_audit_leaves_the_others_alone(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = clock.catalogue["living"]
    object.__setattr__(broken, "object", None)
    feeds = clock.audit()
    assert "unforeseen: AttributeError" in feeds["living"]["error"]
    assert feeds["ended"]["dispatched"] == 1
