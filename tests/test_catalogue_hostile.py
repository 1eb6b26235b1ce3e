"""A catalogue that is no catalogue, or an odd one: refused, and nothing worse."""

import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.calendar import Cadence
from ingest.errors import ConfigurationError
from ingest.feeds import Catalogue, read_catalogue
from tests.support.strategies import entry, refusal


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "expected feeds by name"),
        ("{}", "expected feeds by name"),
        ("[a, b]", "expected feeds by name"),
        ("just text", "expected feeds by name"),
        ("12: {}", "12 is no name for a feed"),
        ("f: text", "f: Expected `object`, got `str`"),
        ("f:", "f: Expected `object`, got `null`"),
        ("f: {", "it is not YAML"),
        ("a: 1\n---\nb: 2", "it is not YAML"),
        ("f: \x07", "it is not YAML"),
        ("f: !!python/object/apply:os.getcwd []", "it is not YAML"),
        ("f: !!bool perhaps", "it is not YAML"),
        ("f: !!timestamp soon", "it is not YAML"),
        ('f: !!float ""', "it is not YAML"),
        ("f: !!map [a]", "it is not YAML"),
        ("f: " + "[" * 1500, "it is not YAML"),
        ("f: " + "[" * 19_000, "it is not YAML"),
        ("f: " + "[" * 10**6, "over 20,000 of [, {, - and ?"),
        ("- " * 10**6, "over 20,000 of [, {, - and ?"),
        ("f: &f [*f]", "f: Expected `object`, got `array`"),
        ('f: {"\\ud800": 1}', "it is not YAML"),
        ("f: 1\nf: 2", "f: the same key twice"),
        ("f: {url: a, title: b, url: c}", "url: the same key twice"),
        ("f: {known_gaps: {2012-07-14: a, '2012-07-14': b}}", "2012-07-14: the same key twice"),
        ("? [a]\n: 1", "it is not YAML"),
    ],
)
def test_what_is_no_mapping_of_feeds_is_refused(text: str, expected: str) -> None:
    assert expected in refusal(text)


@pytest.mark.parametrize(
    "use",
    [
        "f: *i",
        "f: {url: *i}",
        "f: {known_gaps: *i}",
        "f: {url: u, object: o, cadence: day, first: f, also: *i}",
        "*i : 1",
        "f: {*i : 1, *i : 2}",
        "? *i\n: 1\n? *i\n: 2",
    ],
)
def test_a_bomb_of_aliases_takes_no_memory(use: str) -> None:
    bomb = ["a: &a [x,x,x,x,x,x,x,x,x]"]
    for before, name in zip("abcdefgh", "bcdefghi", strict=True):
        bomb.append(f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]")
    tracemalloc.start()
    try:
        message = refusal("\n".join([*bomb, use]))
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()
    assert len(message) < 1000


def small(text: str) -> str:
    """What a text is refused with, in little memory."""
    tracemalloc.start()
    try:
        message = refusal(text)
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()
    return message


def test_a_bomb_of_merge_keys_takes_no_memory() -> None:
    levels = [f"a0: &a0 {{{', '.join(f'k{n}: 1' for n in range(9))}}}"]
    levels += [f"a{n}: &a{n} {{<<: [{','.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, 8)]
    assert "<<: merge keys are not known" in small("\n".join(levels))
    assert "<<: merge keys" in small("f: &f {url: x}\ng: {<<: *f}")


@pytest.mark.parametrize("key", ["url", "query", "rows"])
def test_a_bomb_in_each_takes_no_memory(key: str) -> None:
    wide, uses = ",".join("x" * 3000), ",".join(["*a"] * 3000)
    value = f"[{uses}]" if key == "url" else f"{{k: [{uses}]}}"
    text = f"f: {{each: {{kind: {{b: {{}}}}}}, title: &a [{wide}], {key}: {value}}}"
    assert f"f: each: {key} has over 1,000 values" in small(text)


KEYS = [
    *("url", "object", "cadence", "first", "title", "weekday", "timezone", "covers", "also"),
    *("keep_from", "last", "known_gaps", "available_after", "grace", "recheck", "schedule"),
    *("compress", "absent_statuses", "allowed_hosts", "max_bytes", "checks", "other"),
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.dictionaries(st.sampled_from(KEYS), JSON, max_size=3),
    st.sampled_from(["day", "week", "hour"]),
)
def test_whatever_a_value_is_a_catalogue_is_read_or_refused(
    values: dict[str, object], cadence: Cadence
) -> None:
    refused, catalogue = "", Catalogue()
    try:
        catalogue = read_catalogue(json.dumps({"f": entry(cadence) | values}))
    except ConfigurationError as error:
        refused = str(error)
    assert refused.startswith(("f: ", "it is not YAML: ")) if refused else [*catalogue] == ["f"]


@given(st.text() | st.text("{}[]&*!|>'\"%@:,-? \nab01.<~"))
def test_whatever_the_text_is_a_catalogue_is_read_or_refused(text: str) -> None:
    try:
        assert read_catalogue(text)
    except ConfigurationError as error:
        refused = str(error)
        assert refused
