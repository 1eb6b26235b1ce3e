"""The identity token that a deployed dispatcher asks for."""

import subprocess
import time

import requests
from google.auth import jwt
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import Request
from google.oauth2 import id_token

from ingest.errors import LakefillError

_GCLOUD_SECONDS = 60
# A token is renewed this long before it ends, so that no request carries a stale one.
_MARGIN_SECONDS = 120


class IdentityError(LakefillError):
    """There is no identity to call a deployed dispatcher with."""


class IdentityToken(requests.auth.AuthBase):
    """Adds a token for `audience` to each request, and renews it in time.

    Being a request's `auth`, it is also what keeps a netrc file from replacing it.
    """

    def __init__(self, audience: str) -> None:
        self._audience = audience
        self._token, self._expires = "", 0.0

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Sign a request; raise IdentityError where there is no token to be had."""
        if time.time() > self._expires - _MARGIN_SECONDS:
            self._token = _fetch(self._audience)
            self._expires = _expiry(self._token)
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _expiry(token: str) -> float:
    claims = jwt.decode(token, verify=False)  # type: ignore[no-untyped-call]
    return float(claims["exp"])


def _fetch(audience: str) -> str:
    """Get a token as a service account where there is one, else as gcloud's user."""
    try:
        return str(id_token.fetch_id_token(Request(), audience))  # type: ignore[no-untyped-call]
    except GoogleAuthError:
        pass
    command = ["gcloud", "auth", "print-identity-token"]
    try:
        printed = subprocess.run(  # noqa: S603  fixed words
            command, capture_output=True, text=True, check=True, timeout=_GCLOUD_SECONDS
        )
    except (OSError, subprocess.SubprocessError) as error:
        said = (getattr(error, "stderr", None) or str(error)).strip()
        raise IdentityError(
            f"There is no identity to call {audience} with ({said}). Log in with "
            "`gcloud auth login`, or set GOOGLE_APPLICATION_CREDENTIALS to a service account's "
            "key; the account needs roles/run.invoker on the service."
        ) from None
    return printed.stdout.strip()
