"""`each`: one entry of the catalogue that is several feeds. Pure.

terraform/catalogue.tf does the same, for the schedules; a test holds the two together.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from ingest.templates import FIELDS

# The keys that templates stand in.
_TEMPLATED = ("url", "object", "query", "rows")
# How deep in them: what lies deeper is no template, and may be endless (YAML has aliases).
_DEEPEST = 2
# How many values a key may have in them. With aliases, a short text has millions.
_MOST_PARTS = 1000
_BRACES = re.compile(r"\{\{|\}\}|\{(\w+)\}")


def expanded(name: str, entry: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the ordinary entries that an entry with `each` stands for, by their feeds' names.

    Raises ValueError that says what was expected of `each`.
    """
    field, values = _read(entry["each"])
    common = {key: value for key, value in entry.items() if key != "each"}
    return {
        f"{name}-{value}": _filled(common | (overrides or {}), field, value)
        for value, overrides in values.items()
    }


def _read(each: object) -> tuple[str, Mapping[str, dict[str, Any] | None]]:
    """Return the name of what differs, and by its values the keys that differ with it."""
    if not isinstance(each, dict) or len(each) != 1:
        raise ValueError(
            "expected one name and its values, like {kind: {yellow: {}, green: {}}}"
        )
    [(field, values)] = each.items()
    if not isinstance(field, str) or not re.fullmatch("[a-z][a-z0-9_]*", field):
        raise ValueError(f"expected a name of a-z, 0-9 and _, got {field!r}")
    if field in FIELDS:
        raise ValueError(f"{field} is a field of its own; expected another name")
    if not isinstance(values, dict) or not values:
        raise ValueError(f"{field}: expected its values, each with the keys that differ")
    for value, overrides in values.items():
        # Of y and n, readers of YAML make different things.
        word = isinstance(value, str) and re.fullmatch("[a-z0-9-]+", value)
        if not word or value in {"y", "n"}:
            raise ValueError(
                f"{field}: {value!r} is no value; expected text of a-z, 0-9 and -, in quotes "
                "where YAML reads something else (numbers, yes, no, on, off)"
            )
        if overrides is not None and not isinstance(overrides, dict):
            raise ValueError(f"{field}: {value}: expected the keys that differ, or {{}}")
        if overrides and "each" in overrides:
            raise ValueError(f"{field}: {value}: each within each is not known; leave it out")
    return field, values


def _filled(entry: dict[str, Any], field: str, value: str) -> dict[str, Any]:
    """Return an entry with the value in its templates, where they have the field."""
    for key in _TEMPLATED:
        if len([*islice(_parts(entry.get(key), _DEEPEST), _MOST_PARTS + 1)]) > _MOST_PARTS:
            raise ValueError(f"{key} has over {_MOST_PARTS:,} values; expected fewer")
    return entry | {
        key: _in_templates(entry[key], field, value, _DEEPEST)
        for key in _TEMPLATED
        if key in entry
    }


def _parts(part: object, deeper: int) -> Iterator[object]:
    yield part
    if isinstance(part, dict | list) and deeper:
        for inner in part.values() if isinstance(part, dict) else part:
            yield from _parts(inner, deeper - 1)


def _in_templates(part: object, field: str, value: str, deeper: int) -> object:
    if isinstance(part, str):
        # Doubled braces are braces, whatever stands between them.
        return _BRACES.sub(lambda m: value if m[1] == field else m[0], part)
    if isinstance(part, dict) and deeper:
        return {k: _in_templates(v, field, value, deeper - 1) for k, v in part.items()}
    if isinstance(part, list) and deeper:
        return [_in_templates(inner, field, value, deeper - 1) for inner in part]
    return part
