"""The local stack: it comes up whole, works, and leaves nothing behind."""

import gzip
import json
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
from rich.console import Console

from ingest.errors import ConfigurationError
from ingest.local import stack as stack_module
from ingest.local import storage
from ingest.local.demo import DemoError, run_demo
from ingest.local.options import Options
from ingest.local.process import CHECKOUT, Process, StackError
from ingest.local.stack import Stack
from tests.support.command import Running, gone
from tests.support.function import until
from tests.support.source_server import Reply, SourceServer

CATALOGUE = """
tiny:
  url: http://data.example.org/tiny/{date:%Y-%m-%d}.csv
  object: tiny/{date:%Y-%m-%d}.csv.gz
  cadence: day
  first: 2000-01-01
"""
DAYS = ("2001-01-01", "2001-01-02", "2001-01-03")


@pytest.fixture
def source() -> Iterator[SourceServer]:
    with SourceServer() as source:
        for day in DAYS:
            source.replies[f"/tiny/{day}.csv"] = Reply(f"day\n{day}\n".encode())
        yield source


@pytest.fixture
def options(
    tmp_path: Path, source: SourceServer, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Options]:
    """Options of a stack on a small catalogue and source, its lake in memory."""
    catalogue = tmp_path / "tiny.yaml"
    catalogue.write_text(CATALOGUE)

    monkeypatch.chdir(CHECKOUT / "ingest")  # from where calendar is ours

    def make(backend: str = "memory", **more: Any) -> Options:
        small: dict[str, Any] = {
            "state": tmp_path / "state",
            "catalogue": catalogue,
            "source_url": source.url,
            "backend": backend,
        }
        return Options(**small | more)

    return make


def ingest(stack: Stack, **question: str) -> dict[str, Any]:
    """Ask for periods and wait for their outcomes."""
    with requests.Session() as session:
        answer = session.post(stack.url, json=question, timeout=30)
        assert answer.status_code == 202, answer.text
        run = stack.url + answer.headers["Location"]
        until(lambda: session.get(run, timeout=30).json()["done"])
        outcomes: dict[str, Any] = session.get(run, timeout=30).json()
        return outcomes


def descendants() -> set[psutil.Process]:
    return {*psutil.Process().children(recursive=True)}


def test_a_request_becomes_files_that_stay_and_lines_in_logs(
    options: Callable[..., Options],
) -> None:
    before = descendants()
    with Stack(options(backend="filesystem")) as stack:
        run = ingest(stack, start=DAYS[0], end=DAYS[-1])
        started = descendants() - before
    assert [p["outcome"] for p in run["periods"]] == ["stored"] * 3
    for day in DAYS:
        stored = stack.lake / "tiny" / f"{day}.csv.gz"
        assert gzip.decompress(stored.read_bytes()) == f"day\n{day}\n".encode()
    lines = [json.loads(line) for line in stack.log("worker").read_text().splitlines()]
    stored_lines = [line for line in lines if line.get("event") == "period_stored"]
    assert sorted(line["period"] for line in stored_lines) == [*DAYS]
    # A tether, a server and gunicorn's master and worker: of two functions and the storage.
    assert len(started) >= 8
    assert gone([*started])

    # What a server leaves that was killed while writing: a file without attributes.
    torn = stack.lake / "tiny" / ".2001-01-04.csv.gz123"
    torn.write_bytes(b"half")
    with Stack(options(backend="filesystem")) as stack:
        names = [blob.name for blob in stack.bucket.list_blobs(prefix="tiny/")]
        assert names == [f"tiny/{day}.csv.gz" for day in DAYS]
    assert not torn.exists()


def tethers(target: str) -> list[psutil.Process]:
    """The stack's own process for a function; other tests' functions run here as well."""
    return [
        process
        for process in psutil.Process().children()
        if target in (command := process.cmdline())
        and any("tether" in part for part in command)
    ]


def test_options_and_no_more_than_these_reach_the_functions(
    options: Callable[..., Options], source: SourceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "DEBUG": "1",
        "FUNCTION_SIGNATURE_TYPE": "cloudevent",
        "GOOGLE_APPLICATION_CREDENTIALS": "/nowhere",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "STORAGE_EMULATOR_HOST": "http://127.0.0.1:9",
        "LAKEFILL_BUCKET": "another",
    }.items():
        monkeypatch.setenv(name, value)
    made = options(workers=2, env={"LAKEFILL_CONTACT": "someone@example.org"})
    with Stack(made) as stack:
        monkeypatch.delenv("HTTP_PROXY")
        assert ingest(stack, date=DAYS[0])["periods"][0]["outcome"] == "stored"
        [tether] = tethers("worker")
        assert len(tether.children(recursive=True)) == 1 + 2  # gunicorn's master, its workers
        with pytest.raises(StackError, match="another lakefill is running"), Stack(made):
            pass
    assert "someone@example.org" in source.asked[0].headers["User-Agent"]


