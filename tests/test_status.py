"""`lakefill status` and `backfill --missing`, run as a person runs them."""

import io
import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from ingest.coverage import State
from ingest.local.grid import Cell, grid
from ingest.local.status import show
from ingest.states import GLYPHS
from tests.support.auditing import TODAY, Auditing, days_ago
from tests.support.command import lakefill
from tests.support.function import FunctionProcess, envelope
from tests.support.source_server import Reply

pytest_plugins = "tests.support.audit_fixtures"


def test_all_is_well(a: Auditing) -> None:
    a.fill()
    shown = lakefill("status", "--url", a.process.url)
    assert (shown.returncode, shown.stderr) == (0, "")
    lines = shown.stdout.splitlines()
    assert lines[0].startswith(f"As of {TODAY.year}-")
    [row] = [line.split() for line in lines if line.startswith("ended  ")]
    assert row == ["ended", "7", "7", "0", "0", "0", "0", "none", "2012-11-01", "none"]
    assert "2012       ■■■■■■" in shown.stdout
    assert "\x1b" not in shown.stdout
    assert "rows lack nothing (--year shows them)" in shown.stdout


def test_what_is_amiss_is_shown_with_its_reason_and_makes_the_status_1(
    a: Auditing, audited_worker: FunctionProcess
) -> None:
    a.fill()
    rejected, late = days_ago(6), days_ago(8)
    for key in (rejected, late):
        a.world.bucket.blob(a.name("days", key)).delete()
    a.world.put(f"/days/{rejected}.csv", Reply(b"", 403))
    message = {"v": 1, "feed": "days", "period": rejected, "run": "r", "mode": "fetch"}
    audited_worker.post(json=envelope(message))
    shown = lakefill("status", "--feed", "days", LAKEFILL_URL=a.process.url)
    assert shown.returncode == 1
    months = {line[:7]: line[9:] for line in shown.stdout.splitlines() if line[4:5] == "-"}
    for key, glyph in ((rejected, "R"), (late, "L")):
        assert months[key[:7]][int(key[8:]) - 1] == glyph
    [line] = [line for line in shown.stdout.splitlines() if line.startswith("days   20")]
    assert line.split()[1:5] == [rejected, "rejected", "status", "1"]
    assert "403" in line

    told = json.loads(lakefill("status", "--json", "--url", a.process.url).stdout)
    assert [feed["feed"] for feed in told["feeds"]] == [
        f.name for f in a.catalogue.values() if f.enabled
    ]
    [period] = [p for p in told["feeds"][0]["periods"] if p["period"] == rejected]
    assert period["last_error"]["reason"] == "status"


def test_of_a_feed_that_is_not_enabled_nothing_is_due(a: Auditing) -> None:
    [off] = [feed.name for feed in a.catalogue.values() if not feed.enabled]
    shown = lakefill("status", "--feed", off, "--url", a.process.url)
    [row] = [line for line in shown.stdout.splitlines() if line.startswith(f"{off}  ")]
    assert row.split()[-1] == "none"


def test_a_year_that_is_whole_is_well_whatever_else_is_not(a: Auditing) -> None:
    a.fill("ended")
    a.world.bucket.blob(a.name("ended", "2012-07-01")).delete()
    year = ("--feed", "ended", "--url", a.process.url, "--year")
    whole = lakefill("status", *year, "2009")
    assert whole.returncode == 0
    assert "2009             ■" in whole.stdout
    assert "2012 " not in whole.stdout
    assert lakefill("status", *year, "2012").returncode == 1


def test_what_a_failure_says_does_not_steer_the_terminal(a: Auditing) -> None:
    a.fill()
    record = {"outcome": "rejected", "reason": "html", "message": "\x1b[31m\x07 red"}
    name = f"_lakefill/failures/days/{days_ago(3)}.json"
    a.world.bucket.blob(name).upload_from_string(json.dumps(record))
    shown = lakefill("status", "--feed", "days", "--url", a.process.url)
    assert shown.returncode == 0  # it is stored; only its recheck failed
    assert "\x1b" not in shown.stdout
    assert "�[31m� red" in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["status", "--feed", "nope"], "the feeds are days"),
        (["status", "--year", "23"], "not in the range"),
        (["backfill", "--missing", "--force"], "--missing goes without --force"),
        (["backfill", "--missing", "2023", "--start", "2022"], "goes without --start"),
        (["backfill", "--missing", "2023-02-30"], "expected a day like 2023-06-03"),
        (["backfill", "--missing", "--feed", "nope"], "the feeds are days"),
    ],
    ids=str,
)
def test_what_can_be_asked_otherwise_makes_the_status_2(
    a: Auditing, arguments: list[str], said: str
) -> None:
    refused = lakefill(*arguments, LAKEFILL_URL=a.process.url)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert said in refused.stderr
    assert "Traceback" not in refused.stderr


def test_backfill_of_what_is_missing_asks_for_that_alone(a: Auditing) -> None:
    missing = [days_ago(n) for n in (12, 9, 4)]
    a.fill()
    for key in missing:
        a.world.bucket.blob(a.name("days", key)).delete()
    command = ("backfill", "--missing", "--timeout", "0", "--url", a.process.url)
    planned = lakefill(*command, "--dry-run")
    rows = [line.split() for line in planned.stdout.splitlines()]
    assert [row[0] for row in rows if row[1:2] == ["dispatch"]] == missing
    assert "days: 3 to dispatch, 6 skipped (6 stored)" in planned.stdout
    assert a.dispatched() == {}
    some = lakefill(*command, "--start", days_ago(9), "--end", days_ago(5))
    assert "days: 1 dispatched, 4 skipped (4 stored)" in some.stdout
    assert a.dispatched() == {"days": [days_ago(9)]}
    lakefill(*command)
    assert a.dispatched() == {"days": missing}


