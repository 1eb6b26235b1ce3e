"""Log lines: one an event, structured for Cloud Logging, readable in a terminal.

Whenever the output is not a terminal, a line is JSON with `severity`, `event`, the event's
fields and a `message` sentence; google-cloud-logging's handler adds trace and source location.
"""

import logging
import sys
from typing import Any, Literal, TextIO

import flask
from google.cloud.logging_v2.handlers import StructuredLogHandler

from ingest.visible import visible

Event = Literal[
    "period_stored",
    "period_unchanged",
    "period_revised",
    "period_not_yet",
    "period_absent",
    "period_rejected",
    "period_retry",
    "period_failed",
    "period_suspect",
    "message_invalid",
    "unexpected_error",
    "run_dispatched",
    "request_refused",
    "audit_feed",
    "audit_done",
]

SEVERITIES: dict[Event, int] = {
    "period_stored": logging.INFO,
    "period_unchanged": logging.INFO,
    "period_revised": logging.WARNING,
    "period_not_yet": logging.INFO,
    "period_absent": logging.ERROR,
    "period_rejected": logging.ERROR,
    "period_retry": logging.WARNING,
    "period_failed": logging.ERROR,
    "period_suspect": logging.WARNING,
    "message_invalid": logging.ERROR,
    "unexpected_error": logging.ERROR,
    "run_dispatched": logging.INFO,
    "request_refused": logging.WARNING,
    # Both are ERROR where something is amiss.
    "audit_feed": logging.INFO,
    "audit_done": logging.INFO,
}

_logger = logging.getLogger("lakefill")


def emit(
    event: Event,
    sentence: str,
    *,
    error: BaseException | None = None,
    amiss: bool = False,
    foreseen: bool = False,
    **fields: object,
) -> None:
    """Write one event's line; with `error`, its stack trace follows the sentence.

    What is `amiss` is an ERROR, whatever the event's own severity, and what was `foreseen`
    an INFO.
    """
    known = {name: _clean(value) for name, value in fields.items() if value is not None}
    usual = logging.INFO if foreseen else SEVERITIES[event]
    _logger.log(
        logging.ERROR if amiss else usual,
        "%s",
        visible(sentence),
        exc_info=error,
        extra={"json_fields": {"event": event, **known}},
        stacklevel=2,
    )


def configure(project: str | None, stream: TextIO | None = None) -> None:
    """Send all log lines of this process, those of libraries too, to `stream` (stdout).

    `project` makes trace ids into names that Cloud Logging links.
    """
    # Not sys.stdout: functions-framework swaps that for the length of a request.
    stream = stream or sys.__stdout__ or sys.stderr
    handler: logging.Handler
    if stream.isatty():
        handler = logging.StreamHandler(stream)
        handler.setFormatter(_Readable("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S"))
    else:
        handler = _Structured(stream=stream, project_id=project)  # type: ignore[no-untyped-call]
    # functions-framework gives the root logger a handler of its own where LOG_EXECUTION_ID is
    # set; two would write every line twice.
    logging.getLogger().handlers = [handler]
    _logger.setLevel(logging.INFO)
    _logger.filters = [_add_execution_id]


class _Structured(StructuredLogHandler):
    """Google's handler, without the line about the library that it begins with."""

    def emit_instrumentation_info(self) -> None:
        """Emit nothing: that line would be no event."""


class _Readable(logging.Formatter):
    """A line for people: the sentence, then the event's name. Nothing in it is a control."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  logging's name
        """Return the line; libraries log what they were told, too."""
        record.message = visible(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:  # noqa: ANN401, N802  as in the base class
        """Return the trace, its lines kept."""
        return visible(super().formatException(ei), keep="\n")

    def format(self, record: logging.LogRecord) -> str:
        fields = getattr(record, "json_fields", {})
        line = super().format(record)
        return f"{line} [{fields['event']}]" if "event" in fields else line


def _add_execution_id(record: logging.LogRecord) -> bool:
    """Label the line with the execution id that functions-framework gives each request."""
    if flask.has_request_context():
        execution_id = flask.request.headers.get("Function-Execution-Id")
        if execution_id:
            record.labels = {"execution_id": _clean(execution_id)}
    return True


def _clean(value: object) -> object:
    """Make text writable: half a surrogate pair, say, has no bytes in UTF-8."""
    return (
        value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value
    )
