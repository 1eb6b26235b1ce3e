"""How many rows the source says that a file has: asked for, beside the file itself."""

import re
from collections.abc import Generator
from contextlib import suppress

from ingest.ahead import ahead
from ingest.deadline import Deadline
from ingest.errors import AbsentError, RejectedError, RetryError, StartOverError
from ingest.feed import Feed
from ingest.source import Fetch, Source

_MOST_BYTES = 4096
# How often it is asked in one delivery.
_MOST_STARTS = 3
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
    try:
        body = _answer(source, feed, url, deadline)
    except AbsentError as error:
        raise RetryError("count", f"asked for the number of rows, {error}") from None
    except RejectedError as error:
        what = f"the source goes on beyond {_MOST_BYTES} bytes"
        raise RejectedError(
            error.reason,
            f"asked for the number of rows, {what if error.reason == 'large' else error}",
            source_status=error.source_status,
        ) from None
    match = _COUNT.fullmatch(body)
    if match is None:
        what = f"the source answers {body[:100]!r} when asked for the number of rows"
        raise RetryError("count", what)
    expected = int(match[1] or match[2])
    if rows != expected:
        raise RetryError("count", f"{rows} rows arrived, and the source counts {expected}")


def _answer(source: Source, feed: Feed, url: str, deadline: Deadline) -> bytes:
    """Ask, and again where the answer broke off: the file need not come once more for that."""
    for _ in range(_MOST_STARTS - 1):
        with suppress(StartOverError):
            return _answer_once(source, feed, url, deadline)
    try:
        return _answer_once(source, feed, url, deadline)
    except StartOverError as error:
        what = f"asked for the number of rows, {error}"
        raise RetryError(error.reason, what, source_status=error.source_status) from None


def _answer_once(source: Source, feed: Feed, url: str, deadline: Deadline) -> bytes:
    fetch = Fetch(source, feed, url, deadline, max_bytes=_MOST_BYTES)
    with ahead(_body(fetch), room=_MOST_BYTES, deadline=deadline, abort=fetch.abort) as parts:
        return b"".join(parts)


def _body(fetch: Fetch) -> Generator[bytes, None, None]:
    with fetch.open() as download:
        yield from download.blocks()
