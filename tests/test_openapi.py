"""The description of the interface says what the code does, no more and no less."""

from collections.abc import Callable, Iterator
from typing import Any, get_args

import pytest
import requests

from ingest.coverage import FailedOutcome, Failure, State, cover
from ingest.coverage_json import summary
from ingest.messages import RUN_PATTERN, Mode
from ingest.openapi import description
from ingest.plan import SkipReason
from ingest.request import DispatchRequest
from ingest.routes import ROUTES
from tests.support.auditing import Auditing, days_ago
from tests.support.function import FunctionProcess
from tests.support.picky_pubsub import Picky
from tests.support.storage_proxy import Status
from tests.support.strategies import feed_of, utc

pytest_plugins = "tests.support.audit_fixtures"

DESCRIBED = description()
SCHEMAS = DESCRIBED["components"]["schemas"]


def test_the_routes_are_those_that_are_served() -> None:
    described = {(p, m.upper()) for p, methods in DESCRIBED["paths"].items() for m in methods}
    assert described == {(p, m) for p, methods in ROUTES.items() for m in methods}


def test_the_words_and_fields_are_those_of_the_code() -> None:
    period = SCHEMAS["CoveredPeriod"]["properties"]
    run = DESCRIBED["paths"]["/runs/{run}"]["get"]["responses"]["200"]["content"]
    of_run = run["application/json"]["schema"]["properties"]["periods"]["items"]["properties"]
    told = summary(cover(feed_of(), {}, {}, utc(2020, 1, 1)))
    assert list(SCHEMAS["Request"]["properties"]) == list(DispatchRequest.__struct_fields__)
    assert SCHEMAS["Skipped"]["items"]["properties"]["reason"]["enum"] == [
        *get_args(SkipReason)
    ]
    assert period["state"]["enum"] == [*get_args(State)]
    assert list(period["last_error"]["properties"]) == list(Failure.__struct_fields__)
    assert period["last_error"]["properties"]["outcome"]["enum"] == [*get_args(FailedOutcome)]
    assert list(SCHEMAS["Summary"]["properties"]) == SCHEMAS["Summary"]["required"] == [*told]
    assert of_run["mode"]["enum"] == [*get_args(Mode)]
    assert SCHEMAS["Run"]["pattern"].strip("^$") == RUN_PATTERN.removesuffix(r"\Z").strip("^")


def test_it_is_served(a: Auditing) -> None:
    response = a.process.get("/openapi.json")
    assert response.headers["Content-Type"] == "application/json"
    assert response.json() == DESCRIBED
    assert response.json()["openapi"] == "3.1.0"


class Provoke:
    """Ways to each status; the ordinary ones by `a`'s process."""

    def __init__(self, a: Auditing, misconfigured: FunctionProcess) -> None:
        self.a, self.misconfigured = a, misconfigured

    def get(self, path: str) -> requests.Response:
        return self.a.process.get(path)

    def post(self, body: object, path: str = "/") -> requests.Response:
        if isinstance(body, bytes):
            return self.a.process.post(path, data=body)
        return self.a.process.post(path, json=body)

    def troubled(self, method: str, path: str) -> requests.Response:
        for operation in ("list", "download"):
            self.a.world.proxy.faults.add(
                match=lambda r, of=operation: r.operation == of,  # type: ignore[misc]
                action=Status(403),
            )
        response = self.get(path) if method == "GET" else self.post({}, path)
        for _ in range(2):  # use up what is left
            self.get("/coverage?feed=days")
            self.get("/runs/x")
        return response

    def refused(self) -> requests.Response:
        picky = Picky()
        picky.refused_period = days_ago(3)
        env = self.a.world.env | {"PUBSUB_EMULATOR_HOST": picky.host}
        try:
            with FunctionProcess("dispatch", env) as process:
                return process.post(json={"feed": "days", "date": days_ago(3)})
        finally:
            picky.stop()

    def a_run(self) -> requests.Response:
        run = self.post({"feed": "days", "date": days_ago(3)}).json()["run"]
        return self.get(f"/runs/{run}")


