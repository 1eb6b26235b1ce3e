"""The catalogue as the local stack uses it: the same feeds, fetched from another server."""

import re
from pathlib import Path
from urllib.parse import urlsplit

from ingest.feeds import load_catalogue


def rerouted(catalogue: Path, source_url: str) -> str:
    """Return a catalogue's text with `source_url` for every scheme and host of its URLs.

    Raises ConfigurationError where it is no catalogue.
    """
    text = catalogue.read_text("utf-8") if load_catalogue(catalogue) else ""
