"""What can end an attempt at one period, as a tree.

- `LakefillError`
    - `ConfigurationError`: a setting or the catalogue; the operator mends it
    - `TransferError`: one attempt at one period did not store anything
        - `RetryError`: worth another delivery
            - `StartOverError`: worth another start in the same one
        - `AbsentError`: the source does not have the file
        - `RejectedError`: the source's answer is not the file

Reasons are fixed words: alerts, log metrics and failure records are grouped by them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

Reason = Literal[
    # RetryError
    "network",
    "stalled",
    "cut",
    "throttled",
    "server_error",
    "request_timeout",
    "accepted",
    "outdated",
    "count",
    "deadline",
    "storage",
    "permission",
    "raced",
    # AbsentError
    "absent",
    "few",
    # RejectedError
    "html",
    "empty",
    "small",
    "large",
    "header",
    "limit",
    "gzip",
    "zip",
    "parquet",
    "encoding",
    "status",
    "redirect",
]


_LONGEST_URL = 200


class LakefillError(Exception):
    """Whatever lakefill itself raises."""


class ConfigurationError(LakefillError):
    """A setting or the catalogue is missing or malformed; the message names which and why."""


class TransferError(LakefillError):
    """One attempt at one period did not store anything.

    `reason` is the fixed word, the message a clause for people, `source_status` the HTTP
    status the source gave, where it gave one; `url` what it was asked for, which the clause
    then ends with.
    """

    def __init__(
        self, reason: Reason, message: str, *, source_status: int | None = None
    ) -> None:
        super().__init__(message)
        self.reason: Reason = reason
        self.source_status = source_status
        self.url: str | None = None

    def __str__(self) -> str:
        """Return the clause; the URL comes last, since records cut what is long."""
        clause = super().__str__()
        return clause if self.url is None else f"{clause}; asked for {self.url[:_LONGEST_URL]}"


@contextmanager
def asking(url: str) -> Iterator[None]:
    """Have what ends an attempt in here say that `url` was asked for."""
    try:
        yield
    except TransferError as error:
        error.url = url
        raise


class RetryError(TransferError):
    """Passing trouble: Pub/Sub delivers the message again."""


class StartOverError(RetryError):
    """A transfer broke off that cannot be taken up where it did; `cause` says how it broke."""

    def __init__(self, cause: RetryError) -> None:
        super().__init__(cause.reason, str(cause), source_status=cause.source_status)


class AbsentError(TransferError):
    """The source does not have the file (yet)."""


class RejectedError(TransferError):
    """The source's answer is not the file, and asking again at once would not change it."""
