"""Calls of Cloud Storage: how long one may take, and what its refusals mean."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
import urllib3
from google.api_core import exceptions as api
from google.api_core.retry import Retry
from google.auth.exceptions import GoogleAuthError
from google.cloud.storage.exceptions import DataCorruption, InvalidResponse
from google.cloud.storage.retry import DEFAULT_RETRY

from ingest.deadline import Deadline
from ingest.errors import RetryError

# Longest wait for one answer of Cloud Storage, and longest retrying of one call, in seconds.
ANSWER_SECONDS = 30.0
CALL_SECONDS = 60.0

# What the client raises once its own retries are over.
_TROUBLE = (
    api.GoogleAPIError,
    GoogleAuthError,
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    DataCorruption,
    InvalidResponse,
    ConnectionError,
)

_ROLE = "the service account needs roles/storage.objectUser on the bucket"


class PreconditionError(Exception):
    """Another writer was faster: the object is not the one that was seen."""


@contextmanager
def storage_trouble() -> Iterator[None]:
    """Turn what the Storage client raises into RetryError or PreconditionError."""
    try:
        yield
    except _TROUBLE as error:
        what = f"Cloud Storage: {type(error).__name__}: {error}"
        match _status(error):
            case 412:
                raise PreconditionError from None
            case 401 | 403:
                raise RetryError("permission", f"{what}; {_ROLE}") from error
            case _:
                raise RetryError("storage", what) from error


def _status(error: BaseException) -> int | None:
    """Return the HTTP status that the client was answered with, if it was."""
    if isinstance(error, api.GoogleAPICallError):
        return error.code
    return getattr(getattr(error, "response", None), "status_code", None)


def patience(deadline: Deadline, retry: Retry = DEFAULT_RETRY) -> dict[str, Any]:
    """Return the keyword arguments that keep one client call within the deadline.

    Two thirds of what is left for its tries, and one for the answer of the last of them.
    """
    third = deadline.left() / 3
    return {
        "timeout": min(third, ANSWER_SECONDS),
        "retry": retry.with_timeout(min(2 * third, CALL_SECONDS)),
    }
