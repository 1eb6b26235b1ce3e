"""What Cloud Storage promises and fake-gcs-server does not keep.

Preconditions hold on every write, metageneration counts the changes of metadata, and a
resumable upload can be asked how far it got, be sent bytes twice, and be cancelled
(https://cloud.google.com/storage/docs/request-preconditions,
https://cloud.google.com/storage/docs/performing-resumable-uploads).
"""

import json
import re
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import IO, Any
from urllib.parse import parse_qs, urlsplit

from tests.support.storage_request import Key, Request
from tests.support.upstream import Response, Upstream

_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")


@dataclass
class Session:
    """A resumable upload."""

    request: Request
    """The one that began it; its preconditions hold at the end as well."""
    received: int = 0
    """Bytes that the server has."""
    outcome: tuple[int, dict[str, str], bytes] | None = None
    """The answer that ended it, which every later request gets again."""


class StorageRules:
    """Lets requests through to the server behind, or answers them, as Cloud Storage would."""

    def __init__(self) -> None:
        self._locks: defaultdict[Key, threading.Lock] = defaultdict(threading.Lock)
        self._locks_lock = threading.Lock()
        self._metagenerations: dict[Key, tuple[int, int]] = {}
        self._sessions: dict[str, Session] = {}

    def uploaded(self, upload_id: str) -> Key | None:
        """Tell the object of a resumable upload."""
        session = self._sessions.get(upload_id)
        return session.request.key if session else None

    def handle(self, request: Request, body: IO[bytes], upstream: Upstream) -> Response:
        """Answer a request whose body is whole."""
        match request.operation:
            case "insert" | "rewrite" | "copy" | "delete" | "resumable_start":
                with self._alone_with(request):
                    refusal = self._refusal(request, upstream)
                    response = refusal or _relay(request, body, upstream)
                if request.operation == "resumable_start" and "Location" in response.headers:
                    self._sessions[_upload_id(response.headers["Location"])] = Session(request)
            case "patch" | "update":
                with self._alone_with(request):
                    response = self._refusal(request, upstream) or self._revise(
                        request, body, upstream
                    )
            case "resumable_chunk" | "resumable_cancel" if session := self._sessions.get(
                request.query["upload_id"]
            ):
                with self._alone_with(request):
                    response = self._continue(session, request, body, upstream)
            case _:
                response = _relay(request, body, upstream)
        if request.operation != "download":
            self._correct(response, request, upstream)
        return response

    @contextmanager
    def _alone_with(self, request: Request) -> Iterator[None]:
        """Hold the objects that a request reads and writes."""
        keys = {request.key} | ({request.source} if request.source else set())
        with self._locks_lock:
            locks = [self._locks[key] for key in sorted(keys)]
        with ExitStack() as stack:
            for lock in locks:
                stack.enter_context(lock)
            yield

    def _refusal(self, request: Request, upstream: Upstream) -> Response | None:
        """Answer 412 where a precondition does not hold.

        What is not there at all is left to the server behind, which answers 404.
        """
        checks = [("if", request.key)] + (
            [("ifSource", request.source)] if request.source else []
        )
        for prefix, key in checks:
            if not any(name.startswith(prefix) for name in request.query):
                continue
            state = self._state(key, upstream)
            needed = prefix == "ifSource" or request.operation in {"patch", "update", "delete"}
            if needed and state == (0, 0):
                return None
            if not _holds(request.query, prefix, *state):
                return Response.error(412)
        return None

    def _state(self, key: Key, upstream: Upstream) -> tuple[int, int]:
        """Return an object's generation and metageneration, zeros when there is none."""
        generation = upstream.generation(key)
        return generation, self._metageneration(key, generation) if generation else 0

    def _metageneration(self, key: Key, generation: int) -> int:
        counted_for, metageneration = self._metagenerations.get(key, (generation, 1))
        return metageneration if counted_for == generation else 1

    def _revise(self, request: Request, body: IO[bytes], upstream: Upstream) -> Response:
        """Change metadata and count it."""
        _, metageneration = self._state(request.key, upstream)
        response = _relay(request, body, upstream)
        if response.status != 200:
            return response
        response.body.close()
        # Another generation here is the filesystem backend's doing. The server's own answer
        # is not an object resource: it lacks half of the fields.
        generation = upstream.generation(request.key)
        self._metagenerations[request.key] = generation, metageneration + 1
        return upstream.get(request.key)

    def _continue(
        self, session: Session, request: Request, body: IO[bytes], upstream: Upstream
    ) -> Response:
        if session.outcome:
            status, headers, content = session.outcome
            return Response.of(status, headers, content)
        if request.operation == "resumable_cancel":
            response = _relay(request, body, upstream)
            with Response.error(410) as gone:
                session.outcome = gone.status, gone.headers, gone.content
            return response
        first, last, total = _content_range(request)
        if first > session.received:
            # Worded as Cloud Storage does.
            return Response.error(
                400,
                f"the upload offset is {first} byte(s), which exceeds already uploaded size",
            )
        ends = total is not None and total == max(last + 1, session.received)
        if last < session.received and not ends:
            return _so_far(session)
        if ends and (refusal := self._refusal(session.request, upstream)):
            response = refusal
        else:
            response = _send_rest(session, request, body, upstream, last=last, total=total)
        if response.status == 308:
            session.received = last + 1
        elif response.status < 500:
            self._correct(response, request, upstream)
            session.outcome = response.status, response.headers, response.content
        return response

    def _correct(self, response: Response, request: Request, upstream: Upstream) -> None:
        """Put true metagenerations, and links that lead here, into object resources."""
        if response.status != 200 or "json" not in response.headers.get("Content-Type", ""):
            return
        answer = json.loads(response.content)
        if not isinstance(answer, dict):
            return
        for resource in [answer, *answer.get("items", []), answer.get("resource", {})]:
            if resource.get("kind") == "storage#object":
                self._correct_resource(resource, request, upstream)
        response.body.seek(0)
        response.body.truncate()
        response.body.write(json.dumps(answer).encode())

    def _correct_resource(
        self, resource: dict[str, Any], request: Request, upstream: Upstream
    ) -> None:
        key = resource["bucket"], resource["name"]
        metageneration = self._metageneration(key, int(resource["generation"]))
        resource["metageneration"] = str(metageneration)
        for link in ("selfLink", "mediaLink"):
            here = f"http://{request.headers['Host']}"
            resource[link] = resource[link].replace(upstream.url, here, 1)


