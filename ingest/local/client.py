"""A client of dispatch's HTTP interface."""

import time
from collections.abc import Callable, Iterator
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

import msgspec
import requests

from ingest.errors import LakefillError
from ingest.local.identity import IdentityToken

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
# A request of 200,000 periods is planned and published, and a whole lake is listed, within
# dispatch's own deadline; how far a run is, is one listing.
_CONNECT_SECONDS = 10
_ANSWER_SECONDS = 540
_RUN_SECONDS = 30
# Passing trouble while a run is followed: how long it may last.
_SILENCE_SECONDS = 60.0
_POLL_SECONDS = 0.4
_LONGEST_ECHO = 300


class AnswerError(LakefillError):
    """Dispatch refused, or did not answer; `status` is None where there was no answer."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class Skip(msgspec.Struct, frozen=True):
    """A period that is left alone, and why."""

    period: str
    reason: str


class Dispatched(msgspec.Struct, frozen=True):
    """What a request came to."""

    run: str
    feed: str
    dispatched: list[str]
    skipped: list[Skip]


class RunPeriod(msgspec.Struct, frozen=True):
    """A period of a run; its outcome is None until it is final."""

    period: str
    outcome: str | None
    reason: str | None = None


class Run(msgspec.Struct, frozen=True):
    """A run as it stands."""

    run: str
    feed: str
    done: bool
    periods: list[RunPeriod]

    @property
    def finished(self) -> int:
        """How many periods have a final outcome."""
        return sum(period.outcome is not None for period in self.periods)


T = TypeVar("T")


class DispatchClient:
    """Talks to the dispatch function at a URL; a context manager."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._session = requests.Session()
        parts = urlsplit(url)
        if parts.hostname in _LOOPBACK:
            self._session.trust_env = False  # no proxy stands between us and this machine
        elif parts.scheme == "https":  # a token never travels in the clear
            self._session.auth = IdentityToken(self.url)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def dispatch(self, request: dict[str, Any]) -> Dispatched:
        """Send a request; raise AnswerError where it is refused or fails."""
        return self._ask("POST", "/", Dispatched, _ANSWER_SECONDS, json=request)

    def follow(
        self,
        run: str,
        timeout: float,
        watch: Callable[[], None] = lambda: None,
        on_silence: Callable[[str], None] = lambda _: None,
    ) -> Iterator[Run]:
        """Yield a run's state at least once, until it is done or the time is over.

        `watch` is called before each look, `on_silence` when dispatch stops answering, with a
        sentence that says so. Raises AnswerError where that lasts for longer than a moment.
        """
        heard = started = time.monotonic()
        silent = False
        while True:
            watch()
            asked = time.monotonic()
            try:
                run_now = self._ask("GET", f"/runs/{run}", Run, _RUN_SECONDS)
            except AnswerError as error:
                passing = error.status is None or error.status >= 500
                if not passing or asked > heard + _SILENCE_SECONDS:
                    raise
                if not silent:
                    on_silence(f"{error}. Asking again for {_SILENCE_SECONDS:g} s.")
                silent = True
            else:
                silent = False
                yield run_now
                heard = time.monotonic()
                if run_now.done or heard > started + timeout:
                    return
            # A long run's state is costly to put together: it is not asked for all the time.
            time.sleep(max(_POLL_SECONDS, heard - asked))

    def coverage(self, **query: str) -> dict[str, Any]:
        """Return coverage as its JSON: all feeds in summary, or `feed` with its periods.

        `start` and `end` narrow the periods. Raises AnswerError where it cannot be had.
        """
        return self._ask("GET", "/coverage", dict[str, Any], _ANSWER_SECONDS, params=query)

    def _ask(
        self, method: str, path: str, expected: type[T], seconds: float, **kwargs: object
    ) -> T:
        try:
            response = self._session.request(
                method,
                self.url + path,
                timeout=(_CONNECT_SECONDS, seconds),
                allow_redirects=False,
                **kwargs,  # type: ignore[arg-type]
            )
        except requests.ReadTimeout:
            raise AnswerError(
                f"{self.url} has not answered within {seconds:g} s; ask for less at once, "
                "by --feed, or by dates"
            ) from None
        except requests.RequestException as error:
            raise AnswerError(
                f"nothing answers at {self.url} ({_cause(error)}); start the local stack by "
                "`lakefill up`, or name another dispatcher by --url"
            ) from None
        if response.status_code not in range(200, 300):
            raise AnswerError(_detail(response), response.status_code)
        try:
            return msgspec.json.decode(response.content, type=expected)
        except msgspec.DecodeError as error:
            raise AnswerError(f"what answers at {self.url} is no dispatcher: {error}") from None


def _cause(error: BaseException) -> str:
    """Return what lies at the bottom of the client's wrapping."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return str(error)[:_LONGEST_ECHO]


def _detail(response: requests.Response) -> str:
    """Return what a problem says, or what else came in its place."""
    try:
        detail = response.json()["detail"]
    except (ValueError, KeyError, TypeError):
        detail = None
    if isinstance(detail, str):
        return detail
    if response.status_code in {401, 403}:
        return (
            f"{response.url} answered {response.status_code}: the caller is not let in; "
            "its account needs roles/run.invoker on the service"
        )
    text = " ".join(response.text[:_LONGEST_ECHO].split())
    return f"{response.url} answered {response.status_code}: {text or response.reason}"
