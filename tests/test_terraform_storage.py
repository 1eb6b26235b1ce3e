"""What the buckets delete by themselves, and when."""

import re
from typing import Any

import pytest

from tests.support.terraform import Configuration, Plan

RULES = {
    # Old generations, by the variable.
    (("days_since_noncurrent_time", 11), "ARCHIVED", ()),
    # The records of runs, by the variable.
    (("age", 22), "LIVE", ("_lakefill/runs/",)),
    # What dead workers left.
    (("age", 1), "LIVE", ("_lakefill/staging/",)),
    # What is overwritten there is of no further use.
    (
        ("days_since_noncurrent_time", 1),
        "ARCHIVED",
        ("_lakefill/coverage/", "_lakefill/runs/", "_lakefill/staging/"),
    ),
}


@pytest.fixture(scope="module")
def varied(configuration: Configuration) -> Plan:
    return configuration.plan(keep_old_generations_days=11, keep_runs_days=22)


def rules(plan: Plan, bucket: str) -> set[Any]:
    """What is deleted: its age in days, its state, below which prefixes."""
    found = set()
    for rule in plan.resources[f"google_storage_bucket.{bucket}"]["lifecycle_rule"]:
        (action,), (condition,) = rule["action"], rule["condition"]
        assert action["type"] == "Delete"
        # Zero is how the provider's schema says that there is no such condition.
        (age,) = {
            (name, condition[name])
            for name in ("age", "days_since_noncurrent_time")
            if condition.get(name)
        }
        prefixes = tuple(sorted(condition.get("matches_prefix") or ()))
        found.add((age, condition["with_state"], prefixes))
        assert not condition.get("matches_suffix")
    return found


def test_the_lake_deletes_what_is_of_no_further_use(varied: Plan) -> None:
    assert rules(varied, "lake") == RULES


def test_nothing_stored_is_ever_deleted_while_it_is_live(varied: Plan) -> None:
    live = [prefixes for _, state, prefixes in rules(varied, "lake") if state == "LIVE"]
    assert live
    for prefixes in live:
        assert prefixes
        assert all(re.match(r"_lakefill/\w+/$", prefix) for prefix in prefixes)


def test_the_source_bucket_drops_older_archives_and_keeps_the_one_in_use(varied: Plan) -> None:
    assert rules(varied, "source") == {(("days_since_noncurrent_time", 30), "ARCHIVED", ())}
