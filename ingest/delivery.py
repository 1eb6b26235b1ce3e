"""The worker function's inside: from a pushed message to an answer."""

import flask

from ingest import built
from ingest.errors import ConfigurationError
from ingest.problems import answer, read_body

# A pushed message of ours has some 500 bytes; Pub/Sub's own limit is 10 MB.
_MOST_PUSH_BYTES = 64 * 1024


def handle_delivery(request: flask.Request) -> flask.Response:
    """Answer a request to the worker function: one pushed message."""
    try:
        body = read_body(request, _MOST_PUSH_BYTES)
        # Too long a body is no message of ours; cut off, it is no JSON either.
        return answer(*built.worker().deliver(body or b""))
    except ConfigurationError as error:
        sentence = f"the worker is not configured: {error}"
        built.emitter()("unexpected_error", sentence, error=error)
        return answer({"outcome": "bug", "message": str(error)}, 500)
    except Exception as error:  # noqa: BLE001  the last line of defence: logged, answered by 500
        sentence = "a delivery could not be taken"
        built.emitter()("unexpected_error", sentence, error=error)
        return answer({"outcome": "bug", "message": type(error).__name__}, 500)
