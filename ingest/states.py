"""How the states of coverage are shown: a glyph each, and which stands for several."""

from ingest.coverage import State

# Letters and shapes that tell states apart without colour; the terminal and the page agree.
GLYPHS: dict[State, str] = {
    "stored": "\N{BLACK SQUARE}",
    "revised": "\N{BLACK DIAMOND}",
    "awaiting": "\N{WHITE CIRCLE}",
    "late": "L",
    "failed": "F",
    "rejected": "R",
    "known_gap": "-",
    "not_due": "\N{MIDDLE DOT}",
}
# Where periods share a place, the first of these is shown.
WORST_FIRST: list[State] = [
    *("failed", "rejected", "late", "awaiting", "revised", "stored", "known_gap", "not_due")
]
