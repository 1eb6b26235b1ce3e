"""The local stack: it comes up whole, works, and leaves nothing behind."""

import gzip
import json
import signal
import sys
from collections.abc import Callable, Iterator
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
from ingest.local.process import Process, StackError
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
def options(tmp_path: Path, source: SourceServer) -> Callable[..., Options]:
    """Options of a stack on a small catalogue and source, its lake in memory."""
    catalogue = tmp_path / "tiny.yaml"
    catalogue.write_text(CATALOGUE)

    def make(**more: Any) -> Options:
        small: dict[str, Any] = {
            "state": tmp_path / "state",
            "catalogue": catalogue,
            "source_url": source.url,
            "backend": "memory",
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


def test_a_request_becomes_files_on_disk_and_lines_in_logs(
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


def test_what_is_stored_is_there_after_a_restart(options: Callable[..., Options]) -> None:
    with Stack(options(backend="filesystem")) as stack:
        ingest(stack, date=DAYS[0])
    # What a server leaves that was killed while writing: a file without attributes.
    torn = stack.lake / "tiny" / ".2001-01-02.csv.gz123"
    torn.write_bytes(b"half")
    with Stack(options(backend="filesystem")) as stack:
        assert [blob.name for blob in stack.bucket.list_blobs(prefix="tiny/")] == [
            f"tiny/{DAYS[0]}.csv.gz"
        ]
    assert not torn.exists()
    with Stack(options(backend="filesystem", fresh=True)) as stack:
        assert not [*stack.bucket.list_blobs()]


def test_several_workers_share_one_url(options: Callable[..., Options]) -> None:
    before = descendants()
    with Stack(options(workers=2)) as stack:
        ingest(stack, date=DAYS[0])
        workers = [p for p in descendants() - before if "worker" in p.cmdline()]
        assert len(workers) == 1 + 1 + 2  # tether, gunicorn's master, its workers


def test_extra_settings_reach_the_functions(
    options: Callable[..., Options], source: SourceServer
) -> None:
    with Stack(options(env={"LAKEFILL_CONTACT": "someone@example.org"})) as stack:
        ingest(stack, date=DAYS[0])
    assert "someone@example.org" in source.asked[0].headers["User-Agent"]


def test_the_environment_of_a_developer_does_not_reach_them(
    options: Callable[..., Options], monkeypatch: pytest.MonkeyPatch
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
    with Stack(options()) as stack:
        monkeypatch.delenv("HTTP_PROXY")
        run = ingest(stack, date=DAYS[0])
    assert run["periods"][0]["outcome"] == "stored"


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


def test_two_stacks_keep_out_of_each_others_folder(options: Callable[..., Options]) -> None:
    with (
        Stack(options()),
        pytest.raises(StackError, match="another lakefill is running"),
        Stack(options()),
    ):
        pass


def test_a_process_that_ends_by_itself_ends_the_wait(options: Callable[..., Options]) -> None:
    before = descendants()
    with Stack(options()) as stack:
        stack.check()
        [master, *_] = [
            p for p in descendants() - before if p.cmdline()[-1].endswith(stack.worker_url[-5:])
        ]
        master.kill()
        with pytest.raises(StackError, match="worker ended with status") as ended:
            stack.wait()
        assert "worker.log" in str(ended.value)
    assert gone([*(descendants() - before)])


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
run_demo(new_console(), Options(state=Path(sys.argv[1])), "2010-06")
"""


@pytest.mark.parametrize(
    "moment", ["Starting", "messages published", "stored: 4", "verified: 1", "Try next"]
)
def test_ctrl_c_leaves_no_process_and_no_partial_object(tmp_path: Path, moment: str) -> None:
    with Running("-c", DEMO, tmp_path) as demo:
        demo.wait_line(moment)
        family = demo.family()
        demo.interrupt()
        assert demo.end() in {0, 130}, demo.output  # 0: it was done already
        assert gone(family)
    assert "Traceback" not in "".join(demo.output)
    for stored in (tmp_path / "lake" / "demo").rglob("*.gz"):
        gzip.decompress(stored.read_bytes())


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_however_it_is_ended_nothing_stays(tmp_path: Path, number: int) -> None:
    with Running("-m", "ingest", "up", "--state", tmp_path, "--port", "0") as up:
        up.wait_line("a dry run")
        family = up.family()
        assert len(family) > 8
        up.process.send_signal(number)
        up.end()
        assert gone(family)
    assert "Traceback" not in "".join(up.output)


def test_the_demo_verifies_what_it_stored(tmp_path: Path) -> None:
    console = Console(record=True, width=200)
    for _ in range(2):
        run_demo(console, Options(state=tmp_path), "2010-05-05")
    said = console.export_text()
    assert "1, of 1 different SHA-256" in said
    assert f"Removed {tmp_path}/lake/demo/" in said


def test_the_demo_fails_where_a_file_is_missing(
    options: Callable[..., Options], source: SourceServer
) -> None:
    source.replies.pop(f"/tiny/{DAYS[1]}.csv")
    with pytest.raises(DemoError, match="1 of 31 files were not stored"):
        run_demo(Console(quiet=True), options(), "2001-01")
