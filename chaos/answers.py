"""What the source answers, and what it answers instead when it misbehaves. Pure.

Where it does not misbehave it does as RFC 9110 says, conditions and ranges included, and each
file in its own way: told by its ETag, by its date, by neither, or in chunks.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email.utils import format_datetime

from chaos import bodies
from chaos.script import FIRST, File, Step


@dataclass(frozen=True)
class Answer:
    """What is about to be sent: a span of a version's bytes, or a few bytes of its own."""

    status: str
    headers: dict[str, str] = field(default_factory=dict)
    span: range = range(0)
    version: int = 0
    text: bytes = b""
    framing: str = "length"


_PAGE = b"<!DOCTYPE html><html><body>Please come back later</body></html>"
_INSTEAD = {
    "page": Answer("200 OK", text=_PAGE),
    "empty": Answer("200 OK"),
    "header": Answer("200 OK", text=b"station,reading\n1,2\n"),
    "redirect": Answer("302 Found", {"Location": "http://example.org/"}),
    "429 soon": Answer("429 Slow down", {"Retry-After": "1"}),
    "429 late": Answer("429 Slow down", {"Retry-After": "7200"}),
}


def _validators(file: File, version: int) -> dict[str, str]:
    # Far enough apart that a date tells versions from each other (RFC 9110, 8.8.2.2).
    modified = format_datetime(FIRST + timedelta(days=file.size % 5000 + version), usegmt=True)
    match file.framing:
        case "date":
            return {"Last-Modified": modified}
        case "plain":
            return {}
        case _:
            return {"ETag": f'"{file.key}-{version}"', "Last-Modified": modified}


def proper_answer(file: File, version: int, asked: Callable[[str], str | None]) -> Answer:
    """Return what a well-behaved source answers to a request's headers."""
    headers, size = _validators(file, version), bodies.size(file, version)
    known = {asked("If-None-Match"), asked("If-Modified-Since")} & {*headers.values()}
    if known:
        return Answer("304 Not Modified", headers)
    start = asked("Range")
    if start is not None and asked("If-Range") in {None, *headers.values()}:
        first = int(start.removeprefix("bytes=").removesuffix("-"))
        return _part(range(first, size), size, version, headers)
    framing = "chunked" if file.framing == "chunked" else "length"
    return Answer("200 OK", headers, range(size), version, framing=framing)


def _part(span: range, size: int, version: int, headers: dict[str, str]) -> Answer:
    content_range = {"Content-Range": f"bytes {span.start}-{span.stop - 1}/{size}"}
    return Answer("206 Partial Content", headers | content_range, span, version)


def possible(step: Step, proper: Answer) -> bool:
    """Tell whether a step makes sense for a request that is properly answered so."""
    match step.action:
        case "shifted" | "foreign" | "whole" | "416":
            return proper.status.startswith("206")
        case "reset" | "cut" | "cut weak" | "cut chunked" | "stall" | "drip":
            return len(proper.span) > 0
        case "overlong" | "encoded" | "unframed":
            return proper.status.startswith("200")
        case _:
            return True


def altered_answer(action: str, file: File, proper: Answer) -> Answer:
    """Return what the source answers instead: for an action that is a status, an error."""
    version, size = proper.version, bodies.size(file, proper.version)
    match action:
        case "good":
            return proper
        case "shifted":
            span = range(max(proper.span.start - 1, 0), size)
            return _part(span, size, version, _validators(file, version))
        case "foreign":
            headers = _validators(file, bodies.FOREIGN)
            return _part(proper.span, size, bodies.FOREIGN, headers)
        case "whole":
            return Answer("200 OK", _validators(file, version), range(size), version)
        case "unframed":
            return replace(proper, headers={}, framing="close")
    return _INSTEAD.get(action) or Answer(f"{action} Fault", text=_PAGE)
