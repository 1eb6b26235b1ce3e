"""docs/feeds.md, followed as somebody new would: its first entry, tried on the local stack."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from ingest.cli import main
from ingest.local.options import Options
from ingest.local.stack import Stack
from tests.support.source_server import Reply, SourceServer
from tests.test_feeds_docs import BLOCKS, PAGE

CONTACT = "https://example.org/lake"
DAY = "2026-03-01"
PATH = f"/data/subwaydatanyc_{DAY}_csv.tar.xz"
CONTENT = b"\xfd7zXZ\0" + bytes(range(256)) * 40


def test_the_first_entry_gives_a_working_feed(tmp_path: Path) -> None:
    catalogue = tmp_path / "my.yaml"
    catalogue.write_text(BLOCKS[0], "utf-8")
    runner = CliRunner()
    listed = runner.invoke(main, ["feeds", "--feeds", str(catalogue)])
    assert listed.exit_code == 0, listed.output
    assert "movements" in listed.output
    [command] = [
        line.partition("`lakefill backfill")[2].partition("`")[0].split()
        for line in PAGE.splitlines()
        if "`lakefill backfill" in line
    ]
    with SourceServer() as source:
        source.replies[PATH] = Reply(CONTENT)
        options = Options(
            state=tmp_path / "state",
            catalogue=catalogue,
            source_url=source.url,
            env={"LAKEFILL_CONTACT": CONTACT},
        )
        with Stack(options) as stack:
            for expected in ("stored    1", "0 dispatched, 1 skipped (1 stored)"):
                done = runner.invoke(main, ["backfill", *command, "--url", stack.url])
                assert done.exit_code == 0, done.output
                assert expected in done.output
            forced = runner.invoke(main, ["backfill", *command, "--force", "--url", stack.url])
            assert "unchanged   1" in forced.output
            missing = runner.invoke(
                main, ["backfill", "--feed", "movements", "2026-03-02", "--url", stack.url]
            )
            assert missing.exit_code == 1
            assert "absent" in missing.output
            stored = stack.lake / "movements" / "2026" / f"subwaydatanyc_{DAY}_csv.tar.xz"
            assert stored.read_bytes() == CONTENT
        agents = {asked.headers["User-Agent"] for asked in source.asked}
    [agent] = agents
    assert agent.startswith("lakefill/")
    assert agent.endswith(f"(+{CONTACT})")


@pytest.mark.parametrize("option", ["--real-source", "--feeds"])
def test_the_options_that_the_page_names_are_there(option: str) -> None:
    assert option in PAGE
    assert option in CliRunner().invoke(main, ["up", "--help"]).output
