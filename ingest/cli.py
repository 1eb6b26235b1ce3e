"""The command line: commands and options. What does the work lies in ingest/local.

That is imported when a command runs, so that help comes at once.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ingest import __version__, cli_lake, cli_options
from ingest.errors import ConfigurationError, LakefillError

if TYPE_CHECKING:
    from ingest.local.options import PubsubKind


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


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 96},
)
@click.version_option(__version__, prog_name="lakefill")
def main() -> None:
    """Keep a Cloud Storage lake filled with public files that appear on a calendar."""


@main.command()
@cli_options.state
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
@cli_options.state
@cli_options.feeds
@click.option(
    "--real-source",
    is_flag=True,
    help="Fetch from the hosts in the catalogue. Without it, a sample source stands in for "
    "all of them; it has turnstile weeks, small files for the other shipped feeds, and 404 for "
    "anything else.",
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


@main.command("feeds")
@cli_options.feeds
@click.option("--feed", "name", help="Only this one, with a period's URL and object.")
def list_feeds(feeds: Path, name: str | None) -> None:
    """List the feeds of the catalogue.

    With --feed, the URL and the object of its newest due period follow, or of its first where
    none is due yet.
    """
    from ingest.feeds import load_catalogue
    from ingest.local.report import example_of, feeds_table
    from ingest.local.terminal import new_console, print_pairs
    from ingest.times import utc_now

    catalogue, now, console = load_catalogue(feeds), utc_now(), new_console()
    if name is None:
        console.print(feeds_table(catalogue.values(), now))
        return
    feed = cli_options.feed_of(catalogue, name)
    console.print(feeds_table([feed], now))
    print_pairs(console, example_of(feed, now))


for command in (cli_lake.backfill, cli_lake.status, cli_lake.verify):
    main.add_command(command)
