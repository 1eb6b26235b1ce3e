"""Options that several commands have."""

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

if TYPE_CHECKING:
    from ingest.feed import Feed
    from ingest.feeds import Catalogue

_PATH = click.Path(path_type=Path)
_CATALOGUE = Path(__file__).with_name("feeds.yaml")
_STATE = Path(__file__).parents[1] / ".lakefill"

state = click.option(
    "--state",
    type=_PATH,
    default=_STATE,
    show_default=".lakefill in the checkout",
    help="Folder of the lake and the logs.",
)
feeds = click.option(
    "--feeds",
    type=_PATH,
    default=_CATALOGUE,
    show_default="ingest/feeds.yaml",
    envvar="LAKEFILL_FEEDS",
    show_envvar=True,
    help="The catalogue.",
)


def feed_of(catalogue: "Catalogue", name: str) -> "Feed":
    """Return the feed of a name; raise BadParameter where there is none."""
    if name not in catalogue:
        raise click.BadParameter(f"there is no feed {name!r}; there is {', '.join(catalogue)}")
    return catalogue[name]


def _url(_context: click.Context, _option: click.Parameter, value: str) -> str:
    try:
        parts = urlsplit(value)
        known = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        known = False
    if not known:
        raise click.BadParameter(f"expected http:// or https:// and a host, got {value!r}")
    return value


dispatcher = click.option(
    "--url",
    default="http://localhost:8080",
    show_default=True,
    envvar="LAKEFILL_URL",
    show_envvar=True,
    callback=_url,
    help="The dispatcher. With https to another machine, an identity token goes along.",
)
