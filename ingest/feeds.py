"""The catalogue: the feeds by name, and loading `feeds.yaml`."""

from collections import Counter
from collections.abc import Hashable
from itertools import combinations
from pathlib import Path
from typing import Any

import yaml

from ingest.entries import feed_of
from ingest.errors import ConfigurationError
from ingest.feed import Feed

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
        raise ConfigurationError(
            f"the catalogue {path} (LAKEFILL_FEEDS) cannot be read: {error}"
        ) from None
    try:
        return read_catalogue(text)
    except ConfigurationError as error:
        raise ConfigurationError(f"the catalogue {path}: {error}") from None


def read_catalogue(text: str) -> Catalogue:
    """Read a catalogue from YAML text; raise ConfigurationError as load_catalogue does."""
    try:
        entries = yaml.load(text, Loader=_Loader)  # noqa: S506  a subclass of the safe loader
    except _YAML_ERRORS as error:
        raise ConfigurationError(f"it is not YAML: {error}") from None
    if not isinstance(entries, dict) or not entries:
        raise ConfigurationError("expected feeds by name, as in the packaged feeds.yaml")
    catalogue = Catalogue((str(name), feed_of(name, entry)) for name, entry in entries.items())
    for one, other in combinations(catalogue.values(), 2):
        if one.object.overlaps(other.object):
            raise ConfigurationError(
                f"{other.name}: object: {other.object.text!r} could name the same object as "
                f"{one.object.text!r} of {one.name}; expected a folder of its own for each feed"
            )
    return catalogue


class _Loader(yaml.SafeLoader):
    """The safe loader; dates stay text, and the same key twice is refused."""

    yaml_implicit_resolvers = {  # noqa: RUF012  the base class's
        first: [(tag, form) for tag, form in resolvers if not tag.endswith(":timestamp")]
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
