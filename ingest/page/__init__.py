"""The coverage page: one HTML document made from a LakeCoverage. Pure.

It is whole by itself: style and script are in it, allowed by their hashes and nothing else, so
that the copy in the bucket is as strict as the one that dispatch serves. Whatever comes from a
catalogue, a source or a record is escaped by the template.
"""

import base64
import hashlib
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from ingest.coverage import LakeCoverage
from ingest.page.view import view

_FOLDER = Path(__file__).parent
_STYLE = (_FOLDER / "page.css").read_text("utf-8")
_SCRIPT = (_FOLDER / "page.js").read_text("utf-8")


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


_POLICY = (
    f"default-src 'none'; style-src {_hash(_STYLE)}; script-src {_hash(_SCRIPT)}; "
    "img-src data:; base-uri 'none'; form-action 'none'"
)
# What a document cannot say of itself is in the header alone.
CONTENT_SECURITY_POLICY = f"{_POLICY}; frame-ancestors 'none'"


def render(coverage: LakeCoverage) -> str:
    """Return the page that shows all feeds at one instant."""
    return _template().render(
        page=view(coverage),
        policy=Markup(_POLICY),  # noqa: S704  a constant, as are the next two
        style=Markup(_STYLE),  # noqa: S704
        script=Markup(_SCRIPT),  # noqa: S704
    )


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("page.html")