def test_what_the_machine_lacks_is_said_before_anything_starts(
    options: Callable[..., Options],
    tmp_path: Path,
    source: SourceServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = descendants()

    def refusal(**more: Any) -> str:
        with pytest.raises((StackError, ConfigurationError)) as refused, Stack(options(**more)):
            pass
        return str(refused.value)

    file = tmp_path / "file"
    file.touch()
    assert "choose another folder by --state" in refusal(state=file)
    assert "choose another folder by --state" in refusal(state=file / "below")
    said = refusal(port=source.server_port)
    assert f"port {source.server_port} cannot be listened on (Address already in use)" in said
    assert "choose another one by --port" in said
    assert "cannot be read" in refusal(catalogue=tmp_path / "none.yaml")
    with monkeypatch.context() as patch:
        patch.setattr(storage, "find_spec", lambda _: None)
        said = refusal()
        assert "There is no fake-gcs-server" in said
        assert "container of Linux" in said
    with monkeypatch.context() as patch:
        patch.setattr(stack_module, "CHECKOUT", tmp_path)
        assert "runs from a checkout" in refusal()
    assert descendants() == before


def test_a_process_that_ends_by_itself_ends_the_wait(options: Callable[..., Options]) -> None:
    with Stack(options()) as stack:
        stack.check()
        [tether] = tethers("worker")
        family = tether.children(recursive=True)
        family[0].kill()
        with pytest.raises(StackError, match="worker ended with status") as ended:
            stack.wait()
        assert "worker.log" in str(ended.value)
    assert gone(family)


def test_a_process_that_cannot_start_tells_why(tmp_path: Path) -> None:
    process = Process("thing", ["/no/such/thing"], log=tmp_path / "thing.log")
    with pytest.raises(StackError, match="/no/such/thing: No such file or directory"):
        process.wait_until(lambda: False)
    process.stop()


def test_a_process_that_will_not_end_is_made_to(tmp_path: Path) -> None:
    script = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True)"
    script += "; time.sleep(99)"
    lines: list[str] = []
    process = Process(
        "deaf",
        [sys.executable, "-c", script],
        log=tmp_path / "deaf.log",
        on_line=lambda _, line: lines.append(line),
    )
    process.wait_until(lambda: bool(lines))
    family = psutil.Process(process.pid).children()
    process.stop()
    assert gone(family)


DEMO = """
import sys
from pathlib import Path
from ingest.local.demo import run_demo
from ingest.local.options import Options
from ingest.local.signals import exit_on_signals
from ingest.local.terminal import new_console
exit_on_signals()
state, catalogue, url = sys.argv[1:]
options = Options(state=Path(state), catalogue=Path(catalogue), source_url=url)
run_demo(new_console(), options, "2000-01")
"""


@pytest.mark.parametrize("moment", ["bringing up", "downloading", "verifying"])
def test_ctrl_c_leaves_no_process_and_no_partial_object(
    options: Callable[..., Options], source: SourceServer, moment: str
) -> None:
    path = "/tiny/2000-01-02.csv"
    hold = threading.Event()
    whole, held = Reply(b"the whole"), Reply(b"half", hold=hold)
    days = (f"{date(2000, 1, 1) + timedelta(days=n)}" for n in range(31))
    source.replies = {f"/tiny/{day}.csv": whole for day in days}
    source.replies[path] = [whole, held] if moment == "verifying" else whole
    if moment == "downloading":
        source.replies[path] = held
    made = options()
    with Running("-c", DEMO, made.state, made.catalogue, source.url) as demo:
        match moment:
            case "bringing up":
                demo.wait_line("Starting")
            case "downloading":
                source.wait_asked(path, 1)
            case "verifying":
                source.wait_asked(path, 2)
        family = demo.family()
        demo.interrupt()
        if moment == "verifying":  # it reads on to the end of what it compares
            hold.set()
        assert demo.end() == 130, demo.output
        assert gone(family)
    hold.set()
    assert "Traceback" not in "".join(demo.output)
    for stored in (made.state / "lake" / "demo" / "tiny").glob("*"):
        assert gzip.decompress(stored.read_bytes()) == whole.body


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_however_it_is_ended_nothing_stays(tmp_path: Path, number: int) -> None:
    with Running("-m", "ingest", "up", "--state", tmp_path, "--port", "0") as up:
        up.wait_line("a dry run")
        family = up.family()
        assert len(family) > 8
        up.process.send_signal(number)
        up.end()
        assert gone(family)
    assert "Traceback" not in "".join(up.output)


def test_the_demo_starts_anew_and_verifies(
    options: Callable[..., Options], source: SourceServer
) -> None:
    console = Console(record=True, width=200)
    made = options(backend="filesystem")
    for _ in range(2):
        run_demo(console, made, DAYS[0])
    said = console.export_text()
    assert said.count("1, of 1 different SHA-256") == 2
    assert said.count(f"Removed {made.state}/lake/demo/") == 1
    agents = {asked.headers["User-Agent"] for asked in source.asked}
    assert all(agent.startswith("lakefill/") for agent in agents), agents


def test_the_demo_fails_where_a_file_is_missing_or_differs(
    options: Callable[..., Options], source: SourceServer
) -> None:
    with pytest.raises(DemoError, match="1 of 1 files were not stored"):
        run_demo(Console(quiet=True), options(), "2001-01-04")
    source.replies[f"/tiny/{DAYS[0]}.csv"] = [Reply(b"as it was"), Reply(b"as it is")]
    with pytest.raises(DemoError, match=f"not what the source serves: tiny/{DAYS[0]}.csv.gz"):
        run_demo(Console(quiet=True), options(), DAYS[0])


def test_torn_files_are_told_from_objects_that_lie_beside_their_attributes(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "bucket" / "folder"
    folder.mkdir(parents=True)
    # So the server keeps attributes where the filesystem has none of its own.
    files = [folder / name for name in ("whole", "whole.metadata", ".torn123")]
    files.append(tmp_path / "bucket.bucketMetadata")
    for file in files:
        file.touch()
    storage.remove_torn_files(tmp_path)
    assert [file.name for file in files if not file.exists()] == [".torn123"]


LOST = """
import os, signal
from ingest.local.signals import check_signals, exit_on_signals
class Thing:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
exit_on_signals()
check_signals()
Thing()
"""


def test_a_signal_is_not_lost_where_its_exception_is() -> None:
    for end, status in (("", 0), ("check_signals()", 143)):
        with Running("-c", LOST + end) as lost:
            assert lost.end() == status
