"""What Terraform tells those who come after: readers of the page, loaders of the warehouse."""

import re
from typing import Any

from tests.support.terraform import ROOT, Plan

DEPLOY = (ROOT / "docs" / "deploy.md").read_text("utf-8")


def outputs(plan: Plan) -> dict[str, Any]:
    """The values that are known before anything is made."""
    return {
        name: output["value"]
        for name, output in plan.json["planned_values"]["outputs"].items()
        if "value" in output
    }


def made_of(plan: Plan, name: str) -> list[str]:
    """What an output refers to."""
    expression = plan.json["configuration"]["root_module"]["outputs"][name]["expression"]
    references: list[str] = expression["references"]
    return references


def test_the_page_and_the_dashboard_have_addresses(plan: Plan) -> None:
    assert outputs(plan)["coverage_url"] == (
        "https://storage.cloud.google.com/my-lake/_lakefill/coverage/index.html"
    )
    assert "google_monitoring_dashboard.this.id" in made_of(plan, "dashboard_url")


def test_the_filter_for_subscriptions_is_the_page_s(plan: Plan) -> None:
    (shown,) = re.findall(r"--message-filter='([^']+)'", DEPLOY)
    assert outputs(plan)["stored_filter"] == shown


def test_the_stored_topic_is_the_page_s_and_keeps_messages_for_31_days(plan: Plan) -> None:
    assert "google_pubsub_topic.stored.id" in made_of(plan, "stored_topic")
    topic = plan.resources["google_pubsub_topic.stored"]
    (shown,) = re.findall(r"subscriptions create warehouse --topic=(\S+)", DEPLOY)
    assert topic["name"] == shown
    days = int(topic["message_retention_duration"].removesuffix("s")) / 86400
    assert f"`{shown}` ({days:g} days of retention)" in DEPLOY


def test_a_scheduled_call_is_tried_three_times_more(plan: Plan) -> None:
    jobs = plan.of_type("google_cloud_scheduler_job")
    assert len(jobs) > 1
    for address, job in jobs.items():
        (retry,) = job["retry_config"]
        assert retry["retry_count"] == 3, address
        assert (retry["min_backoff_duration"], retry["max_backoff_duration"]) == ("30s", "600s")
        assert retry["max_doublings"] == 5
        assert not retry.get("max_retry_duration"), address
