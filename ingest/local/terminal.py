"""Output for people: styled in a terminal, plain lines anywhere else."""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

_LEAST_WIDTH = 240
_PLAIN_SECONDS = 5.0
_LONGEST_BAR = 40
_SHORTEST_BAR = 4


def new_console() -> Console:
    """Return the console of standard output; lines are left for the terminal to break."""
    styled = False if os.environ.get("NO_COLOR") else None  # None: as it finds
    console = Console(
        force_terminal=styled, highlight=False, markup=False, emoji=False, soft_wrap=True
    )
    console.width = max(console.width, _LEAST_WIDTH)
    return console


def new_table(*columns: str) -> Table:
    """Return a table without lines, its headers in bold."""
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(column, no_wrap=column != "title")
    return table


def print_pairs(console: Console, pairs: Iterable[tuple[str, str]]) -> None:
    """Print names and values, each pair a line, so that values can be copied whole."""
    pairs = list(pairs)
    width = max(len(name) for name, _ in pairs) + 3
    for name, value in pairs:
        console.print(f"  {name:<{width}}{value}")


@contextmanager
def progress(console: Console, label: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show how many of `total` are done; gives the function to tell it by."""
    if not console.is_terminal or console.is_dumb_terminal:
        yield _lines(console, label, total)
        return
    width, console.width = console.width, Console().width  # what is drawn over must fit
    try:
        columns = _columns(console.width - len(label) - 2 * len(str(total)))
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task(label, total=total)
            yield lambda done: bar.update(task, completed=done)
    finally:
        console.width = width


def _columns(room: int) -> tuple[ProgressColumn, ...]:
    """Return what fits beside a label and its counts; a bar is the first to go."""
    text = TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn()
    bar = min(room - len("/ 0:00:00") - len(text), _LONGEST_BAR)
    return (text[0], BarColumn(bar), *text[1:]) if bar >= _SHORTEST_BAR else text


def _lines(console: Console, label: str, total: int) -> Callable[[int], None]:
    """Tell now and then, and at the end."""
    told, last = -1, float("-inf")

    def tell(done: int) -> None:
        nonlocal told, last
        due = time.monotonic() >= last + _PLAIN_SECONDS
        if done != told and (due or done == total):
            told, last = done, time.monotonic()
            console.print(f"{label}: {done:,} of {total:,}")

    return tell


def shown(path: Path) -> str:
    """Return a path as it is shortest from the current folder."""
    path, here = path.absolute(), Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
