"""A Chromium that is installed, and what is looked for on its pages: accessibility, layout."""

import shutil
from collections.abc import Callable

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
LAPTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}

Open = Callable[..., Page]


def find() -> str | None:
    """Where a Chromium or Chrome is, or None."""
    return next(filter(None, map(shutil.which, _NAMES)), None)


def violations(page: Page) -> list[str]:
    """What axe-core finds against WCAG 2.1 A and AA on the page as it stands."""
    rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
    results = Axe().run(page, options={"runOnly": rules, "resultTypes": ["violations"]})
    return [
        f"{found['id']}: {node['html'][:120]} {node.get('failureSummary', '')[:300]}"
        for found in results.response["violations"]
        for node in found["nodes"][:3]
    ]


# Boxes of the elements that hold text or are a square of a grid, two by two.
_OVERLAPS = """() => {
  const shown = [...document.querySelectorAll('body *')].filter((e) =>
    !e.closest('script, svg') && e.checkVisibility({ visibilityProperty: true })
    && (e.matches('.cells a, input, button, svg')
        || [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())));
  const boxes = shown.map((e) => [e, e.getBoundingClientRect()])
    .filter(([, b]) => b.width && b.height).sort((a, b) => a[1].top - b[1].top);
  const found = [];
  boxes.forEach(([one, a], n) => {
    for (let m = n + 1; m < boxes.length && boxes[m][1].top < a.bottom - 1; m++) {
      const [other, b] = boxes[m];
      if (b.left < a.right - 1 && a.left < b.right - 1
          && !one.contains(other) && !other.contains(one))
        found.push(`${one.outerHTML.slice(0, 80)} | ${other.outerHTML.slice(0, 80)}`);
    }
  });
  return found;
}"""


def overlaps(page: Page) -> list[str]:
    """Pairs of elements that lie over one another."""
    found: list[str] = page.evaluate(_OVERLAPS)
    return found


def scrolls_sideways(page: Page) -> bool:
    """Whether the page is wider than the window."""
    return bool(page.evaluate("document.documentElement.scrollWidth > innerWidth"))
