"""What a stack needs of the machine before it starts: a folder, a port, a catalogue."""

import fcntl
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from ingest.feeds import load_catalogue
from ingest.local.process import StackError


@contextmanager
def exclusive_folder(folder: Path) -> Iterator[None]:
    """Make a folder and keep other stacks out of it; raise StackError where that fails."""
    try:
        (folder / "logs").mkdir(parents=True, exist_ok=True)
        (folder / "lake").mkdir(exist_ok=True)
        lock = (folder / "lock").open("wb")
    except OSError as error:
        raise StackError(
            f"{folder} cannot be written to ({error.strerror}); "
            "choose another folder by --state DIR"
        ) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StackError(
                f"another lakefill is running in {folder}; stop it first, "
                "or give this one a folder of its own by --state DIR"
            ) from None
        yield


def check_port(port: int) -> None:
    """Raise StackError where nothing can listen on a port of this machine."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError as error:
        raise StackError(
            f"port {port} cannot be listened on ({os.strerror(error.errno or 0)}); stop what "
            "uses it, or choose another one by --port (0 takes any that is free)"
        ) from None


def write_catalogue(catalogue: Path, source_url: str, target: Path) -> None:
    """Copy a catalogue, with `source_url` for the scheme and host of every feed's URL.

    Raises ConfigurationError where it is no catalogue, and StackError where a host is written
    so that it cannot be replaced: no request may go to a real source by accident.
    """
    text = catalogue.read_text("utf-8")
    for _, origin in _origins(catalogue):
        text = re.sub(rf"{re.escape(origin)}(?=[/\s\"'])", lambda _: source_url, text)
    target.write_text(text, "utf-8")
    for name, origin in _origins(target):
        if origin != source_url:
            raise StackError(
                f"the sample source cannot stand in for {origin}, of {name}, as that is "
                "written; write its host out in full, or ask it itself by --real-source"
            )


def _origins(catalogue: Path) -> set[tuple[str, str]]:
    """Return the feeds' names, each with the scheme and host of its URLs."""
    found = set()
    for feed in load_catalogue(catalogue).values():
        for address in feed.addresses:
            parts = urlsplit(address.template.prefix)
            found.add((feed.name, f"{parts.scheme}://{parts.netloc}"))
    return found
