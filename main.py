"""The two Cloud Functions: `dispatch` (asked by Scheduler and people), `worker` (by Pub/Sub).

Importing this module is cheap, and neither pays for what the other needs; settings are read and
clients built at the first request, once.
"""

import flask
import functions_framework


@functions_framework.http
def dispatch(request: flask.Request) -> flask.Response:
    """Turn a date or a range into one message a period, and answer what became of it."""
    from ingest.app import handle_dispatch

    return handle_dispatch(request)


@functions_framework.http
def worker(request: flask.Request) -> flask.Response:
    """Take one pushed message and bring its period into the lake."""
    from ingest.delivery import handle_delivery

    return handle_delivery(request)
