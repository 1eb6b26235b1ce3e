"""What dispatch serves: each route's handler, from a request to an answer.

What a handler needs is imported when it is first called: most calls of a function are those of
one route, and a cold start should not pay for the others.
"""

import re
from collections.abc import Callable

import flask

from ingest import built
from ingest.messages import RUN_PATTERN
from ingest.problems import ProblemError, answer, document, read_body
from ingest.request import MOST_BODY_BYTES, expect_nothing, parse_request
from ingest.schedule import scheduled_call
from ingest.times import utc_now


def _post(request: flask.Request) -> flask.Response:
    body = _small_body(request)
    call = scheduled_call(request.headers, request.path, body, utc_now())
    result = built.dispatcher().dispatch(parse_request(body), call, built.deadline())
    if result.dry_run or not result.dispatched:
        return answer(result.body(), 200)
    return answer(result.body(), 202, Location=f"/runs/{result.run}")


def _page(request: flask.Request) -> flask.Response:  # noqa: ARG001  as all handlers
    from ingest.inventory import look_at_all
    from ingest.page import CONTENT_SECURITY_POLICY, render

    coverage = look_at_all(built.catalogue(), built.lake(), utc_now(), built.deadline())
    headers = {
        "Content-Security-Policy": CONTENT_SECURITY_POLICY,
        "Cache-Control": "no-cache",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    return document(render(coverage).encode(), "text/html; charset=utf-8", headers)


def _coverage(request: flask.Request) -> flask.Response:
    from ingest.coverage_query import answer_query, parse_query

    question = parse_query(request.args, built.catalogue())
    body = answer_query(question, built.lake(), utc_now(), built.deadline())
    return document(body, "application/json", {"Cache-Control": "no-cache"})


def _audit(request: flask.Request) -> flask.Response:
    expect_nothing(_small_body(request))
    return answer(built.audit().run(built.deadline()), 200)


def _run(request: flask.Request, run: str) -> flask.Response:  # noqa: ARG001  as all handlers
    if not re.match(RUN_PATTERN, run):
        raise ProblemError(404, "there is no run of that name; they have a-z, 0-9 and -")
    return answer(built.dispatcher().run(run, built.deadline()), 200)


def _openapi(request: flask.Request) -> flask.Response:  # noqa: ARG001  as all handlers
    from ingest.openapi import description

    return answer(description(), 200)


ROUTES: dict[str, dict[str, Callable[..., flask.Response]]] = {
    "/": {"GET": _page, "POST": _post},
    "/coverage": {"GET": _coverage},
    "/audit": {"POST": _audit},
    "/runs/{run}": {"GET": _run},
    "/openapi.json": {"GET": _openapi},
}


def _small_body(request: flask.Request) -> bytes:
    body = read_body(request, MOST_BODY_BYTES)
    if body is None:
        raise ProblemError(413, f"the body is over {MOST_BODY_BYTES} bytes; send less")
    return body
