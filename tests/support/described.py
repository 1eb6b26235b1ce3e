"""What dispatch answers is what its description says it may."""

import re
from urllib.parse import urlsplit

import requests

from ingest.openapi import description


def described(method: str, path: str) -> set[int] | None:
    """The statuses that are described for a request; None where no route is."""
    for template, operations in description()["paths"].items():
        if re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template)), path):
            operation = operations.get("get" if method == "HEAD" else method.lower())
            return {int(s) for s in operation["responses"]} if operation else {405}
    return None


def check(response: requests.Response, *_: object, **__: object) -> None:
    """Fail where a status is not described; a hook for `requests`."""
    request = response.request
    path = urlsplit(request.url or "").path
    statuses = described(request.method or "", path) or {404}
    assert response.status_code in statuses, (request.method, path, response.text[:300])
