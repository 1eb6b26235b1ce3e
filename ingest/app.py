"""The functions' inside: settings and clients, built once, and the HTTP around the rest.

What needs the client libraries is imported at the first request, and only what the function
at hand needs: importing them is most of a cold start.
"""

import os
import re
import threading
import time
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, TypeVar

import flask

from ingest.deadline import Deadline
from ingest.errors import ConfigurationError, RetryError
from ingest.feeds import load_catalogue
from ingest.messages import RUN_PATTERN
from ingest.problems import ProblemError, answer, problem
from ingest.request import MOST_BODY_BYTES, MalformedError, parse_request
from ingest.schedule import scheduled_call
from ingest.settings import Settings, read_settings, require_topic
from ingest.times import utc_now

if TYPE_CHECKING:
    from ingest.dispatcher import Dispatcher
    from ingest.lake import Lake
    from ingest.publish import Publisher
    from ingest.worker import Worker

# A pushed message of ours has some 500 bytes; Pub/Sub's own limit is 10 MB.
_MOST_PUSH_BYTES = 64 * 1024

T = TypeVar("T")
_building = threading.RLock()


def handle_dispatch(request: flask.Request) -> flask.Response:
    """Answer a request to the dispatch function."""
    try:
        return _route(request)
    except ProblemError as error:
        return _refuse(request, error)
    except MalformedError as error:
        return _refuse(request, ProblemError(400, str(error)))
    except ConfigurationError as error:
        _emit_unexpected(f"dispatch is not configured: {error}", error)
        return problem(ProblemError(500, str(error)))
    except RetryError as error:
        detail = f"{error}; nothing is lost, send the same request again"
        return _refuse(request, ProblemError(503, detail, reason=error.reason))
    except Exception as error:  # noqa: BLE001  the last line of defence: logged, answered by 500
        _emit_unexpected(f"{request.method} {request.path[:200]!r} failed", error)
        return problem(ProblemError(500, "unforeseen; the log has the stack trace"))


def handle_delivery(request: flask.Request) -> flask.Response:
    """Answer a request to the worker function: one pushed message."""
    try:
        body = _body(request, _MOST_PUSH_BYTES)
        # Too long a body is no message of ours; cut off, it is no JSON either.
        return answer(*_worker().deliver(body or b""))
    except ConfigurationError as error:
        _emit_unexpected(f"the worker is not configured: {error}", error)
        return answer({"outcome": "bug", "message": str(error)}, 500)
    except Exception as error:  # noqa: BLE001  the last line of defence: logged, answered by 500
        _emit_unexpected("a delivery could not be taken", error)
        return answer({"outcome": "bug", "message": type(error).__name__}, 500)


def _route(request: flask.Request) -> flask.Response:
    for path, methods in ROUTES.items():
        match = re.fullmatch(re.sub(r"{\w+}", "([^/]+)", path), request.path)
        if match is None:
            continue
        handler = methods.get("GET" if request.method == "HEAD" else request.method)
        if handler is None:
            allowed = ", ".join(methods)
            raise ProblemError(405, f"use {allowed} here", allow=allowed)
        return handler(request, *match.groups())
    known = ", ".join(f"{method} {path}" for path, ms in ROUTES.items() for method in ms)
    raise ProblemError(404, f"there is nothing at this path; there is {known}")


def _post(request: flask.Request) -> flask.Response:
    body = _body(request, MOST_BODY_BYTES)
    if body is None:
        raise ProblemError(413, f"the body is over {MOST_BODY_BYTES} bytes; send less")
    call = scheduled_call(request.headers, request.path, body, utc_now())
    result = _dispatcher().dispatch(parse_request(body), call, _deadline())
    if result.dry_run or not result.dispatched:
        return answer(result.body(), 200)
    return answer(result.body(), 202, Location=f"/runs/{result.run}")


def _run(request: flask.Request, run: str) -> flask.Response:  # noqa: ARG001  as all handlers
    if not re.match(RUN_PATTERN, run):
        raise ProblemError(404, "there is no run of that name; they have a-z, 0-9 and -")
    return answer(_dispatcher().run(run, _deadline()), 200)


ROUTES: dict[str, dict[str, Callable[..., flask.Response]]] = {
    "/": {"POST": _post},
    "/runs/{run}": {"GET": _run},
}


def _body(request: flask.Request, most: int) -> bytes | None:
    """Return the body, or None where it is longer than `most` bytes."""
    if (request.content_length or 0) > most:
        return None
    body = request.stream.read(most + 1)
    return body if len(body) <= most else None


def _refuse(request: flask.Request, error: ProblemError) -> flask.Response:
    _logging()
    from ingest.logs import emit

    emit(
        "request_refused",
        f"Answered {error.status} to {request.method} {request.path[:200]!r}: {error.detail}",
        status=error.status,
        reason=error.extra.get("reason"),
    )
    return problem(error)


def _emit_unexpected(sentence: str, error: Exception) -> None:
    _logging()
    from ingest.logs import emit

    emit("unexpected_error", sentence, error=error)


def _once(build: Callable[[], T]) -> Callable[[], T]:
    """Build at the first call, whichever thread makes it; an error is not remembered."""
    cached = cache(build)

    def get() -> T:
        with _building:
            return cached()

    return get


@_once
def _settings() -> Settings:
    return read_settings(os.environ)


@_once
def _logging() -> None:
    from ingest.logs import configure

    configure(os.environ.get("GOOGLE_CLOUD_PROJECT"))


@_once
def _lake() -> "Lake":
    from google.cloud.storage import Client

    from ingest.lake import Lake

    settings = _settings()
    return Lake(Client(project=settings.project).bucket(settings.bucket))


@_once
def _publisher() -> "Publisher":
    from ingest.publish import Publisher, new_client

    return Publisher(new_client(), require_topic(_settings()))


@_once
def _dispatcher() -> "Dispatcher":
    from ingest.dispatcher import Dispatcher

    settings = _settings()
    require_topic(settings)
    _logging()
    return Dispatcher(
        load_catalogue(settings.feeds),
        _lake(),
        _publisher,
        max_periods=settings.max_periods,
        now=utc_now,
    )


@_once
def _worker() -> "Worker":
    from ingest.memory import share_one_arena
    from ingest.session import new_session
    from ingest.source import Source
    from ingest.transfer import Transfer
    from ingest.worker import Worker

    share_one_arena()
    settings = _settings()
    _logging()
    source = Source(new_session(), settings.contact, now=utc_now)
    transfer = Transfer(_lake(), source, utc_now)
    return Worker(
        load_catalogue(settings.feeds),
        _lake(),
        transfer,
        deadline_seconds=settings.deadline_seconds,
        max_attempts=settings.max_attempts,
        now=utc_now,
        monotonic=time.monotonic,
    )


def _deadline() -> Deadline:
    return Deadline(_settings().deadline_seconds, time.monotonic)
