"""The command line: commands and options. What does the work lies in ingest/local.

That is imported when a command runs, so that help comes at once.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from ingest import __version__
from ingest.errors import ConfigurationError, LakefillError

if TYPE_CHECKING:
    from ingest.local.options import PubsubKind

_PATH = click.Path(path_type=Path)
_CATALOGUE = Path(__file__).with_name("feeds.yaml")
_STATE = Path(__file__).parents[1] / ".lakefill"

_state = click.option(
    "--state",
    type=_PATH,
    default=_STATE,
    show_default=".lakefill in the checkout",
    help="Folder of the lake and the logs.",
)
_feeds = click.option(
    "--feeds",
    type=_PATH,
    default=_CATALOGUE,
    show_default="ingest/feeds.yaml",
    envvar="LAKEFILL_FEEDS",
    show_envvar=True,
    help="The catalogue.",
)


class _Commands(click.Group):
    """Commands that tell what went wrong in a line, and by their exit status."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401  as in the base class
        from ingest.local.signals import exit_on_signals

        exit_on_signals()
        try:
            return super().invoke(ctx)
        except LakefillError as error:
            click.echo(f"lakefill: {error}", err=True)
            # 2, as for wrong usage: asked otherwise, it would work.
            refused = getattr(error, "status", None) in range(400, 500)
            ctx.exit(2 if refused or isinstance(error, ConfigurationError) else 1)


def _url(_context: click.Context, _option: click.Parameter, value: str) -> str:
    try:
        parts = urlsplit(value)
        known = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        known = False
    if not known:
        raise click.BadParameter(f"expected http:// or https:// and a host, got {value!r}")
    return value


_dispatcher = click.option(
    "--url",
    default="http://localhost:8080",
    show_default=True,
    envvar="LAKEFILL_URL",
    show_envvar=True,
    callback=_url,
    help="The dispatcher. With https to another machine, an identity token goes along.",
)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 96},
)
@click.version_option(__version__, prog_name="lakefill")
def main() -> None:
    """Keep a Cloud Storage lake filled with public files that appear on a calendar."""


@main.command()
@_state
def run(state: Path) -> None:
    """Ingest a year of sample files on the local stack, and verify each.

    Asks dispatch for 2023, follows the run, reads every stored object back and compares it
    with its source. Leaves the objects in STATE/lake/demo and nothing running.
    """
    from ingest.local.demo import run_demo
    from ingest.local.options import Options
    from ingest.local.terminal import new_console

    run_demo(new_console(), Options(state=state), "2023")


@main.command()
@_state
@_feeds
@click.option(
    "--real-source",
    is_flag=True,
    help="Fetch from the hosts in the catalogue. Without it, a sample source stands in for "
    "all of them; it has turnstile weeks, and 404 for anything else.",
)
@click.option(
    "--pubsub",
    type=click.Choice(["embedded", "emulator"]),
    default="embedded",
    show_default=True,
    help="The one built in, or Google's emulator (of the Google Cloud CLI; needs Java).",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    help="Where dispatch listens; 0 takes any free port.",
)
def up(state: Path, feeds: Path, real_source: bool, pubsub: "PubsubKind", port: int) -> None:
    """Run the local stack in the foreground, until Ctrl-C.

    Prints its URLs, requests to try, and the functions' log lines. The lake stays in
    STATE/lake/local; messages that Pub/Sub still holds at the end are lost, and the same
    request makes them again.
    """
    from functools import partial

    from ingest.local.foreground import serve, show_line
    from ingest.local.options import Options
    from ingest.local.terminal import new_console

    console = new_console()
    options = Options(
        state=state,
        catalogue=feeds,
        real_source=real_source,
        pubsub=pubsub,
        port=port,
        on_line=partial(show_line, console),
    )
    serve(console, options)


@main.command()
@click.argument("date", required=False)
@click.option("--start", help="First of a range; alone, it reaches to today.")
@click.option("--end", help="Last of a range, inclusive.")
@click.option("--feed", help="Which feed; by default the catalogue's first.")
@click.option("--force", is_flag=True, help="Fetch what is stored, too.")
@click.option("--dry-run", is_flag=True, help="Print the plan; publish nothing.")
@_dispatcher
@click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    default=3600,
    show_default=True,
    metavar="SECONDS",
    help="How long to follow the run.",
)
def backfill(
    date: str | None,
    start: str | None,
    end: str | None,
    feed: str | None,
    force: bool,
    dry_run: bool,
    url: str,
    timeout: float,
) -> None:
    """Ask a dispatcher for DATE, or a range, and follow the run.

    DATE, START and END are days, months or years: 2023-06-03, 2023-06, 2023. Without any, the
    latest periods are fetched, or rechecked where they are stored.

    The exit status is 1 where a period ended absent, rejected or failed, or the run did not
    finish in time.
    """
    from ingest.local import backfill as job
    from ingest.local.client import DispatchClient
    from ingest.local.terminal import new_console

    asked = {"feed": feed, "date": date, "start": start, "end": end, "force": force or None}
    request = {name: value for name, value in asked.items() if value is not None}
    with DispatchClient(url) as client:
        if dry_run:
            job.show_plan(new_console(), client, request)
        elif not job.backfill(new_console(), client, request, timeout):
            sys.exit(1)


@main.command()
@click.argument("date", required=False)
@click.option("--start", help="First of a range; alone, it reaches to today.")
@click.option("--end", help="Last of a range, inclusive.")
@click.option("--feed", "feed_name", help="Which feed; by default the catalogue's first.")
@_feeds
@click.option(
    "--bucket", required=True, envvar="LAKEFILL_BUCKET", show_envvar=True, help="The lake."
)
@click.option("--repair", is_flag=True, help="Have what differs fetched again, by force.")
@_dispatcher
def verify(
    date: str | None,
    start: str | None,
    end: str | None,
    feed_name: str | None,
    feeds: Path,
    bucket: str,
    repair: bool,
    url: str,
) -> None:
    """Read stored objects back, and compare them with their metadata.

    Looks at the objects of DATE, or of a range, or at all: their checksums, and the hash, size
    and rows of what they unzip to. For a lake of `lakefill up`, set STORAGE_EMULATOR_HOST to
    its storage and the bucket to "local".

    The exit status is 1 where something differs.
    """
    from ingest.feeds import load_catalogue
    from ingest.local import verification
    from ingest.local.client import DispatchClient
    from ingest.local.terminal import new_console
    from ingest.plan import Question
    from ingest.times import utc_now

    catalogue = load_catalogue(feeds)
    if feed_name is not None and feed_name not in catalogue:
        raise click.BadParameter(
            f"there is no feed {feed_name!r}; there is {', '.join(catalogue)}"
        )
    feed = catalogue[feed_name] if feed_name else catalogue.default
    console = new_console()
    periods = verification.chosen(feed, Question(date=date, start=start, end=end), utc_now())
    different = verification.verify_lake(console, bucket, feed, periods)
    if different and repair:
        with DispatchClient(url) as client:
            verification.repair(console, client, feed, different)
    if different:
        sys.exit(1)


@main.command("feeds")
@_feeds
def list_feeds(feeds: Path) -> None:
    """List the feeds of the catalogue."""
    from ingest.feeds import load_catalogue
    from ingest.local.report import feeds_table
    from ingest.local.terminal import new_console
    from ingest.times import utc_now

    new_console().print(feeds_table(load_catalogue(feeds), utc_now()))
