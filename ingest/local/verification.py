"""`lakefill verify`: reading back what is stored, and asking for what differs again."""

from collections.abc import Sequence
from datetime import datetime

from google.api_core.exceptions import GoogleAPIError
from google.auth.exceptions import GoogleAuthError
from google.cloud.storage import Client
from rich.console import Console

from ingest.calendar import Period
from ingest.errors import LakefillError
from ingest.feed import Feed
from ingest.local.client import DispatchClient
from ingest.local.terminal import progress
from ingest.local.verify import Verified, stored_objects, verify_all
from ingest.plan import Question, UnplannableError, select
from ingest.visible import visible

# A catalogue's whole life may be asked for.
_MOST_PERIODS = 10_000_000


class VerificationError(LakefillError):
    """Nothing could be read back; the message says why."""


def chosen(feed: Feed, question: Question, now: datetime) -> list[Period]:
    """Return the periods to look at: those asked for, or all up to `now` (aware)."""
    if question.latest:
        calendar = feed.calendar
        first = min((calendar.first, *calendar.also))
        return list(
            calendar.between(first, now.astimezone(calendar.timezone).replace(tzinfo=None))
        )
    try:
        return select(question, feed, now, _MOST_PERIODS)
    except UnplannableError as error:
        raise VerificationError(str(error)) from None


def verify_lake(
    console: Console, bucket: str, feed: Feed, periods: Sequence[Period]
) -> list[Verified]:
    """Read the stored ones of these periods back, and print which differ; return those."""
    try:
        objects = stored_objects(Client().bucket(bucket), feed, periods)
    except (GoogleAPIError, GoogleAuthError) as error:
        raise VerificationError(
            f"the bucket {bucket} cannot be listed: {error}; is it the right one, and are you "
            "logged in (gcloud auth application-default login)?"
        ) from None
    if not objects:
        raise VerificationError(
            f"none of the {len(periods):,} periods of {feed.name} is stored in {bucket}"
        )
    different, total_bytes = [], 0
    with progress(console, "verified", len(objects)) as tell:
        for done, verified in enumerate(verify_all(feed, objects), 1):
            total_bytes += verified.stored_bytes
            if verified.problems:
                different.append(verified)
            tell(done)
    for verified in different:
        console.print(visible(f"{verified.name}: {'; '.join(verified.problems)}"))
    console.print(
        f"{feed.name}: {len(objects):,} objects read back ({total_bytes / 1e6:,.1f} MB), "
        f"{len(different):,} differ"
    )
    return different


def repair(
    console: Console, client: DispatchClient, feed: Feed, different: Sequence[Verified]
) -> None:
    """Have each period that differs fetched again, by force."""
    for verified in different:
        request = {"feed": feed.name, "date": verified.period, "force": True}
        planned = client.dispatch(request)
        for skip in planned.skipped:
            console.print(f"{skip.period}: left alone by dispatch: {skip.reason}")
        for period in planned.dispatched:
            console.print(f"{period}: dispatched by force, run {planned.run}")