def _relay(request: Request, body: IO[bytes], upstream: Upstream) -> Response:
    # The client asks for versions=True; this server only understands true.
    target = request.target.replace("versions=True", "versions=true")
    return upstream.send(request.method, target, request.headers, body, request.size)


def _send_rest(
    session: Session,
    request: Request,
    body: IO[bytes],
    upstream: Upstream,
    *,
    last: int,
    total: int | None,
) -> Response:
    """Pass on the bytes of a chunk that the server does not have yet.

    It would append the others once more.
    """
    size = max(last + 1 - session.received, 0)
    body.seek(request.size - size)
    span = f"{session.received}-{last}" if size else "*"
    content_range = f"bytes {span}/{'*' if total is None else total}"
    headers = {**request.headers, "Content-Range": content_range}
    return upstream.send(request.method, request.target, headers, body, size)


def _so_far(session: Session) -> Response:
    has = {"Range": f"bytes=0-{session.received - 1}"} if session.received else {}
    return Response.of(308, has)


def _content_range(request: Request) -> tuple[int, int, int | None]:
    """First and last byte of a chunk, and the size of the object where it is known.

    A chunk without bytes begins at 0 and ends at -1.
    """
    match = _CONTENT_RANGE.fullmatch(request.headers["Content-Range"])
    assert match
    first, last = (int(match[1]), int(match[2])) if match[1] else (0, -1)
    return first, last, None if match[3] == "*" else int(match[3])


def _upload_id(location: str) -> str:
    return parse_qs(urlsplit(location).query)["upload_id"][0]


def _holds(query: Mapping[str, str], prefix: str, generation: int, metageneration: int) -> bool:
    """Whether the preconditions hold; an object that is not there has zeros."""
    # The client spells one of them ifMetaGenerationNotMatch on uploads.
    query = {name.lower(): value for name, value in query.items()}
    for field, actual in (("generation", generation), ("metageneration", metageneration)):
        wanted = query.get(f"{prefix}{field}match".lower())
        unwanted = query.get(f"{prefix}{field}notmatch".lower())
        if wanted is not None and int(wanted) != actual:
            return False
        if unwanted is not None and int(unwanted) == actual:
            return False
    return True
