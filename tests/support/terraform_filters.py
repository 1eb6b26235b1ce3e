"""What the configuration reads from the log: its filters, and whether a line matches one."""

import logging
import re
from dataclasses import dataclass
from typing import Any

from tests.support.terraform import Plan

# The one shape of a filter on the functions' lines; coverage also looks at the severity.
SHAPE = re.compile(
    r'resource\.type="cloud_run_revision" jsonPayload\.event="(?P<event>\w+)"'
    r"(?: severity>=(?P<severity>[A-Z]+))?"
)

EXTRACT = re.compile(r"EXTRACT\(jsonPayload\.(\w+)\)")


@dataclass(frozen=True)
class LogReader:
    """A policy or a metric that reads the functions' lines."""

    address: str
    filter: str
    fields: frozenset[str]

    @property
    def event(self) -> str:
        return self._match()["event"]

    def matches(self, line: dict[str, Any]) -> bool:
        """Whether Cloud Logging would take the line for one of these."""
        shape = self._match()
        least = logging.getLevelNamesMapping()[shape["severity"] or "NOTSET"]
        severe = logging.getLevelNamesMapping()[line["severity"]] >= least
        return severe and bool(line["event"] == shape["event"])

    def _match(self) -> re.Match[str]:
        match = SHAPE.fullmatch(self.filter)
        assert match, f"{self.address} has a filter of another shape: {self.filter}"
        return match


def log_alerts(plan: Plan) -> list[LogReader]:
    """The policies on the functions' lines."""
    readers = []
    for address, policy in plan.of_type("google_monitoring_alert_policy").items():
        for condition in policy["conditions"]:
            for matched in condition["condition_matched_log"]:
                if "cloud_scheduler_job" not in matched["filter"]:
                    labels = (matched["label_extractors"] or {}).values()
                    readers.append(LogReader(address, matched["filter"], _fields(*labels)))
    return readers


def log_metrics(plan: Plan) -> list[LogReader]:
    """The metrics made of the functions' lines."""
    return [
        LogReader(
            address,
            metric["filter"],
            _fields(
                *(metric["label_extractors"] or {}).values(), metric["value_extractor"] or ""
            ),
        )
        for address, metric in plan.of_type("google_logging_metric").items()
    ]


def _fields(*expressions: str) -> frozenset[str]:
    return frozenset(field for text in expressions for field in EXTRACT.findall(text))
