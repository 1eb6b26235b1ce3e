"""The stack in the foreground: where everything is, what to paste, log lines as they come."""

import json
import time

from rich.console import Console
from rich.text import Text

from ingest.feeds import load_catalogue
from ingest.local.options import Options
from ingest.local.stack import Stack
from ingest.local.suggestions import suggestions
from ingest.local.terminal import print_pairs, shown
from ingest.times import utc_now
from ingest.visible import visible

_STYLES = {"WARNING": "yellow", "ERROR": "red", "CRITICAL": "red"}


def serve(console: Console, options: Options) -> None:
    """Run a stack until a signal ends it; raise StackError where a part of it ends."""
    with Stack(options) as stack:
        _introduce(console, stack)
        stack.wait()


def show_line(console: Console, name: str, line: str) -> None:
    """Print a line of a function's output as a person reads it."""
    try:
        entry = json.loads(line)
        severity, message = str(entry["severity"]), str(entry["message"])
    except KeyError:
        return  # the logging library introduces itself
    except (ValueError, TypeError):
        severity, message = "", line  # not of ours: of Python's or a library's own
    message = visible(message, keep="\n\t")  # a stack trace has lines
    text = f"{time.strftime('%H:%M:%S')} {severity:<7} {name:<8} {message}"
    console.print(Text(text, style=_STYLES.get(severity, "")))


def _introduce(console: Console, stack: Stack) -> None:
    options, url = stack.options, stack.url.replace("127.0.0.1", "localhost")
    source = f"{stack.source_url} (sample files)" if stack.source_url else "the feeds' own"
    console.print("lakefill is up. Ctrl-C stops it; the lake stays.", style="bold")
    parts = [
        ("dispatch", url),
        ("worker", stack.worker_url),
        ("Pub/Sub", f"{stack.pubsub.host} ({options.pubsub})"),
        ("storage", f"{stack.storage_url}, bucket {options.bucket}"),
        ("source", source),
        ("lake", f"{shown(stack.lake)}/"),
        ("logs", f"{shown(stack.log('worker').parent)}/"),
    ]
    print_pairs(console, parts)
    console.print("Ask it for", style="bold")
    asked = suggestions(load_catalogue(options.catalogue), utc_now())
    print_pairs(console, [(what, f"curl -d '{body}' {url}") for what, body in asked])
    console.print()
