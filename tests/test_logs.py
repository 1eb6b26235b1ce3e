"""Log lines as Cloud Logging reads them, and as people do."""

import io
import json
import logging
import os
import pty
from collections.abc import Iterator

import pytest
from rich.console import Console

from ingest import logs
from ingest.local.foreground import show_line
from tests.support.function import FunctionProcess, envelope
from tests.support.source_server import Reply
from tests.support.world import CSV, Deliveries, World

TRACE = "105445aa7843bc8bf206b12000100000"


def test_every_line_of_a_transfer_carries_the_contracts_fields(
    here: World, day: Deliveries
) -> None:
    here.put(day.path, Reply(CSV))
    day.push(attempt=3)
    line = day.line("period_stored")
    assert (line["feed"], line["run"], line["attempt"]) == ("tiny", "run-1", 3)
    assert line["seconds"] >= 0
    assert str(day.day) in line["message"]
    assert line["severity"] == "INFO"


def test_trace_and_execution_id_are_carried(here: World, day: Deliveries) -> None:
    message = {"v": 1, "feed": "tiny", "period": str(day.day), "run": "r", "mode": "fetch"}
    headers = {"X-Cloud-Trace-Context": f"{TRACE}/1;o=1", "Function-Execution-Id": "abc123"}
    day.worker.post(json=envelope(message), headers=headers)
    line = day.line("period_absent")
    assert line["logging.googleapis.com/trace"] == f"projects/p/traces/{TRACE}"
    assert line["logging.googleapis.com/labels"]["execution_id"] == "abc123"


def test_each_event_is_one_line_with_execution_id_logging_too(here: World) -> None:
    with FunctionProcess("worker", here.env | {"LOG_EXECUTION_ID": "true"}) as process:
        day = Deliveries(process, here)
        day.push()
        day.line("period_absent")
        assert len(process.lines(period=str(day.day))) == 1
        assert all(line.keys() >= {"event", "message", "severity"} for line in process.lines())
        assert "period_absent" not in "".join(
            line for line in process.output.splitlines() if not line.startswith("{")
        )


@pytest.mark.parametrize("target", ["dispatch", "worker"])
@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("LAKEFILL_BUCKET", ""),
        ("LAKEFILL_TOPIC", "a/b"),
        ("LAKEFILL_FEEDS", "/nowhere/feeds.yaml"),
        ("LAKEFILL_DEADLINE_SECONDS", "soon"),
        ("LAKEFILL_MAX_ATTEMPTS", "0"),
        ("LAKEFILL_MAX_PERIODS", "-1"),
    ],
)
def test_a_wrong_setting_answers_500_with_its_name_and_is_logged(
    here: World, target: str, variable: str, value: str
) -> None:
    with FunctionProcess(target, here.env | {variable: value}) as process:
        response = process.post(json={})
        assert response.status_code == 500
        text = response.text
        assert (variable in text) or (variable == "LAKEFILL_FEEDS" and value in text)
        if target == "worker":
            assert response.json()["outcome"] == "bug"
            process.wait_line(event="unexpected_error", severity="ERROR")


@pytest.fixture
def restored() -> Iterator[None]:
    """Give the loggers back as they were."""
    root, own = logging.getLogger(), logging.getLogger("lakefill")
    before = root.handlers, own.level, own.filters
    yield
    root.handlers, own.level, own.filters = before


@pytest.mark.usefixtures("restored")
def test_in_a_terminal_a_line_is_a_sentence() -> None:
    parent, child = pty.openpty()
    with os.fdopen(child, "w") as terminal:
        logs.configure(None, terminal)
        logs.emit("run_dispatched", "tiny: dispatched 3 periods", run="r")
    line = os.read(parent, 1000).decode()
    os.close(parent)
    assert line.endswith("INFO    tiny: dispatched 3 periods [run_dispatched]\r\n")


@pytest.mark.usefixtures("restored")
def test_half_a_surrogate_pair_does_not_lose_the_line() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), "utf-8")
    logs.configure(None, stream)
    logs.emit("request_refused", "no feed \ud800", reason="\udfff")
    stream.flush()
    assert "\\ud800" in stream.buffer.getvalue().decode()


@pytest.mark.usefixtures("restored")
def test_nothing_that_is_logged_steers_a_terminal() -> None:
    parent, child = pty.openpty()
    with os.fdopen(child, "w") as terminal:
        logs.configure(None, terminal)
        try:
            raise ValueError("its\x1b[2Jtrace")
        except ValueError as error:
            logs.emit(
                "unexpected_error",
                f"a\x1b]0;b\x07\nc\x9b1m\u202ed \u00fc: {error}",
                error=error,
            )
        logging.getLogger("library").warning("of\x1b[1m a library")
    data = b""
    while b"a library" not in data:  # a terminal gives what it has, not all that was written
        data += os.read(parent, 10_000)
    os.close(parent)
    read = data.decode()
    assert all(character.isprintable() for line in read.split("\r\n") for character in line)
    assert r"a\x1b]0;b\x07\nc\x9b1m\u202ed ü: its\x1b[2Jtrace" in read
    assert 'raise ValueError("its' in read
    assert read.count("\r\n") >= 5  # a trace keeps its lines
    assert r"of\x1b[1m a library" in read


def test_nothing_that_a_function_logs_steers_the_terminal_of_the_stack() -> None:
    output = io.StringIO()
    console = Console(file=output, force_terminal=True, soft_wrap=True)
    line = {"severity": "INFO", "message": "a\x1b[2Jb\r\nc"}
    show_line(console, "worker", json.dumps(line))
    show_line(console, "worker", "raw \x1b[2J line")
    assert "\x1b[2J" not in output.getvalue()
    assert "a\\x1b[2Jb\\r\nc\n" in output.getvalue()  # the lines of a trace are kept
    assert r"raw \x1b[2J line" in output.getvalue()
