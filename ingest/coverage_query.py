"""`GET /coverage`: what may be asked, and the answer."""

from dataclasses import dataclass
from datetime import datetime

from werkzeug.datastructures import MultiDict

from ingest.coverage import LakeCoverage
from ingest.coverage_json import encode, summary, with_periods
from ingest.deadline import Deadline
from ingest.feed import Feed
from ingest.feeds import Catalogue
from ingest.inventory import look, look_at_all
from ingest.lake import Lake
from ingest.plan import UnplannableError, reach
from ingest.problems import ProblemError

# Cloud Run lets 32 MiB of an answer through; its headers count as well.
# https://cloud.google.com/run/quotas#cloud_run_limits
_MOST_BYTES = 31 * 2**20
_PARAMETERS = ("feed", "start", "end")


@dataclass(frozen=True, slots=True)
class Query:
    """All feeds in summary, or one (`feed`) with its periods labelled `low` to `high`."""

    catalogue: Catalogue
    feed: Feed | None
    low: datetime
    high: datetime


def parse_query(parameters: MultiDict[str, str], catalogue: Catalogue) -> Query:
    """Read a query string; raise ProblemError (400, 422) or UnknownFeedError."""
    for parameter, values in parameters.lists():
        if parameter not in _PARAMETERS or len(values) > 1:
            raise ProblemError(400, f"the parameters are {', '.join(_PARAMETERS)}, once each")
    name, start, end = map(parameters.get, _PARAMETERS)
    if name is None and (start, end) != (None, None):
        raise ProblemError(400, "start and end go with feed; name one, as in ?feed=NAME")
    feed = None if name is None else catalogue.named(name)
    try:
        return Query(catalogue, feed, *reach(start, end))
    except UnplannableError as error:
        raise ProblemError(422, str(error)) from None


def answer_query(query: Query, lake: Lake, now: datetime, deadline: Deadline) -> bytes:
    """Return the answer's JSON, as of `now` (aware).

    Raises RetryError where the lake cannot be read, ProblemError (422) where it is too long.
    """
    if query.feed is None:
        everything = look_at_all(query.catalogue, lake, now, deadline)
        return encode(everything, map(summary, everything.feeds))
    coverage = look(lake, query.feed, now, deadline)
    periods = coverage.between(query.low, query.high)
    body = encode(LakeCoverage(as_of=now, feeds=(coverage,)), [with_periods(coverage, periods)])
    if len(body) > _MOST_BYTES:
        raise ProblemError(422, "too many periods for one answer; narrow it by start and end")
    return body
