"""Alerts and charts ask for metrics that there are, as Google documents them."""

import json
import re
from typing import Any

import pytest

from tests.support.google_facts import (
    ALIGNERS,
    DISTRIBUTION_REDUCERS,
    METRICS,
    NUMBER_REDUCERS,
    RESOURCE_LABELS,
    Metric,
)
from tests.support.terraform import Plan

CONDITION_KINDS = (
    "condition_absent",
    "condition_matched_log",
    "condition_prometheus_query_language",
    "condition_threshold",
)


def own_metrics(plan: Plan) -> dict[str, Metric]:
    """The metrics made of log lines, by type."""
    found = {}
    for metric in plan.of_type("google_logging_metric").values():
        (descriptor,) = metric["metric_descriptor"]
        found[f"logging.googleapis.com/user/{metric['name']}"] = Metric(
            "cloud_run_revision",
            descriptor["metric_kind"],
            descriptor["value_type"],
            frozenset(label["key"] for label in descriptor["labels"]),
        )
    return found


def parse(text: str) -> dict[str, str]:
    """The comparisons of a metric filter."""
    pattern = r'([\w.]+)=(?:monitoring\.regex\.full_match\()?"([^"]+)"\)?'
    assert not re.sub(pattern, "", text).strip(), f"not understood: {text}"
    return dict(re.findall(pattern, text))


def check(plan: Plan, filter_: str, aggregation: dict[str, Any]) -> None:
    """Fail where a time series is asked for that there is not, or not so."""
    compared = parse(filter_)
    metric = (METRICS | own_metrics(plan))[compared.pop("metric.type")]
    assert compared.pop("resource.type") == metric.resource
    grouped = aggregation.get("groupByFields", [])
    for label in [*compared, *grouped]:
        kind, _, name = label.partition(".label.")
        known = metric.labels if kind == "metric" else RESOURCE_LABELS[metric.resource]
        assert name in known, f"{label} of {filter_}"
    aligner = aggregation["perSeriesAligner"]
    assert (metric.kind, metric.value) in ALIGNERS[aligner], filter_
    reducer = aggregation.get("crossSeriesReducer")
    if reducer is not None:
        wanted = DISTRIBUTION_REDUCERS if metric.value == "DISTRIBUTION" else NUMBER_REDUCERS
        assert reducer in wanted, filter_


def widgets(plan: Plan) -> dict[str, dict[str, Any]]:
    """The dashboard's widgets by title."""
    text = plan.resources["google_monitoring_dashboard.this"]["dashboard_json"]
    tiles = json.loads(text)["mosaicLayout"]["tiles"]
    return {tile["widget"]["title"]: tile["widget"] for tile in tiles}


def series(plan: Plan) -> list[dict[str, Any]]:
    return [
        line["timeSeriesQuery"]["timeSeriesFilter"]
        for widget in widgets(plan).values()
        for line in widget.get("xyChart", {}).get("dataSets", [])
    ]


def test_each_chart_asks_for_what_there_is(plan: Plan) -> None:
    for line in series(plan):
        check(plan, line["filter"], line["aggregation"])


def test_the_dashboard_shows_all_that_is_measured(plan: Plan) -> None:
    shown = {parse(line["filter"])["metric.type"] for line in series(plan)}
    assert shown == METRICS.keys() | own_metrics(plan).keys()
    titles = " ".join(widgets(plan)).lower()
    for what in ("revisions", "throttled", "pushes", "latency", "memory", "coverage"):
        assert what in titles


def test_the_dashboard_leaves_out_what_google_s_answer_leaves_out(plan: Plan) -> None:
    """Zeros and empty lists: written, they would differ for ever."""
    text = plan.resources["google_monitoring_dashboard.this"]["dashboard_json"]

    def left_out(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert not [key for key, value in pairs if value in (0, "", [], False)]
        return dict(pairs)

    assert json.loads(text, object_pairs_hook=left_out)


def test_the_tiles_neither_overlap_nor_stick_out(plan: Plan) -> None:
    text = plan.resources["google_monitoring_dashboard.this"]["dashboard_json"]
    layout = json.loads(text)["mosaicLayout"]
    taken: set[tuple[int, int]] = set()
    for tile in layout["tiles"]:
        left, top = tile.get("xPos", 0), tile.get("yPos", 0)
        assert left + tile["width"] <= layout["columns"]
        cells = {
            (left + x, top + y) for x in range(tile["width"]) for y in range(tile["height"])
        }
        assert not taken & cells
        taken |= cells


@pytest.mark.parametrize("policy", ["dead_letter", "backlog"])
def test_an_alert_on_a_metric_asks_for_one_that_there_is(plan: Plan, policy: str) -> None:
    (condition,) = plan.resources[f"google_monitoring_alert_policy.{policy}"]["conditions"]
    (threshold,) = condition["condition_threshold"]
    (aggregation,) = threshold["aggregations"]
    check(
        plan,
        threshold["filter"],
        {"perSeriesAligner": aggregation["per_series_aligner"]},
    )
    assert int(aggregation["alignment_period"].removesuffix("s")) >= 60
    assert int(threshold["duration"].removesuffix("s")) % 60 == 0


def test_the_audit_is_silent_for_less_than_what_google_can_wait(plan: Plan) -> None:
    (condition,) = plan.resources["google_monitoring_alert_policy.audit_silent"]["conditions"]
    (promql,) = condition["condition_prometheus_query_language"]
    query = re.fullmatch(
        # None, whether the counter writes zeros while nothing happens or nothing at all.
        r"\(sum\(increase\(logging_googleapis_com:user_(\w+)"
        r'\{monitored_resource="cloud_run_revision"\}\[(\d+)h\]\)\) or vector\(0\)\) < 0\.5',
        promql["query"],
    )
    assert query
    assert query[1].replace("_", "/") in {
        m["name"] for m in plan.of_type("google_logging_metric").values()
    }
    waits = int(query[2]) * 3600 + int(promql["duration"].removesuffix("s"))
    assert 12 * 3600 < waits < 23.5 * 3600
    assert promql["disable_metric_validation"]
    assert int(promql["evaluation_interval"].removesuffix("s")) % 30 == 0


def test_each_policy_has_one_condition_of_one_kind(plan: Plan) -> None:
    for address, policy in plan.of_type("google_monitoring_alert_policy").items():
        (condition,) = policy["conditions"]
        kinds = [kind for kind in CONDITION_KINDS if condition.get(kind)]
        assert len(kinds) == 1, address
        (strategy,) = policy["alert_strategy"]
        assert int(strategy["auto_close"].removesuffix("s")) >= 1800, address
        limits = [
            int(r["period"].removesuffix("s")) for r in strategy["notification_rate_limit"]
        ]
        # The API takes a rate limit with log lines alone, of five minutes or more.
        assert (kinds == ["condition_matched_log"]) == bool(limits), address
        assert all(limit >= 300 for limit in limits)
