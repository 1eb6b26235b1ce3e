"""How many rows the source says that a file has: asked for, beside the file itself."""

import re
from collections.abc import Generator

from ingest.ahead import ahead
from ingest.deadline import Deadline
from ingest.errors import AbsentError, RejectedError, RetryError
from ingest.feed import Feed
from ingest.source import Fetch, Source

_MOST_BYTES = 4096
# The number alone, or below a header (CSV), or as the one value of an object (JSON).
_COUNT = re.compile(
    rb"""\s* (?: [^\n{\[]*\n )? \s* "? ([0-9]{1,15}) "? \s*"""
    rb"""| \s* \[? \s* \{ \s* "[^"]*" \s* : \s* "? ([0-9]{1,15}) "? \s* \} \s* \]? \s*""",
    re.VERBOSE,
)


def check_count(source: Source, feed: Feed, url: str, rows: int, deadline: Deadline) -> None:
    """Ask for the number of rows at `url` and hold `rows` to it.

    Raises RetryError where it differs or there is no such number, and what any request raises.
    """
    fetch = Fetch(source, feed, url, deadline, max_bytes=_MOST_BYTES)
    try:
        with ahead(
            _body(fetch), room=_MOST_BYTES, deadline=deadline, abort=fetch.abort
        ) as parts:
            body = b"".join(parts)
    except AbsentError as error:
        raise RetryError("count", f"asked for the number of rows, {error}") from None
    except RejectedError as error:
        raise RejectedError(
            error.reason,
            f"asked for the number of rows, {error}",
            source_status=error.source_status,
        ) from None
    match = _COUNT.fullmatch(body)
    if match is None:
        what = f"the source answers {body[:100]!r} when asked for the number of rows"
        raise RetryError("count", what)
    expected = int(match[1] or match[2])
    if rows != expected:
        raise RetryError("count", f"{rows} rows arrived, and the source counts {expected}")


def _body(fetch: Fetch) -> Generator[bytes, None, None]:
    with fetch.open() as download:
        yield from download.blocks()
