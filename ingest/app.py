"""The dispatch function's inside: from a request to its handler, from an error to an answer."""

import re

import flask

from ingest import built
from ingest.errors import ConfigurationError, RetryError
from ingest.feeds import UnknownFeedError
from ingest.problems import ProblemError, problem
from ingest.request import MalformedError
from ingest.routes import ROUTES


def handle_dispatch(request: flask.Request) -> flask.Response:
    """Answer a request to the dispatch function."""
    try:
        return _route(request)
    except (ProblemError, MalformedError, UnknownFeedError, RetryError) as error:
        return _refuse(request, _as_problem(error))
    except ConfigurationError as error:
        sentence = f"dispatch is not configured: {error}"
        built.emitter()("unexpected_error", sentence, error=error)
        return problem(ProblemError(500, str(error)))
    except Exception as error:  # noqa: BLE001  the last line of defence: logged, answered by 500
        sentence = f"{request.method} {request.path[:200]!r} failed"
        built.emitter()("unexpected_error", sentence, error=error)
        return problem(ProblemError(500, "unforeseen; the log has the stack trace"))


def _route(request: flask.Request) -> flask.Response:
    for path, methods in ROUTES.items():
        pattern = re.sub(r"\\{\w+\\}", "([^/]+)", re.escape(path))
        match = re.fullmatch(pattern, request.path)
        if match is None:
            continue
        handler = methods.get("GET" if request.method == "HEAD" else request.method)
        if handler is None:
            allowed = ", ".join(methods)
            raise ProblemError(405, f"use {allowed} here", allow=allowed)
        return handler(request, *match.groups())
    known = ", ".join(f"{method} {path}" for path, ms in ROUTES.items() for method in ms)
    raise ProblemError(404, f"there is nothing at this path; there is {known}")


def _as_problem(error: Exception) -> ProblemError:
    match error:
        case ProblemError():
            return error
        case UnknownFeedError():
            return ProblemError(404, str(error))
        case RetryError(reason=reason):
            detail = f"{error}; nothing is lost, send the same request again"
            return ProblemError(503, detail, reason=reason)
        case _:
            return ProblemError(400, str(error))


def _refuse(request: flask.Request, error: ProblemError) -> flask.Response:
    built.emitter()(
        "request_refused",
        f"Answered {error.status} to {request.method} {request.path[:200]!r}: {error.detail}",
        status=error.status,
        reason=error.extra.get("reason"),
    )
    return problem(error)
