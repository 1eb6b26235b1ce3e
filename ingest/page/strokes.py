"""Periods as strokes of SVG paths, a path a state: some bytes for a run of any length. Pure."""

from collections.abc import Iterable, Sequence
from itertools import groupby, pairwise

from ingest.coverage import PeriodCoverage, State
from ingest.states import WORST_FIRST

_BAR_PARTS = 100


def strokes(rows: Iterable[Sequence[State | None]]) -> dict[State, str]:
    """Return each state's path: horizontal strokes, one unit a period, a row a unit apart."""
    paths: dict[State, list[str]] = {}
    pens: dict[State, tuple[int, int]] = {}
    for y, row in enumerate(rows):
        x = 0
        for state, group in groupby(row):
            length = sum(1 for _ in group)
            if state is not None:
                # Relative moves: half the bytes where every other hour is missing.
                pen_x, pen_y = pens.get(state, (0, 0))
                paths.setdefault(state, []).append(f"m{x - pen_x} {y - pen_y}h{length}")
                pens[state] = x + length, y
            x += length
    return {state: "".join(parts) for state, parts in paths.items()}


def bar(periods: Sequence[PeriodCoverage]) -> tuple[int, dict[State, str]]:
    """Return how long a bar of all periods is, and its paths.

    Where there are more periods than parts, a part shows the worst of those it stands for.
    """
    parts = min(len(periods), _BAR_PARTS)
    bounds = [n * len(periods) // parts for n in range(parts + 1)] if parts else []
    worst = [
        min((_plain(p.state) for p in periods[start:end]), key=WORST_FIRST.index)
        for start, end in pairwise(bounds)
    ]
    return parts, strokes([worst])


def _plain(state: State) -> State:
    # A bar is about what there is: one revision would colour the part of a thousand hours.
    return "stored" if state == "revised" else state
