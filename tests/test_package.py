"""The functions' archive: what is in it, and that it is the same each time."""

import os
import zipfile
from pathlib import Path

import pytest

from deploy.package import ROOT, archive, deployed, write


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout in small."""
    for name in (
        *("main.py", "requirements.txt", "README.md", "tests/test_x.py", "build/old.txt"),
        *("ingest/__init__.py", "ingest/feeds.yaml", "ingest/cli.py", "ingest/__main__.py"),
        *("ingest/cli_more.py", "ingest/client.py"),
        *("ingest/page/page.html", "ingest/local/stack.py", "ingest/.secret"),
        *("ingest/page/page.css", "ingest/page/page.js"),
        *("ingest/notes.txt", "ingest/feeds.yaml.orig", "ingest/key.json"),
        *("ingest/__pycache__/x.pyc", "ingest/page/__pycache__/y.pyc"),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


def test_only_what_is_deployed_is_in_it(checkout: Path) -> None:
    assert sorted(deployed(checkout)) == [
        "ingest/__init__.py",
        "ingest/client.py",
        "ingest/feeds.yaml",
        "ingest/page/page.css",
        "ingest/page/page.html",
        "ingest/page/page.js",
        "main.py",
        "requirements.txt",
    ]


def test_of_this_checkout_neither_command_line_nor_local_stack_nor_tests_are_in_it() -> None:
    names = {*deployed(ROOT)}
    assert {
        "main.py",
        "requirements.txt",
        "ingest/app.py",
        "ingest/delivery.py",
        "ingest/feeds.yaml",
    } <= names
    assert not [n for n in names if n.startswith(("tests", "deploy", "ingest/local"))]
    assert not {"ingest/cli.py", "ingest/__main__.py"} & names


def test_nothing_that_is_deployed_imports_what_is_not() -> None:
    for name in deployed(ROOT):
        text = (ROOT / name).read_text("utf-8")
        assert "ingest.local" not in text, name
        assert "ingest.cli" not in text, name


def test_times_modes_and_order_on_disk_do_not_show(checkout: Path) -> None:
    before = archive(checkout)
    os.utime(checkout / "main.py", (1, 1))
    (checkout / "main.py").chmod(0o600)
    (checkout / "requirements.txt").rename(checkout / "r")
    (checkout / "r").rename(checkout / "requirements.txt")
    assert archive(checkout) == before
    (checkout / "main.py").write_text("other")
    assert archive(checkout) != before


def test_it_is_named_by_its_hash_and_replaces_an_older_one(checkout: Path) -> None:
    first = write(checkout)
    assert write(checkout) == first
    (checkout / "main.py").write_text("other")
    second = write(checkout)
    assert second != first
    assert [*(checkout / "build").glob("*.zip")] == [second]
    with zipfile.ZipFile(second) as file:
        assert file.testzip() is None
        assert file.read("main.py") == b"other"
