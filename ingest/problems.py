"""The HTTP interface: bounded bodies, JSON, and RFC 9457 problem details for errors."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import flask


class ProblemError(Exception):
    """Ends a request with a problem; `detail` says what to send instead."""

    def __init__(self, status: int, detail: str, **extra: object) -> None:
        super().__init__(detail)
        self.status, self.detail, self.extra = status, detail, extra


def read_body(request: flask.Request, most: int) -> bytes | None:
    """Return the body, or None where it is longer than `most` bytes."""
    if (request.content_length or 0) > most:
        return None
    body = request.stream.read(most + 1)
    return body if len(body) <= most else None


def answer(body: dict[str, Any], status: int, **headers: str) -> flask.Response:
    """Return a JSON response."""
    return _response(body, status, "application/json", headers)


def problem(error: ProblemError) -> flask.Response:
    """Return a problem as a response; a 405 says by `allow` which methods there are."""
    headers = {}
    if "allow" in error.extra:
        headers["Allow"] = str(error.extra.pop("allow"))
    body = {
        "type": "about:blank",
        "title": HTTPStatus(error.status).phrase,
        "status": error.status,
        "detail": error.detail,
        **error.extra,
    }
    return _response(body, error.status, "application/problem+json", headers)


def document(content: bytes, media_type: str, headers: Mapping[str, str]) -> flask.Response:
    """Return a response of bytes that are ready."""
    return flask.Response(content, 200, headers, content_type=media_type)


def _response(
    body: dict[str, Any], status: int, media_type: str, headers: dict[str, str]
) -> flask.Response:
    text = json.dumps(body, separators=(",", ":")) + "\n"
    return flask.Response(text, status, headers, content_type=media_type)
