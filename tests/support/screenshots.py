"""The pictures of the coverage page in the README: `make screenshots` takes them.

The weeks shown are invented: which of them are missing, and why. It needs Chromium.
"""

import datetime as dt
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from ingest.coverage import FailedOutcome, Failure, FeedCoverage
from ingest.feed import Feed
from ingest.feeds import load_catalogue
from tests.support.chromium import ARGUMENTS, find
from tests.support.pages import covered, page_of
from tests.support.strategies import at, feed_of

FOLDER = Path(__file__).parents[2] / "docs" / "images"
_NOW = dt.datetime(2024, 2, 11, 15, tzinfo=dt.UTC)
_LATE = {"2020-03-07", "2020-03-14", "2020-03-21"}
_SENT_A_PAGE = {"2017-09-23"}
_WENT_DOWN = {"2022-11-05", "2022-11-12"}
_AWAITED = {"2024-02-10"}
_REVISED = {"2011-06-04", "2014-10-18", "2015-07-25", "2021-05-01"}


def weeks() -> FeedCoverage:
    """Fourteen years of the packaged feed, with the troubles that a lake may have."""
    packaged = load_catalogue()["mta-turnstile"]
    feed = replace(packaged, keep_from=at(2010, 5, 5))
    return _covered(feed, _LATE | _SENT_A_PAGE | _WENT_DOWN | _AWAITED)


def hours() -> FeedCoverage:
    """Some months of a feed by the hour."""
    keys = {"first": "2023-11-01T00", "title": "Bicycles in use", "grace": "30h"}
    feed = replace(feed_of("hour", **keys), name="bicycles")
    lost = {f"2024-01-17T{hour:02}" for hour in range(8, 15)} | {"2024-02-03T04"}
    awaited = {f"2024-02-11T{hour:02}" for hour in (12, 13, 14)}
    return _covered(feed, lost | awaited)


_TROUBLES: tuple[tuple[set[str], FailedOutcome, str, str], ...] = (
    (_SENT_A_PAGE, "rejected", "html", "the source sent a web page instead of it"),
    (_WENT_DOWN, "failed", "server_error", "the source answered 503"),
    (_LATE, "absent", "absent", "the source answered 404"),
)


def _covered(feed: Feed, lacking: set[str]) -> FeedCoverage:
    periods = feed.calendar.between(feed.keep_from, _NOW.replace(tzinfo=None))
    keys = [period.key for period in periods]
    failures = {
        key: Failure(
            outcome=outcome,
            reason=reason,
            message=f"{message}; asked for {feed.source_url(feed.calendar.period(key))}",
            attempts=4,
            first="2024-02-08T14:00:07Z",
            last="2024-02-11T14:00:09Z",
            next_retry=_NOW + dt.timedelta(days=2),
        )
        for among, outcome, reason, message in _TROUBLES
        for key in among.intersection(keys)
    }
    return covered(
        feed,
        _NOW,
        lacks=lambda n: n >= len(keys) or keys[n] in lacking,
        revised=lambda n: keys[n] in _REVISED,
        failures=failures,
    )


def main() -> None:
    """Take both pictures."""
    found = find()
    if found is None:
        sys.exit("Chromium is not installed (Debian: apt-get install chromium)")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        laptop = _opened(browser, weeks(), hours(), viewport={"width": 1120, "height": 1000})
        laptop.get_by_role("link", name="2017-09-23: ").click()
        laptop.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
        bottom = laptop.locator("#mta-turnstile .fetch").bounding_box()
        assert bottom is not None
        size = {"width": 1120, "height": int(bottom["y"] + bottom["height"]) + 12}
        laptop.set_viewport_size(size)  # type: ignore[arg-type]
        laptop.screenshot(path=FOLDER / "coverage.png")
        phone = _opened(
            browser,
            hours(),
            viewport={"width": 390, "height": 844},
            color_scheme="dark",
            device_scale_factor=2,
        )
        phone.screenshot(path=FOLDER / "coverage-phone.png")
        browser.close()


def _opened(browser: Browser, *feeds: FeedCoverage, **options: Any) -> Page:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "index.html"
        file.write_text(page_of(*feeds, now=_NOW), "utf-8")
        page = browser.new_context(**options).new_page()
        page.goto(file.as_uri())
        return page


if __name__ == "__main__":
    main()
