"""What a request to the JSON API of Cloud Storage asks for."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import Message
from typing import Literal
from urllib.parse import parse_qsl, unquote, urlsplit

Operation = Literal[
    "insert",
    "resumable_start",
    "resumable_chunk",
    "resumable_cancel",
    "rewrite",
    "copy",
    "patch",
    "update",
    "delete",
    "get",
    "download",
    "list",
    "other",
]

Key = tuple[str, str]
"""Bucket and object name."""

_OBJECT = re.compile(r"(/download)?/storage/v1/b/([^/]+)/o/([^/]+)")
_OBJECTS = re.compile(r"/storage/v1/b/([^/]+)/o")
_COPY = re.compile(r"/storage/v1/b/([^/]+)/o/([^/]+)/(rewrite|copy)To/b/([^/]+)/o/([^/]+)")
_UPLOAD = re.compile(r"/(?:resumable/)?upload/storage/v1/b/([^/]+)/o")
_ON_OBJECT: dict[str, Operation] = {"PATCH": "patch", "PUT": "update", "DELETE": "delete"}
_ON_SESSION: dict[str, Operation] = {"PUT": "resumable_chunk", "DELETE": "resumable_cancel"}


@dataclass(frozen=True)
class Request:
    """One request, without its body."""

    method: str
    target: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """By `Title-Case` names."""
    size: int
    """Bytes of the body."""
    operation: Operation
    bucket: str | None
    name: str | None
    """The object written or read; of a chunk, that of its upload session."""
    source: Key | None = None
    """Where a rewrite or copy reads."""

    @property
    def key(self) -> Key:
        assert self.bucket is not None
        assert self.name is not None
        return self.bucket, self.name


def parse(
    method: str,
    target: str,
    headers: Message,
    *,
    head: bytes,
    uploaded: Callable[[str], Key | None],
) -> Request:
    """Classify a request by its line, its headers and the beginning of its body.

    `uploaded` tells the object of a resumable upload by its id.
    """
    parts = urlsplit(target)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    operation: Operation = "other"
    bucket: str | None = None
    name: str | None = None
    source = None
    if match := _COPY.fullmatch(parts.path):
        read, written = match.group(1, 2), match.group(4, 5)
        operation = "rewrite" if match[3] == "rewrite" else "copy"
        source = unquote(read[0]), unquote(read[1])
        bucket, name = map(unquote, written)
    elif match := _OBJECT.fullmatch(parts.path):
        media = query.get("alt") == "media"
        operation = _ON_OBJECT.get(method, "download" if media else "get")
        bucket, name = map(unquote, match.group(2, 3))
    elif match := _OBJECTS.fullmatch(parts.path):
        operation, bucket = "list", unquote(match[1])
    elif (match := _UPLOAD.fullmatch(parts.path)) and "upload_id" in query:
        operation = _ON_SESSION.get(method, "other")
        bucket, name = uploaded(query["upload_id"]) or (unquote(match[1]), None)
    elif match and method == "POST":
        resumable = query.get("uploadType") == "resumable"
        operation = "resumable_start" if resumable else "insert"
        bucket = unquote(match[1])
        name = query.get("name") or _name_in(head)
    return Request(
        method=method,
        target=target,
        query=query,
        headers={header.title(): value for header, value in headers.items()},
        size=int(headers.get("Content-Length") or 0),
        operation=operation,
        bucket=bucket,
        name=name,
        source=source,
    )


def _name_in(head: bytes) -> str:
    """Find the object's name in its metadata: the body itself, or its first MIME part."""
    if not head.startswith(b"{"):
        head = head.split(b"\r\n\r\n", 1)[1].split(b"\r\n--", 1)[0]
    return str(json.loads(head)["name"])
