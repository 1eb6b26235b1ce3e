"""What README.md shows is what happens: its requests, sent in its order, and its commands."""

import re
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
import requests

from ingest.cli import main
from ingest.local.options import Options
from ingest.local.sample import FIRST_SATURDAY, HEADER, LAST, ROW_BYTES
from ingest.local.stack import Stack
from tests.support.function import until
from tests.support.source_server import Reply, SourceServer

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")

# A comment with the status (202 where none is named), the request, and perhaps its answer.
_REQUEST = re.compile(
    r"^# (?P<what>.+)\n"
    r"curl -d '(?P<body>.*)' localhost:8080\n"
    r"(?:# (?P<answer>\{.*\})$)?",
    re.MULTILINE,
)
_RUN = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{12}")


@pytest.fixture
def source() -> Iterator[SourceServer]:
    """Short weeks, but long enough to pass for one: it is not their bytes that matter here."""
    week = HEADER + b"x".ljust(ROW_BYTES - 1) + b"\n"
    week += 1000 * week
    weeks = (LAST - FIRST_SATURDAY).days // 7
    saturdays = (LAST - timedelta(weeks=n) for n in range(weeks + 1))
    folder = "/developers/data/nyct/turnstile"
    with SourceServer() as source:
        source.replies = {f"{folder}/turnstile_{d:%y%m%d}.txt": Reply(week) for d in saturdays}
        yield source


def test_the_requests_are_answered_as_shown(tmp_path: Path, source: SourceServer) -> None:
    requests_shown = [*_REQUEST.finditer(README)]
    assert len(requests_shown) == README.count("\ncurl -d ") >= 9
    options = Options(state=tmp_path, source_url=source.url)
    with Stack(options) as stack, requests.Session() as session:
        for shown in requests_shown:
            answer = session.post(stack.url, data=shown["body"], timeout=60)
            status = re.search(r": ([0-9]{3})\b", shown["what"])
            assert answer.status_code == int(status[1] if status else 202), shown["what"]
            if shown["answer"]:
                pattern = re.escape(_RUN.sub("RUN", shown["answer"])).replace(r"\.\.\.", ".*")
                assert re.fullmatch(pattern, _RUN.sub("RUN", answer.text.strip())), answer.text
            if answer.status_code == 202:
                run = stack.url + answer.headers["Location"]
                until(partial(_is_done, session, run), timeout=90)


def _is_done(session: requests.Session, run: str) -> bool:
    return bool(session.get(run, timeout=60).json()["done"])


@pytest.mark.parametrize("name", sorted(main.commands))
def test_each_command_is_told_of(name: str) -> None:
    assert f"lakefill {name}" in README
