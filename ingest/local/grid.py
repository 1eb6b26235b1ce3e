"""A feed's periods as a grid of one character each. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from rich.text import Text

from ingest.calendar import Cadence
from ingest.coverage import MISSING, State
from ingest.states import GLYPHS, WORST_FIRST

STYLES: dict[State, str] = {
    "stored": "green",
    "revised": "yellow",
    "awaiting": "cyan",
    **dict.fromkeys(("late", "failed", "rejected"), "bold red"),
    **dict.fromkeys(("known_gap", "not_due"), "bright_black"),
}


@dataclass(frozen=True, slots=True)
class Cell:
    """A period by its key, and its state."""

    key: str
    state: State


def grid(
    cadence: Cadence, cells: Iterable[Cell], *, every_row: bool
) -> tuple[Text | None, int]:
    """Return the grid, None where no row is left, and how many rows are left out.

    Weeks, months and years have a row a year (or a decade), days a row a month, hours a row a
    day; of the last two, only those that lack something, unless `every_row`.
    """
    rows: dict[str, dict[int, State]] = {}
    for cell in cells:
        row, column = _place(cadence, cell.key)
        places = rows.setdefault(row, {})
        places[column] = min(places.get(column, cell.state), cell.state, key=WORST_FIRST.index)
    shown = rows
    if cadence in {"day", "hour"} and not every_row:
        shown = {name: row for name, row in rows.items() if MISSING & {*row.values()}}
    if not shown:
        return None, len(rows)
    width = max(map(len, shown)) + 2
    text = Text(f"{'':{width}}{_HEADERS[cadence]}".rstrip(), style="dim")
    for name, places in shown.items():
        text.append(f"\n{name:{width}}", style="not dim")
        for column in range(max(places) + 1):
            state = places.get(column)
            if state is None:
                text.append(" ")
            else:
                text.append(GLYPHS[state], style=f"not dim {STYLES[state]}")
    return text, len(rows) - len(shown)


def _place(cadence: Cadence, key: str) -> tuple[str, int]:
    """Return the name of a period's row, and its column from 0."""
    match cadence:
        case "hour":
            return key[:10], int(key[11:13])
        case "day":
            return key[:7], int(key[8:10]) - 1
        case "week":
            return key[:4], (date.fromisoformat(key).timetuple().tm_yday - 1) // 7
        case "month":
            return key[:4], int(key[5:7]) - 1
        case "year":
            return f"{key[:3]}0", int(key[3])


def _ruler(marks: dict[int, str]) -> str:
    """Return a line with these words at these columns."""
    line = ""
    for column, word in marks.items():
        line = line.ljust(column) + word
    return line


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_HEADERS: dict[Cadence, str] = {
    "hour": _ruler({0: "0", 6: "6", 12: "12", 18: "18"}),
    "day": _ruler({0: "1", 9: "10", 19: "20", 29: "30"}),
    "week": _ruler(
        {date(2023, n, 1).timetuple().tm_yday // 7: m for n, m in enumerate(_MONTHS, 1)}
    ),
    "month": "JFMAMJJASOND",
    "year": "0123456789",
}
