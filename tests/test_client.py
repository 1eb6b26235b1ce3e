"""The client of a dispatcher: what it follows, whom it shows an identity to."""

import base64
import io
import json
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from google.auth.exceptions import DefaultCredentialsError
from google.oauth2 import id_token
from rich.console import Console

from ingest.local import backfill as backfill_module
from ingest.local import client as client_module
from ingest.local.backfill import backfill
from ingest.local.client import AnswerError, DispatchClient
from ingest.local.identity import IdentityError, IdentityToken
from tests.support.http_server import HttpServer, QuietHandler

RUN = {"run": "r", "feed": "f", "done": False, "periods": [{"period": "p", "outcome": None}]}
DONE = RUN | {"done": True, "periods": [{"period": "p", "outcome": "stored"}]}


def token(**claims: object) -> str:
    """A token in the shape of a real one, its signature worthless."""
    parts: tuple[dict[str, object], ...] = ({"alg": "RS256", "typ": "JWT"}, claims, {})
    encoded = (base64.urlsafe_b64encode(json.dumps(p).encode()).decode() for p in parts)
    return ".".join(part.rstrip("=") for part in encoded)


HANG_UP = 0


class Answers(HttpServer):
    """Gives its answers one after the other, the last again and again."""

    def __init__(self, *answers: tuple[int, object]) -> None:
        super().__init__(_Handler)
        self.answers = [*answers]


class _Handler(QuietHandler):
    server: Answers

    def serve(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        answers = self.server.answers
        status, document = answers.pop(0) if len(answers) > 1 else answers[0]
        if status == HANG_UP:
            self.close_connection = True
            return
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture(autouse=True)
def _impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "_POLL_SECONDS", 0.0)


def test_passing_trouble_does_not_end_the_following() -> None:
    looks = []
    answers = (200, RUN), (503, {"detail": "busy"}), (200, DONE)
    with Answers(*answers) as server, DispatchClient(server.url) as client:
        states = [*client.follow("r", 60, watch=lambda: looks.append(1))]
    assert [state.finished for state in states] == [0, 1]
    assert len(looks) == 3


@pytest.mark.parametrize(("status", "silence"), [(404, 60.0), (503, 0.0)])
def test_lasting_trouble_does(
    monkeypatch: pytest.MonkeyPatch, status: int, silence: float
) -> None:
    monkeypatch.setattr(client_module, "_SILENCE_SECONDS", silence)
    answers = (200, RUN), (status, {"detail": "no"})
    with Answers(*answers) as server, DispatchClient(server.url) as client:
        states = client.follow("r", 60)
        assert next(states).finished == 0
        with pytest.raises(AnswerError, match="no"):
            next(states)


def test_a_dispatcher_that_stops_answering_is_told_at_once_and_once() -> None:
    planned = {"run": "r", "feed": "f", "dispatched": ["p"], "skipped": []}
    gone, busy = (HANG_UP, None), (503, {"detail": "the lake does not answer"})
    answers = (202, planned), (200, RUN), gone, gone, (200, RUN), busy, (200, DONE)
    output = io.StringIO()
    with Answers(*answers) as server, DispatchClient(server.url) as client:
        assert backfill(Console(file=output, width=500), client, {}, 60)
        url = server.url
    told = [line for line in output.getvalue().splitlines() if "Asking again" in line]
    assert len(told) == 2
    assert f"nothing answers at {url}" in told[0]
    assert "lakefill up" in told[0]
    assert "the lake does not answer" in told[1]


def test_what_does_not_finish_is_explained_once(monkeypatch: pytest.MonkeyPatch) -> None:
    planned = {"run": "r", "feed": "f", "dispatched": ["p"], "skipped": []}
    told = {}
    for seconds in (0.0, 20.0):
        monkeypatch.setattr(backfill_module, "_PATIENCE_SECONDS", seconds)
        output = io.StringIO()
        answers = (202, planned), (200, RUN), (200, RUN), (200, RUN), (200, DONE)
        with Answers(*answers) as server, DispatchClient(server.url) as client:
            assert backfill(Console(file=output, width=500), client, {}, 60)
        told[seconds] = [x for x in output.getvalue().splitlines() if "tried again" in x]
    assert told[20.0] == []
    [line] = told[0.0]
    assert line.startswith("Still without an outcome: p. What fails for now is tried again")


