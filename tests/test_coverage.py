"""Coverage: the state of every period, by calendar and lake."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.calendar import Calendar
from ingest.coverage import MISSING, FailedOutcome, Failure, FeedCoverage, Stored, cover
from ingest.coverage_json import details, summary
from ingest.feed import Feed
from ingest.messages import Mode
from tests.support.strategies import calendars, feed_of, ranges, utc, walk

NOW = utc(2023, 6, 14, 12)
FEED = feed_of(first="2023-06-01", keep_from="2023-06-05", grace="48h", timezone="UTC")


def stored(feed: Feed, *keys: str, **fields: Any) -> dict[str, Stored]:
    names = [feed.object_name(feed.calendar.period(key)) for key in keys]
    return {name: Stored(object=name, size=10, sha256="ab", **fields) for name in names}


def failure(outcome: FailedOutcome, **fields: Any) -> Failure:
    return Failure(outcome=outcome, reason="html", **fields)


def states(coverage: FeedCoverage) -> dict[str, str]:
    return {p.period.key: p.state for p in coverage.periods}


def test_the_state_of_each_period() -> None:
    feed = replace(FEED, known_gaps={"2023-06-08": "corrupt"})
    objects = stored(feed, "2023-06-05") | stored(feed, "2023-06-06", revision=2)
    failures = {
        "2023-06-06": failure("rejected"),
        "2023-06-07": failure("absent"),
        "2023-06-09": failure("rejected"),
        "2023-06-10": failure("failed"),
        "2023-06-11": failure("bug"),
    }
    coverage = cover(feed, objects, failures, NOW)
    assert states(coverage) == {
        "2023-06-05": "stored",
        "2023-06-06": "revised",
        "2023-06-07": "late",
        "2023-06-08": "known_gap",
        "2023-06-09": "rejected",
        "2023-06-10": "failed",
        "2023-06-11": "failed",
        "2023-06-12": "awaiting",
        "2023-06-13": "awaiting",
        "2023-06-14": "not_due",
    }
    assert summary(coverage) == {
        "feed": "f",
        "title": "f",
        "cadence": "day",
        "expected": 8,
        "stored": 2,
        "missing": 6,
        "awaiting": 2,
        "late": 1,
        "failed": 2,
        "rejected": 1,
        "before": 0,
        "oldest_missing": "2023-06-07",
        "newest_stored": "2023-06-06",
        "next_due": "2023-06-14",
        "next_due_at": "2023-06-15T00:00:00Z",
    }


@pytest.mark.parametrize("outcome", ["absent", "rejected", "failed", "bug"])
@pytest.mark.parametrize("mode", ["recheck", "force", None])
def test_a_stored_period_whose_recheck_failed_stays_stored(
    outcome: FailedOutcome, mode: Mode | None
) -> None:
    fields = {"message": "sorry", "mode": mode, "attempts": 2, "next_retry": NOW}
    failures = {"2023-06-05": failure(outcome, **fields)}
    coverage = cover(FEED, stored(FEED, "2023-06-05"), failures, NOW)
    told = details(coverage.periods[0])
    assert told["state"] == "stored"
    assert told["last_error"]["outcome"] == outcome
    assert (told["last_error"]["attempts"], told["last_error"]["message"]) == (2, "sorry")
    assert told["last_error"]["next_retry"] == "2023-06-14T12:00:00Z"


@pytest.mark.parametrize("outcome", ["absent", "rejected", "failed", "bug"])
def test_an_object_outranks_the_record_that_a_late_duplicate_left(
    outcome: FailedOutcome,
) -> None:
    failures = {key: failure(outcome, mode="fetch") for key in ("2023-06-05", "2023-06-07")}
    coverage = cover(FEED, stored(FEED, "2023-06-05"), failures, NOW)
    assert "last_error" not in details(coverage.periods[0])
    assert coverage.periods[2].failure == failures["2023-06-07"]


def test_absence_within_grace_is_awaited_and_rejection_is_not() -> None:
    failures = {"2023-06-12": failure("absent"), "2023-06-13": failure("rejected")}
    found = states(cover(FEED, {}, failures, NOW))
    assert (found["2023-06-12"], found["2023-06-13"]) == ("awaiting", "rejected")


def test_a_period_is_due_and_late_from_those_instants_on() -> None:
    feed = replace(FEED, calendar=replace(FEED.calendar, available_after=timedelta(hours=6)))
    period = feed.calendar.period("2023-06-10")
    second = timedelta(seconds=1)
    for instant, state in (
        (feed.calendar.due(period) - second, "not_due"),
        (feed.calendar.due(period), "awaiting"),
        (feed.calendar.late(period) - second, "awaiting"),
        (feed.calendar.late(period), "late"),
    ):
        assert states(cover(feed, {}, {}, instant))["2023-06-10"] == state


def test_older_stored_periods_are_one_count_and_other_objects_none() -> None:
    objects = stored(FEED, "2023-06-02", "2023-06-04", "2023-06-05")
    objects |= {name: Stored(object=name, size=1, sha256="x") for name in ("f/x", "g/20230606")}
    coverage = cover(FEED, objects, {}, NOW)
    assert coverage.before == 2
    assert coverage.stored == 1
    assert coverage.periods[0].period.key == "2023-06-05"


def test_a_known_gap_and_a_period_not_due_are_not_expected_even_if_stored() -> None:
    feed = replace(FEED, known_gaps={"2023-06-08": "corrupt"})
    coverage = cover(feed, stored(feed, "2023-06-08", "2023-06-14"), {}, NOW)
    found = {p.period.key: p for p in coverage.periods}
    assert found["2023-06-08"].state == "known_gap"
    assert found["2023-06-14"].state == "not_due"
    assert found["2023-06-14"].stored is not None
    assert coverage.stored == 0


def test_an_ended_feed_has_nothing_due_next_and_one_not_begun_only_that() -> None:
    ended = feed_of(first="2023-01-01", last="2023-02-01")
    coverage = cover(ended, {}, {}, NOW)
    assert coverage.next_due is None
    assert coverage.periods[-1].period.key == "2023-02-01"
    assert coverage.newest_stored is None
    later = cover(feed_of(first="2990-01-01"), {}, {}, NOW)
    assert states(later) == {"2990-01-01": "not_due"}
    assert later.next_due is not None
    assert (later.expected, later.oldest_missing) == (0, None)


def test_the_hours_of_today_are_listed() -> None:
    feed = feed_of("hour", first="2023-06-14T00")
    found = states(cover(feed, {}, {}, NOW))
    assert len(found) == 24
    assert found["2023-06-14T11"] == "awaiting"
    assert found["2023-06-14T12"] == "not_due"


class Situation:
    """A feed, its lake and a time, drawn at random; what is due is found by a plain walk."""

    def __init__(self, data: st.DataObject) -> None:
        calendar: Calendar = data.draw(calendars())
        low, high = sorted(data.draw(ranges(calendar)))
        self.now = high.replace(tzinfo=UTC)
        self.labels = [*walk(calendar, low, high + timedelta(days=1))]
        keys = [calendar.named(label).key for label in self.labels]
        some = st.sets(st.sampled_from(keys)) if keys else st.just(set())
        gaps = data.draw(some)
        # Names by the hour, which tell the periods of every cadence apart.
        self.feed = replace(
            feed_of("hour"),
            calendar=calendar,
            keep_from=low,
            known_gaps=dict.fromkeys(gaps, "gone"),
        )
        self.objects = {
            **stored(self.feed, *data.draw(some)),
            **stored(self.feed, *data.draw(some), revision=1),
        }
        outcomes = st.sampled_from(get_args(FailedOutcome))
        records = data.draw(st.dictionaries(st.sampled_from(keys), outcomes)) if keys else {}
        self.failures = {key: failure(outcome) for key, outcome in records.items()}

    def cover(self, now: datetime | None = None) -> FeedCoverage:
        return cover(self.feed, self.objects, self.failures, now or self.now)


@given(st.data())
def test_each_period_is_what_its_own_due_time_gap_object_and_record_make_it(
    data: st.DataObject,
) -> None:
    it = Situation(data)
    coverage = it.cover()
    calendar = it.feed.calendar
    seen = {p.period.at: p.state for p in coverage.periods}
    assert list(seen) == sorted(seen)
    for label in it.labels:
        period = calendar.named(label)
        if calendar.due(period) <= it.now:
            assert label in seen
    for label, state in seen.items():
        period = calendar.named(label)
        found = it.objects.get(it.feed.object_name(period))
        record = it.failures.get(period.key)
        if period.key in it.feed.known_gaps:
            expected = "known_gap"
        elif it.now < calendar.due(period):
            expected = "not_due"
        elif found:
            expected = "revised" if found.revision else "stored"
        elif record and record.outcome != "absent":
            expected = {"bug": "failed"}.get(record.outcome, record.outcome)
        else:
            expected = "late" if calendar.late(period) <= it.now else "awaiting"
        assert state == expected


@given(st.data())
def test_the_counts_add_up(data: st.DataObject) -> None:
    it = Situation(data)
    coverage = it.cover()
    counted = Counter(p.state for p in coverage.periods)
    assert dict(coverage.counts) == counted
    told = summary(coverage)
    assert told["expected"] == told["stored"] + told["missing"]
    assert told["missing"] == sum(told[s] for s in ("awaiting", "late", "failed", "rejected"))
    assert told["expected"] + counted["not_due"] + counted["known_gap"] == len(coverage.periods)
    missing = [p.period.key for p in coverage.periods if p.state in MISSING]
    assert told["oldest_missing"] == (missing[0] if missing else None)
    not_due = [p.period for p in coverage.periods if p.state == "not_due"]
    if coverage.next_due is None:
        assert not not_due
    else:
        assert coverage.feed.calendar.due(coverage.next_due) > it.now
        assert all(period >= coverage.next_due for period in not_due)


@given(st.data(), st.randoms(use_true_random=False))
def test_the_order_of_a_listing_does_not_matter(data: st.DataObject, random: Any) -> None:
    it = Situation(data)
    one = it.cover()
    for name in ("objects", "failures"):
        items = list(getattr(it, name).items())
        random.shuffle(items)
        setattr(it, name, dict(items))
    other = it.cover()
    assert (one.periods, one.before) == (other.periods, other.before)


@given(st.data(), st.timedeltas(timedelta(0), timedelta(days=3000)))
def test_as_time_passes_nothing_becomes_less_due(data: st.DataObject, later: timedelta) -> None:
    it = Situation(data)
    now, then = it.cover(), it.cover(it.now + later)
    rank = {"not_due": 0, "awaiting": 1, "late": 2}
    after = {p.period: p.state for p in then.periods}
    for period in now.periods:
        state = after[period.period]
        if period.state in rank and state in rank:
            assert rank[state] >= rank[period.state]
        elif period.state != "not_due":
            assert state == period.state
    assert then.expected >= now.expected
    assert then.before == now.before


@given(st.data())
def test_storing_a_missing_period_makes_it_stored_and_changes_no_other(
    data: st.DataObject,
) -> None:
    it = Situation(data)
    before = it.cover()
    missing = [p for p in before.periods if p.state in MISSING]
    if not missing:
        return
    chosen = data.draw(st.sampled_from(missing))
    it.objects |= stored(it.feed, chosen.period.key)
    after = it.cover()
    assert (after.stored, after.missing) == (before.stored + 1, before.missing - 1)
    for one, other in zip(before.periods, after.periods, strict=True):
        assert (one.state == other.state) == (one.period != chosen.period)
