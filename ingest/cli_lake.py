"""The commands about a lake wherever it is: filling it, looking at it, reading it back."""

import sys
from pathlib import Path

import click

from ingest import cli_options


@click.command()
@click.argument("date", required=False)
@click.option("--start", help="First of a range; alone, it reaches to today.")
@click.option("--end", help="Last of a range, inclusive.")
@click.option("--feed", help="Which feed; by default the catalogue's first.")
@click.option("--force", is_flag=True, help="Fetch what is stored, too.")
@click.option(
    "--missing",
    is_flag=True,
    help="Only what the lake lacks; without a range, from the feed's keep_from on.",
)
@click.option("--dry-run", is_flag=True, help="Print the plan; publish nothing.")
@cli_options.dispatcher
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
    missing: bool,
    dry_run: bool,
    url: str,
    timeout: float,
) -> None:
    """Ask a dispatcher for DATE, or a range, and follow the run.

    DATE, START and END are days, months or years, or hours of a feed by the hour: 2023-06-03,
    2023-06, 2023, 2023-06-03T07. Without any, the latest periods are fetched, or rechecked
    where they are stored; with --missing, all that is due and not stored from the feed's
    keep_from on, whatever became of it before.

    The exit status is 1 where a period ended absent, rejected or failed, or the run did not
    finish in time.
    """
    from ingest.local import backfill as job
    from ingest.local.client import DispatchClient
    from ingest.local.terminal import new_console

    if missing and force:
        raise click.UsageError("--missing goes without --force: what is missing is not stored")
    if missing and date is not None and (start, end) != (None, None):
        raise click.UsageError("DATE goes without --start and --end")
    asked = {"feed": feed, "date": date, "start": start, "end": end, "force": force or None}
    request = {name: value for name, value in asked.items() if value is not None}
    console = new_console()
    with DispatchClient(url) as client:
        if missing:
            found = job.only_missing(client, request)
            if found is None:
                console.print("Nothing is missing.")
                return
            request = found
        if dry_run:
            job.show_plan(console, client, request)
        elif not job.backfill(console, client, request, timeout):
            sys.exit(1)


@click.command()
@click.option("--feed", help="Which feed; by default all of them.")
@click.option("--year", type=click.IntRange(1000, 9999), help="Only the periods of this year.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with every period.")
@cli_options.dispatcher
def status(feed: str | None, year: int | None, as_json: bool, url: str) -> None:
    """Show which periods the lake has, which it lacks, and why.

    The exit status is 1 where something is late, failed or rejected.
    """
    from ingest.local import status as job
    from ingest.local.client import DispatchClient
    from ingest.local.terminal import new_console

    with DispatchClient(url) as client:
        coverage = job.ask(client, feed, year)
    if as_json:
        click.echo(job.as_json(coverage))
    else:
        job.show(new_console(), coverage, every_row=year is not None)
    if job.alarming(coverage):
        sys.exit(1)


@click.command()
@click.argument("date", required=False)
@click.option("--start", help="First of a range; alone, it reaches to today.")
@click.option("--end", help="Last of a range, inclusive.")
@click.option("--feed", "feed_name", help="Which feed; by default the catalogue's first.")
@cli_options.feeds
@click.option(
    "--bucket", required=True, envvar="LAKEFILL_BUCKET", show_envvar=True, help="The lake."
)
@click.option("--repair", is_flag=True, help="Have what differs fetched again, by force.")
@cli_options.dispatcher
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
    feed = cli_options.feed_of(catalogue, feed_name) if feed_name else catalogue.default
    console = new_console()
    periods = verification.chosen(feed, Question(date=date, start=start, end=end), utc_now())
    different = verification.verify_lake(console, bucket, feed, periods)
    if different and repair:
        with DispatchClient(url) as client:
            verification.repair(console, client, feed, different)
    if different:
        sys.exit(1)
