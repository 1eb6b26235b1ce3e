"""Random requests, made from the interface's own description, against the live dispatch.

`make fuzz` sends 10,000 of them, `make test` some. None may end in a 5xx, in a status or a body
that is not described; what is against the description is refused.
"""

import os
from copy import deepcopy
from typing import Any
from urllib.parse import unquote

import pytest
import schemathesis
from hypothesis import HealthCheck, assume, settings
from schemathesis.checks import negative_data_rejection, positive_data_acceptance

from ingest.openapi import description
from ingest.runs import Manifest, write_manifest
from tests.support.auditing import Auditing, within
from tests.support.dispatching import Dispatching

pytest_plugins = "tests.support.audit_fixtures"

EXAMPLES = int(os.environ.get("LAKEFILL_FUZZ_EXAMPLES", "120"))
RUN = "20230603-120000-abc"


def sharpened() -> dict[str, Any]:
    """The description, its free texts narrowed to what is often there: that reaches deeper."""
    known = deepcopy(description())
    feeds = {"enum": ["days", "other", "bare", "hours", "ended", "nope"]}
    schemas = known["components"]["schemas"]
    schemas["Request"]["properties"]["feed"] = feeds
    days = "(-(0[1-9]|1[0-2])(-([0-2][1-9]|3[01])(T([01][0-9]|2[0-4]))?)?)?"
    schemas["Date"]["pattern"] = f"^(2009|201[12]|202[67]){days}$"
    known["paths"]["/runs/{run}"]["get"]["parameters"][0]["schema"] = {"enum": [RUN, "no-run"]}
    known["paths"]["/coverage"]["get"]["parameters"][0]["schema"] = feeds
    return known


SCHEMA = schemathesis.openapi.from_dict(sharpened())


@pytest.fixture(scope="module")
def fuzzed(auditing_process: Dispatching) -> Auditing:
    auditing = Auditing(auditing_process)
    auditing.fill("ended", "other")
    manifest = Manifest(
        run=RUN,
        feed="days",
        created="2023-06-03T12:00:00Z",
        dispatched={"2023-06-03": "fetch"},
        skipped={"2023-06-02": "stored"},
    )
    write_manifest(auditing.lake, manifest, 0, within())
    return auditing


def check(case: schemathesis.Case[Any], fuzzed: Auditing) -> None:
    # functions-framework's own route does not match a line break: its 404 is not ours.
    assume("\n" not in unquote(case.formatted_path))
    # What is of the form described may still name a feed or a day that there is not.
    excluded = [positive_data_acceptance]
    if isinstance(case.body, bytes) and not case.body.strip(b" \t\r\n"):
        excluded.append(negative_data_rejection)  # an empty body is {}
    case.call_and_validate(
        base_url=fuzzed.process.url,
        session=fuzzed.process.session,
        excluded_checks=excluded,
    )


def few(share: int) -> settings:
    return settings(max_examples=EXAMPLES // share, suppress_health_check=list(HealthCheck))


@SCHEMA.include(operation_id="dispatch").parametrize()
@few(2)
def test_dispatch(case: schemathesis.Case[Any], fuzzed: Auditing) -> None:
    check(case, fuzzed)


# Three of these have something to be varied.
@SCHEMA.exclude(operation_id="dispatch").parametrize()
@few(6)
def test_the_other_routes(case: schemathesis.Case[Any], fuzzed: Auditing) -> None:
    check(case, fuzzed)
