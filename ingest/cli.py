"""The command line: commands and options. What does the work lies in ingest/local.

That is imported when a command runs, so that `lakefill --help` answers at once.
"""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from ingest import __version__
from ingest.errors import ConfigurationError, LakefillError
from ingest.feeds import PACKAGED_CATALOGUE

_CHECKOUT = Path(__file__).parents[1]
_HELP = {"help_option_names": ["-h", "--help"], "max_content_width": 96}

_PATH = click.Path(path_type=Path)
_state = click.option(
    "--state",
    type=_PATH,
    default=_CHECKOUT / ".lakefill",
    show_default=".lakefill in the checkout",
    envvar="LAKEFILL_STATE",
    help="Folder for the lake and the logs.",
)
_feeds = click.option(
    "--feeds",
    type=_PATH,
    default=PACKAGED_CATALOGUE,
    show_default="ingest/feeds.yaml",
    envvar="LAKEFILL_FEEDS",
    help="The catalogue.",
)


class _Commands(click.Group):
    """A group that says what went wrong, without a traceback, by exit status 1 or 2."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401  as in the base class
        from ingest.local.signals import exit_on_signals

        exit_on_signals()
        try:
            return super().invoke(ctx)
        except LakefillError as error:
            click.echo(f"lakefill: {error}", err=True)
            ctx.exit(_status(error))


def _status(error: LakefillError) -> int:
    """Return 2 for what the caller can mend by asking otherwise, 1 for the rest."""
    from ingest.local.client import AnswerError

    refused = isinstance(error, AnswerError) and error.status in range(400, 500)
    return 2 if refused or isinstance(error, ConfigurationError) else 1
