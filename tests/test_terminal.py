"""Progress in terminals of any width, on a real pseudo-terminal."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios

import pytest

from tests.support.command import environment

_CONTROLS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")

PROGRESS = """
from ingest.local.terminal import new_console, progress
console = new_console()
with progress(console, "verified", 12_345) as tell:
    for done in range(0, 12_346, 823):
        tell(done)
console.print("a line of the end " * 6)
"""


def shown(script: str, columns: int) -> str:
    """Run a script in a terminal so wide, and return what it writes there."""
    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    env = environment(TERM="xterm-256color")
    env = {k: v for k, v in env.items() if k not in {"COLUMNS", "LINES", "NO_COLOR"}}
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=child, stdout=child, stderr=child, env=env
    ) as process:
        os.close(child)
        read = b""
        try:
            while piece := os.read(parent, 65536):
                read += piece
        except OSError:  # Linux's way to say that the other end is closed
            pass
        assert process.wait(30) == 0, read.decode()
    os.close(parent)
    return read.decode()


@pytest.mark.parametrize("columns", [20, 40, 60, 80, 200])
def test_progress_stays_on_one_line(columns: int) -> None:
    output = shown(PROGRESS, columns)
    drawn, _, last = output.rpartition("a line of the end " * 6)
    lines = [_CONTROLS.sub("", line) for line in re.split(r"[\r\n]+", drawn)]
    assert max(map(len, lines)) <= columns
    assert any("verified" in line for line in lines)
    assert last.endswith("\r\n")


def test_progress_shows_bar_count_and_time_where_there_is_room() -> None:
    for columns in (40, 60, 80):
        line = _CONTROLS.sub("", shown(PROGRESS, columns))
        assert re.search(r"verified \S+ +0/12345 +0:00:\d\d", line), (columns, line)
