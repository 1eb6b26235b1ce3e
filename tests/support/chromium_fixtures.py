"""Chromium, headless; pages opened in it keep what they complained of.

A test module loads it by `pytest_plugins = "tests.support.chromium_fixtures"`.
"""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.chromium import ARGUMENTS, LAPTOP, Open, find


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Start Chromium; without one, skip by name, and fail where the tests decide (CI)."""
    found = find()
    if found is None:
        missing = "Chromium is not installed (Debian: apt-get install chromium)"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium: Browser) -> Iterator[Open]:
    """Open pages, `opened(url, **context)`; at the end none may have complained."""
    complaints: list[str] = []
    contexts = []

    def go(url: str, **options: Any) -> Page:
        context = chromium.new_context(**{"viewport": LAPTOP, **options})
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(url)
        return page

    yield go
    for context in contexts:
        context.close()
    assert complaints == []