def test_backfill_of_what_is_missing_where_nothing_is(a: Auditing) -> None:
    a.fill("ended")
    skipped = "ended: 0 dispatched, 6 skipped (6 stored)"
    for arguments, said in (
        ((), "Nothing is missing."),
        (("--end", "2011"), "Nothing is missing."),
        (("2012",), skipped),
    ):
        done = lakefill(
            *("backfill", "--missing", "--feed", "ended", "--url", a.process.url), *arguments
        )
        assert (done.returncode, done.stdout) == (0, f"{said}\n")


def test_what_lies_before_keep_from_is_missing_where_it_is_asked_for(
    a: Auditing, tmp_path: Path
) -> None:
    text = Path(a.world.env["LAKEFILL_FEEDS"]).read_text()
    feeds = tmp_path / "feeds.yaml"
    feeds.write_text(text.replace("2012-06-01\n", "2012-06-01\n  keep_from: 2012-08-01\n"))
    a.store("ended", *(key for key in a.due("ended") if key > "2012-06-01"))
    command = ("backfill", "--missing", "--dry-run", "--feed", "ended")
    with FunctionProcess("dispatch", a.world.env | {"LAKEFILL_FEEDS": str(feeds)}) as process:
        asked = lakefill(*command, "2012", LAKEFILL_URL=process.url)
        unasked = lakefill(*command, LAKEFILL_URL=process.url)
    assert "ended: 1 to dispatch, 5 skipped (5 stored)" in asked.stdout
    assert unasked.stdout == "Nothing is missing.\n"


def test_of_many_failures_the_missing_and_then_the_newest_are_shown() -> None:
    error = {"reason": "status", "message": "", "attempts": 1, "next_retry": None}

    def a_feed(name: str, year: int, state: str) -> dict[str, object]:
        days = [date(year, 1, 1) + timedelta(days=n) for n in range(15)]
        periods = [{"period": str(day), "state": state, "last_error": error} for day in days]
        counts = dict.fromkeys(("expected", "stored", "awaiting", "late", "failed"), 0)
        marks = dict.fromkeys(("oldest_missing", "newest_stored", "next_due", "next_due_at"))
        words = {"feed": name, "cadence": "day", "rejected": 15, "periods": periods}
        return {**words, **counts, **marks}

    feeds = [a_feed("new", 2023, "rejected"), a_feed("old", 2001, "rejected")]
    feeds.append(a_feed("kept", 2024, "stored"))
    output = io.StringIO()
    show(Console(file=output, width=200), {"as_of": "now", "feeds": feeds}, every_row=False)
    rows = [line.split()[:2] for line in output.getvalue().splitlines() if "status" in line]
    new = [["new", f"2023-01-{day:02}"] for day in range(15, 0, -1)]
    assert rows == [*new, *(["old", f"2001-01-{day:02}"] for day in range(15, 10, -1))]
    assert "and 25 more (--json has all)" in output.getvalue()


def cells(keys: list[str], state: Callable[[int], State]) -> list[Cell]:
    return [Cell(key, state(n)) for n, key in enumerate(keys)]


def drawn(text: object) -> list[str]:
    return str(text).splitlines()


def test_every_week_of_a_year_has_a_place_of_its_own() -> None:
    for weekday in range(7):
        first = date(2010, 1, 1) + timedelta(days=weekday)
        weeks = [str(first + timedelta(weeks=n)) for n in range(14 * 52)]
        text, left_out = grid("week", cells(weeks, lambda _: "stored"), every_row=False)
        assert left_out == 0
        assert str(text).count(GLYPHS["stored"]) == len(weeks)
        assert max(map(len, drawn(text))) <= 6 + 53


def test_rows_that_lack_nothing_are_left_out_of_long_grids() -> None:
    hours = [f"2023-06-{d:02}T{h:02}" for d in range(1, 11) for h in range(24)]
    some = cells(hours, lambda n: "late" if n == 30 else "stored")
    text, left_out = grid("hour", some, every_row=False)
    assert drawn(text)[1:] == ["2023-06-02  ■■■■■■L" + "■" * 17]
    assert left_out == 9
    text, left_out = grid("hour", some, every_row=True)
    assert (len(drawn(text)), left_out) == (11, 0)
    text, left_out = grid("hour", cells(hours, lambda _: "stored"), every_row=False)
    assert (text, left_out) == (None, 10)


def test_months_and_years_and_the_worst_of_one_place() -> None:
    months = [Cell("2023-02-01", "stored"), Cell("2023-02-10", "failed")]
    text, _ = grid("month", months, every_row=False)
    assert drawn(text) == ["      JFMAMJJASOND", "2023   F"]
    text, _ = grid(
        "year", [Cell("2019-01-01", "revised"), Cell("2020-01-01", "not_due")], every_row=False
    )
    assert drawn(text)[1:] == ["2010           ◆", "2020  ·"]
