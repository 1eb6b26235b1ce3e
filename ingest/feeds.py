"""The catalogue: the feeds by name, and loading `feeds.yaml`."""

import re
from collections import Counter
from collections.abc import Hashable, Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import yaml

from ingest.each import expanded
from ingest.entries import feed_of
from ingest.errors import ConfigurationError
from ingest.feed import Feed
from ingest.templates import FIELDS

PACKAGED_CATALOGUE = Path(__file__).with_name("feeds.yaml")

# Over an odd value of an explicit tag, PyYAML raises what its constructors happen to.
_YAML_ERRORS = (
    yaml.YAMLError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)

# What nests in YAML. libyaml's reader recurses, and takes the process with it somewhere beyond.
_OPENERS = ("[", "{", "- ", "? ")
_MOST_OPENERS = 20_000


class UnknownFeedError(Exception):
    """There is no feed of that name; the message says which there are."""


class Catalogue(dict[str, Feed]):
    """The feeds by name, in the order of the file; the first is the default."""

    def named(self, name: str | None) -> Feed:
        """Return the feed of that name, or the default; raise UnknownFeedError."""
        if name is None:
            return self.default
        if name not in self:
            known = ", ".join(self)
            raise UnknownFeedError(f"there is no feed of that name; the feeds are {known}")
        return self[name]

    @property
    def default(self) -> Feed:
        """The feed that a request means when it names none."""
        return next(iter(self.values()))


def load_catalogue(path: Path = PACKAGED_CATALOGUE) -> Catalogue:
    """Read a catalogue file.

    Raises ConfigurationError that names the file, the feed, the key and what was expected.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or error  # without the path, which is said
        raise ConfigurationError(
            f"the catalogue {path} (--feeds, or LAKEFILL_FEEDS) cannot be read: {why}"
        ) from None
    try:
        return read_catalogue(text)
    except ConfigurationError as error:
        raise ConfigurationError(f"the catalogue {path}: {error}") from None


def read_catalogue(text: str) -> Catalogue:
    """Read a catalogue from YAML text; raise ConfigurationError as load_catalogue does."""
    if sum(map(text.count, _OPENERS)) > _MOST_OPENERS:
        raise ConfigurationError(f"it has over {_MOST_OPENERS:,} of [, {{, - and ?")
    try:
        entries = yaml.load(text, Loader=_Loader)  # noqa: S506  a subclass of the safe loader
    except _YAML_ERRORS as error:
        raise ConfigurationError(f"it is not YAML: {_told(error, text)}") from None
    if not isinstance(entries, dict) or not entries:
        raise ConfigurationError("expected feeds by name, as in the packaged feeds.yaml")
    catalogue = Catalogue()
    for name, entry in entries.items():
        for feed in _feeds(name, entry):
            if feed.name in catalogue:
                raise ConfigurationError(
                    f"{feed.name}: it is the name of two feeds; expected one by each name"
                )
            catalogue[feed.name] = feed
    for one, other in combinations(catalogue.values(), 2):
        if one.object.overlaps(other.object):
            raise ConfigurationError(
                f"{other.name}: object: {other.object.text!r} could name the same object as "
                f"{one.object.text!r} of {one.name}; expected a folder of its own for each feed"
            )
    return catalogue


def _told(error: Exception, text: str) -> str:
    """Return what is wrong with the text, and the likely cause where there is one."""
    what = str(error).replace('in "<unicode string>", ', "at ")
    if re.search(rf": +\{{({'|'.join(FIELDS)})\b", text):
        what += "; a value that begins with a brace goes in quotes"
    return what


def _feeds(name: object, entry: object) -> Iterator[Feed]:
    """Yield the feeds of an entry: one, or with `each` one a value."""
    if not isinstance(entry, dict) or "each" not in entry:
        yield feed_of(name, entry)
        return
    try:
        entries = expanded(str(name), entry)
    except ValueError as error:
        raise ConfigurationError(f"{name}: each: {error}") from None
    for each_name, each_entry in entries.items():
        yield feed_of(each_name, each_entry)


# What YAML 1.2 takes for a number. By 1.1, which PyYAML follows, 12:30 is the number 750, too.
_NUMBERS = {
    "tag:yaml.org,2002:int": re.compile(r"-?(0|[1-9][0-9]*)$"),
    "tag:yaml.org,2002:float": re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+$"),
}


class _Loader(yaml.CSafeLoader):
    """The safe loader, in C: cold starts wait for it. Dates and times stay text.

    The same key twice is refused, and so are merge keys: a few hundred characters of them, one
    inside the other, take up gigabytes.
    """

    yaml_implicit_resolvers = {  # noqa: RUF012  the base class's
        first: [
            (tag, _NUMBERS.get(tag, form))
            for tag, form in resolvers
            if not tag.endswith(":timestamp")
        ]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(
        self,
        node: yaml.MappingNode,
        deep: bool = False,  # noqa: FBT001, FBT002  the base class's signature
    ) -> dict[Hashable, Any]:
        keys = Counter(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        twice = [key for key, times in keys.items() if times > 1]
        if twice:
            raise yaml.YAMLError(f"{', '.join(twice)}: the same key twice")
        return super().construct_mapping(node, deep)

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        if any(key.tag == "tag:yaml.org,2002:merge" for key, _ in node.value):
            raise yaml.YAMLError("<<: merge keys are not known; write the keys out")
        super().flatten_mapping(node)
