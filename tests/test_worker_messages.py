"""Messages and envelopes that the worker refuses."""

import pytest

from tests.support.function import FunctionProcess, envelope, until
from tests.support.world import Deliveries, World


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2},
        {"v": "1"},
        {"v": True},
        {"feed": "no-such-feed"},
        {"period": "1999-12-31"},
        {"period": "2999-01-01"},
        {"period": "2011-01-01T00"},
        {"period": "../../etc"},
        {"run": "Run"},
        {"run": "a/b"},
        {"run": "run\n"},
        {"run": ""},
        {"run": "x" * 65},
        {"mode": "delete"},
        {"url": "http://127.0.0.1/evil"},
    ],
    ids=str,
)
def test_a_message_that_names_no_job_is_invalid(
    here: World, day: Deliveries, worker: FunctionProcess, change: dict[str, object]
) -> None:
    before = len(worker.lines(event="message_invalid"))
    asked = len(here.source.asked)
    assert day.outcome(**change) == (400, "invalid")
    until(lambda: len(worker.lines(event="message_invalid", severity="ERROR")) == before + 1)
    assert len(here.source.asked) == asked


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"message": {}}',
        b'{"message": {"data": "%%%", "messageId": "1"}}',
        b'{"message": {"attributes": {}, "messageId": "1"}}',
        b'{"message": "x"}',
        b"\xff\xfe",
        b"[" * 20000,
        b" " * 100_000,
    ],
    ids=range(11),
)
def test_what_is_no_envelope_is_invalid(worker: FunctionProcess, body: bytes) -> None:
    response = worker.post(data=body)
    assert (response.status_code, response.json()["outcome"]) == (400, "invalid")


def test_a_message_of_broken_json_is_invalid(worker: FunctionProcess) -> None:
    assert worker.post(json=envelope(b"{")).status_code == 400


def test_every_answer_is_json_with_its_outcome(worker: FunctionProcess) -> None:
    for method in ("GET", "PUT", "DELETE"):
        response = worker.session.request(method, worker.url)
        assert response.headers["Content-Type"] == "application/json"
        assert response.json()["outcome"] == "invalid"
