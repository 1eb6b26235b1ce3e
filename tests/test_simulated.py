"""Simulated sources answer what is odd with an error, as the real ones do, and do not break."""

from urllib.parse import urlencode

import pytest

from ingest.local.answers import Request, State
from ingest.local.simulated import simulated

QUAKES = "/fdsnws/event/1/query"
RATES = "/service/data/EXR/D..EUR.SP00.A"
SUBWAY = "/resource/5wq4-mkjj.csv"
WHERE = (
    "transit_timestamp >= '2026-{}-01T00:00:00' AND transit_timestamp < '2026-02-02T00:00:00'"
)


def status(path: str, **query: str) -> int:
    answer = simulated(Request.of(f"{path}?{urlencode(query)}", []), None, State())
    assert answer is not None
    return answer.status


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (QUAKES, {}),
        (QUAKES, {"starttime": "2026-01-01", "endtime": "soon"}),
        (RATES, {}),
        (RATES, {"startPeriod": "2026-13-01"}),
        (SUBWAY, {}),
        (SUBWAY, {"$where": WHERE.format("13")}),
        (SUBWAY, {"$where": WHERE.format("02"), "$limit": "x"}),
    ],
)
def test_an_odd_request_is_a_bad_one(path: str, query: dict[str, str]) -> None:
    assert status(path, **query) == 400


def test_a_time_may_name_its_zone() -> None:
    day = {"starttime": "2026-01-01T00:00:00Z", "endtime": "2026-01-01T23:59:59"}
    assert status(QUAKES, **day) == 200
    assert status(SUBWAY, **{"$where": WHERE.format("02")}) == 200
