"""The interface described, OpenAPI 3.1: `openapi.yaml`, which the tests hold to the code."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from ingest import __version__


@cache
def description() -> dict[str, Any]:
    """Return the description of what dispatch serves."""
    text = Path(__file__).with_name("openapi.yaml").read_text("utf-8")
    described: dict[str, Any] = yaml.safe_load(text)
    described["info"]["version"] = __version__
    return described
