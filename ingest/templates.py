"""URL and object templates: `{date:%y%m%d}`, `{start:...}` and `{end:...}`. Pure.

A template is read once, when the catalogue is loaded: only these three fields, only strftime
directives of known shape, no attribute access, nothing of a message. What it cannot express
cannot end up in a URL or an object's name.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from string import Formatter

FIELDS = ("date", "start", "end")

_DIGITS = frozenset("0123456789")
_LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
# What a directive may write: its characters, and how many at least and at most.
_SHAPES: dict[str, tuple[frozenset[str], int, int]] = {
    "%Y": (_DIGITS, 4, 4),
    "%y": (_DIGITS, 2, 2),
    "%m": (_DIGITS, 2, 2),
    "%d": (_DIGITS, 2, 2),
    "%j": (_DIGITS, 3, 3),
    "%H": (_DIGITS, 2, 2),
    "%-H": (_DIGITS, 1, 2),
    "%M": (_DIGITS, 2, 2),
    "%S": (_DIGITS, 2, 2),
    "%G": (_DIGITS, 4, 4),
    "%V": (_DIGITS, 2, 2),
    "%U": (_DIGITS, 2, 2),
    "%W": (_DIGITS, 2, 2),
    "%u": (_DIGITS, 1, 1),
    "%w": (_DIGITS, 1, 1),
    "%I": (_DIGITS, 2, 2),
    "%p": (_LETTERS, 2, 2),
    "%b": (_LETTERS, 3, 3),
    "%B": (_LETTERS, 3, 9),
    "%a": (_LETTERS, 3, 3),
    "%A": (_LETTERS, 6, 9),
}
_DIRECTIVE = re.compile(r"%-?.|%")
# Those that are a number of the time itself: written without strftime, which is slow (coverage
# of 100,000 hours took twice as long, measured), and has %-H on glibc alone.
_NUMBERS = {
    "%Y": "year:04",
    "%m": "month:02",
    "%d": "day:02",
    "%H": "hour:02",
    "%-H": "hour",
    "%M": "minute:02",
    "%S": "second:02",
}


@dataclass(frozen=True, slots=True)
class Template:
    """A template in parts, (literal text, field or "", strftime format), and as a format.

    `form` is for str.format, with the times of FIELDS as its arguments.
    """

    text: str
    parts: tuple[tuple[str, str, str], ...]
    form: str

    @classmethod
    def parse(cls, text: str) -> "Template":
        """Read a template; raise ValueError that says what is wrong and what would be right."""
        try:
            parsed = list(Formatter().parse(text))
        except ValueError as error:
            raise ValueError(
                f"{text!r}: {error}; write a brace itself as {{{{ or }}}}"
            ) from None
        parts = []
        for literal, field, form, conversion in parsed:
            if field is None:
                parts.append((literal, "", ""))
                continue
            if field not in FIELDS or conversion:
                raise ValueError(
                    f"{text!r}: {{{field}}} is no field; "
                    "expected {date:...}, {start:...} or {end:...}"
                )
            parts.append((literal, field, _checked_format(text, field, form or "")))
        form = "".join(_escaped(literal) + _form(field, form) for literal, field, form in parts)
        return cls(text, tuple(parts), form)

    @property
    def prefix(self) -> str:
        """The literal text that everything rendered begins with."""
        return self.parts[0][0] if self.parts else ""

    def directives(self, field: str) -> set[str]:
        """Return the strftime directives it uses of a field."""
        return {
            d for _, name, form in self.parts if name == field for d in _DIRECTIVE.findall(form)
        }

    def render(self, date: datetime, start: datetime, end: datetime) -> str:
        """Return the text for a period's label and its window (naive wall-clock time)."""
        return self.form.format(date, start, end)

    def overlaps(self, other: "Template") -> bool:
        """Tell whether some text could be rendered by both, going by their shapes alone."""
        common = min(len(self.prefix), len(other.prefix))
        if self.prefix[:common] != other.prefix[:common]:
            return False
        ours, theirs = [*self.shape()], [*other.shape()]
        # Walk both shapes side by side; an optional character may be left out.
        todo, seen = [(0, 0)], {(0, 0)}
        while todo:
            i, j = todo.pop()
            if i == len(ours) and j == len(theirs):
                return True
            steps = []
            if i < len(ours) and ours[i][1]:
                steps.append((i + 1, j))
            if j < len(theirs) and theirs[j][1]:
                steps.append((i, j + 1))
            if i < len(ours) and j < len(theirs) and ours[i][0] & theirs[j][0]:
                steps.append((i + 1, j + 1))
            todo += [s for s in steps if s not in seen]
            seen.update(steps)
        return False

    def shape(self) -> Iterator[tuple[frozenset[str], bool]]:
        """Yield each character's possible values, and whether it may be missing."""
        for literal, _, form in self.parts:
            yield from ((frozenset(c), False) for c in literal)
            position = 0
            for match in _DIRECTIVE.finditer(form):
                yield from ((frozenset(c), False) for c in form[position : match.start()])
                position = match.end()
                characters, least, most = _SHAPES[match[0]]
                yield from ((characters, n >= least) for n in range(most))
            yield from ((frozenset(c), False) for c in form[position:])


def _checked_format(text: str, field: str, form: str) -> str:
    found = _DIRECTIVE.findall(form)
    unknown = [d for d in found if d not in _SHAPES]
    if not found or unknown or "{" in form:
        reason = f"{unknown[0]} is not known" if unknown else "it has no plain format"
        raise ValueError(
            f"{text!r}: {{{field}}}: {reason}; expected strftime directives such as "
            f"{{{field}:%Y-%m-%d}}, of {' '.join(_SHAPES)}"
        )
    return form


def _form(field: str, form: str) -> str:
    """Return a strftime format of a field as str.format spells it."""
    if not field:
        return ""
    argument = FIELDS.index(field)
    spelled, position = "", 0
    for match in _DIRECTIVE.finditer(form):
        number = _NUMBERS.get(match[0])
        spelled += _escaped(form[position : match.start()])
        spelled += f"{{{argument}.{number}}}" if number else f"{{{argument}:{match[0]}}}"
        position = match.end()
    return spelled + _escaped(form[position:])


def _escaped(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")
