"""The coverage page: HTML made from a LakeCoverage. Pure."""

from html import escape

from ingest.coverage import LakeCoverage
from ingest.times import iso

CONTENT_SECURITY_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'"


def render(coverage: LakeCoverage) -> str:
    """Return the page that shows all feeds at one instant."""
    rows = [
        f"<tr><th>{escape(feed.feed.title)}<td>{feed.stored:,} / {feed.expected:,}"
        for feed in coverage.feeds
    ]
    rows += [f"<tr><th>{escape(name)}<td>{escape(e)}" for name, e in coverage.unknown.items()]
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{CONTENT_SECURITY_POLICY}">'
        f"<title>lakefill</title><table><caption>As of {iso(coverage.as_of)}</caption>"
        f"{''.join(rows)}</table></html>\n"
    )
