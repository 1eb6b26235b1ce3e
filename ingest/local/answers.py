"""Simulated sources: what is asked of them, how they stand, and how they answer. Pure.

A dialect (files.py, socrata.py, services.py) makes an `Answer` of a `Request`; what HTTP itself
asks for, conditions and ranges, is done here for all of them.
"""

import hashlib
import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Literal
from urllib.parse import parse_qs

from ingest.times import utc_now

Trouble = Literal[
    "absent",  # nothing is there yet
    "cut_off",  # what is there is not whole, by a limit or a broken upload
    "outdated",  # old data, while a load goes on
    "preparing",  # come back later
    "busy",  # too many at once
    "connection",  # the connection breaks in the middle, once a file
]

_RANGE = re.compile(r"bytes=([0-9]{1,18})-")


@dataclass(frozen=True, slots=True)
class Request:
    """A GET request: its path, its parameters decoded, its headers."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]

    @classmethod
    def of(cls, target: str, headers: Iterable[tuple[str, str]]) -> "Request":
        """Read a request's target and headers."""
        path, _, query = target.partition("?")
        found = parse_qs(query, keep_blank_values=True)
        parameters = {name: values[-1] for name, values in found.items()}
        return cls(path, parameters, {name.title(): value for name, value in headers})


@dataclass(slots=True)
class State:
    """How the sources stand: the time, how often files have changed since, what ails them."""

    now: Callable[[], datetime] = utc_now
    edition: int = 0
    trouble: Trouble | None = None
    asked: deque[Request] = field(default_factory=lambda: deque(maxlen=10_000))
    broken: set[str] = field(default_factory=set)

    def breaks(self, request: Request) -> bool:
        """Tell whether the connection is to break over this answer."""
        if self.trouble != "connection" or request.path in self.broken:
            return False
        self.broken.add(request.path)
        return True

    def over(self, end: datetime) -> bool:
        """Tell whether a time (UTC, without a zone) is past, and its files are published."""
        return self.trouble != "absent" and end.replace(tzinfo=UTC) <= self.now()


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer; `ranged` where a part may be asked for, `chunked` where it is streamed."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    ranged: bool = False
    chunked: bool = False


Dialect = Callable[[Request, State], Answer | None]


def file(body: bytes, modified: datetime, content_type: str) -> Answer:
    """Answer with a file, as web servers give it (`modified` in UTC, without a zone)."""
    headers = {
        "Content-Type": content_type,
        "Accept-Ranges": "bytes",
        "ETag": tag(body),
        "Last-Modified": format_datetime(modified.replace(tzinfo=UTC), usegmt=True),
    }
    return Answer(200, body, headers, ranged=True)


def tag(body: bytes) -> str:
    """Return a strong ETag of a body."""
    return f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'


def as_asked(answer: Answer, request: Request) -> Answer:
    """Return the answer under the request's conditions, or the part that it asks for."""
    if answer.status != 200:
        return answer
    if _is_current(answer, request):
        return Answer(304, b"", answer.headers)
    wanted = _RANGE.fullmatch(request.headers.get("Range", ""))
    condition = request.headers.get("If-Range", answer.headers.get("ETag"))
    if not answer.ranged or wanted is None or condition != answer.headers.get("ETag"):
        return answer
    start, size = int(wanted[1]), len(answer.body)
    if start >= size:
        return Answer(416, b"", {"Content-Range": f"bytes */{size}"})
    span = {"Content-Range": f"bytes {start}-{size - 1}/{size}"}
    return replace(
        answer, status=206, body=answer.body[start:], headers={**answer.headers, **span}
    )


def _is_current(answer: Answer, request: Request) -> bool:
    known, etag = request.headers.get("If-None-Match"), answer.headers.get("ETag")
    if known is not None and etag is not None:
        return known == etag
    since = request.headers.get("If-Modified-Since")
    modified = answer.headers.get("Last-Modified")
    if since is None or modified is None:
        return False
    return parsedate_to_datetime(modified) <= parsedate_to_datetime(since)