LONG = b" " * 70_000
WAYS: dict[tuple[str, str, int], Callable[[Provoke], requests.Response]] = {
    ("GET", "/", 200): lambda p: p.get("/"),
    ("GET", "/", 500): lambda p: p.misconfigured.get("/"),
    ("GET", "/", 503): lambda p: p.troubled("GET", "/"),
    ("POST", "/", 200): lambda p: p.post({"dry_run": True}),
    ("POST", "/", 202): lambda p: p.post({"feed": "days", "date": days_ago(3)}),
    ("POST", "/", 400): lambda p: p.post([]),
    ("POST", "/", 404): lambda p: p.post({"feed": "nope"}),
    ("POST", "/", 413): lambda p: p.post(LONG),
    ("POST", "/", 422): lambda p: p.post({"date": "2999"}),
    ("POST", "/", 500): lambda p: p.misconfigured.post("/"),
    ("POST", "/", 502): lambda p: p.refused(),
    ("POST", "/", 503): lambda p: p.troubled("POST", "/"),
    ("GET", "/coverage", 200): lambda p: p.get("/coverage"),
    ("GET", "/coverage", 400): lambda p: p.get("/coverage?state=late"),
    ("GET", "/coverage", 404): lambda p: p.get("/coverage?feed=nope"),
    ("GET", "/coverage", 422): lambda p: p.get("/coverage?feed=days&start=x"),
    ("GET", "/coverage", 500): lambda p: p.misconfigured.get("/coverage"),
    ("GET", "/coverage", 503): lambda p: p.troubled("GET", "/coverage"),
    ("POST", "/audit", 200): lambda p: p.post({}, "/audit"),
    ("POST", "/audit", 400): lambda p: p.post({"feed": "days"}, "/audit"),
    ("POST", "/audit", 413): lambda p: p.post(LONG, "/audit"),
    ("POST", "/audit", 500): lambda p: p.misconfigured.post("/audit"),
    ("GET", "/runs/{run}", 200): lambda p: p.a_run(),
    ("GET", "/runs/{run}", 404): lambda p: p.get("/runs/no-such-run"),
    ("GET", "/runs/{run}", 500): lambda p: p.misconfigured.get("/runs/x"),
    ("GET", "/runs/{run}", 503): lambda p: p.troubled("GET", "/runs/x"),
    ("GET", "/openapi.json", 200): lambda p: p.get("/openapi.json"),
}


@pytest.fixture(scope="module")
def misconfigured() -> Iterator[FunctionProcess]:
    with FunctionProcess("dispatch", {}) as process:
        yield process


def _described() -> Iterator[tuple[str, str, int]]:
    for path, operations in DESCRIBED["paths"].items():
        for method, operation in operations.items():
            yield from ((method.upper(), path, int(s)) for s in operation["responses"])


@pytest.mark.parametrize("asked", [*_described()], ids=str)
def test_each_described_status_can_be_had(
    a: Auditing, misconfigured: FunctionProcess, asked: tuple[str, str, int]
) -> None:
    response = WAYS[asked](Provoke(a, misconfigured))
    method, path, status = asked
    assert response.status_code == status, response.text
    content: dict[str, Any] = DESCRIBED["paths"][path][method.lower()]["responses"][str(status)]
    if "$ref" in content:
        content = DESCRIBED["components"]["responses"][content["$ref"].rpartition("/")[2]]
    assert response.headers["Content-Type"].split(";")[0] in content["content"]


def test_a_status_that_is_not_described_fails_the_tests(a: Auditing) -> None:
    response = requests.Response()
    response.request = requests.Request("DELETE", "http://x/coverage").prepare()
    response.status_code = 500
    [hook] = a.process.session.hooks["response"]
    with pytest.raises(AssertionError, match="'DELETE', '/coverage'"):
        hook(response)