def test_failures_are_listed_though_coverage_does_not_answer() -> None:
    planned = {"run": "r", "feed": "f", "dispatched": ["p"], "skipped": []}
    failed = DONE | {"periods": [{"period": "p", "outcome": "absent", "reason": "absent"}]}
    output = io.StringIO()
    answers = (202, planned), (200, failed), (503, {"detail": "busy"})
    with Answers(*answers) as server, DispatchClient(server.url) as client:
        assert not backfill(Console(file=output, width=500), client, {}, 60)
    assert output.getvalue().splitlines()[-1].split() == ["p", "absent", "absent"]


def test_a_dispatcher_that_hangs_is_not_waited_for_all_the_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client_module, "_RUN_SECONDS", 0.2)
    monkeypatch.setattr(client_module, "_SILENCE_SECONDS", 0.0)
    told: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        with DispatchClient(url) as client, pytest.raises(AnswerError, match=r"within 0\.2 s"):
            next(client.follow("r", 60, on_silence=told.append))


def test_a_slow_coverage_is_told_from_a_dispatcher_that_is_not_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client_module, "_RUN_SECONDS", 0.1)
    monkeypatch.setattr(client_module, "_ANSWER_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        with DispatchClient(url) as client:
            started = time.monotonic()
            with pytest.raises(AnswerError, match=r"answered within 0\.3 s.*--feed") as slow:
                client.coverage()
    assert time.monotonic() - started >= 0.3
    assert "nothing answers" not in str(slow.value)


@pytest.mark.parametrize(
    ("url", "signed"),
    [
        ("http://localhost:8080", False),
        ("https://127.0.0.1", False),
        ("http://[::1]:8080/", False),
        ("http://dispatch.example.org", False),  # a token never travels in the clear
        ("https://dispatch.example.org/", True),
        ("https://localhost.example.org", True),
    ],
)
def test_an_identity_is_shown_to_other_machines_and_in_private_only(
    url: str, signed: bool
) -> None:
    with DispatchClient(url) as client:
        assert isinstance(client._session.auth, IdentityToken) == signed


@pytest.fixture
def signed() -> Callable[[], str]:
    """Sign a request anew, and return its header."""
    auth = IdentityToken("https://d.example.org")

    def sign() -> str:
        request = requests.Request("GET", "https://d.example.org/").prepare()
        return str(auth(request).headers["Authorization"])

    return sign


def test_a_token_is_kept_while_it_is_good(
    signed: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = [token(exp=time.time() + seconds, n=seconds) for seconds in (60, 3600)]
    left = [*tokens]
    monkeypatch.setattr(id_token, "fetch_id_token", lambda *_: left.pop(0))
    assert [signed() for _ in range(3)] == [f"Bearer {tokens[n]}" for n in (0, 1, 1)]


def test_without_a_service_account_gcloud_is_asked(
    signed: Callable[[], str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def none(*_: object) -> str:
        raise DefaultCredentialsError

    monkeypatch.setattr(id_token, "fetch_id_token", none)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    gcloud = tmp_path / "gcloud"
    mine = token(exp=time.time() + 3600)
    gcloud.write_text(f"#!/bin/sh\n[ \"$*\" = 'auth print-identity-token' ] && echo {mine}\n")
    gcloud.chmod(0o755)
    assert signed() == f"Bearer {mine}"


@pytest.mark.parametrize("script", ["echo 'no account' >&2; exit 1", None])
def test_without_any_identity_it_says_what_to_do(
    signed: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    script: str | None,
) -> None:
    def none(*_: object) -> str:
        raise DefaultCredentialsError

    monkeypatch.setattr(id_token, "fetch_id_token", none)
    monkeypatch.setenv("PATH", str(tmp_path))
    if script:
        (tmp_path / "gcloud").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "gcloud").chmod(0o755)
    with pytest.raises(IdentityError, match="gcloud auth login") as missing:
        signed()
    assert ("no account" if script else "gcloud") in str(missing.value)
