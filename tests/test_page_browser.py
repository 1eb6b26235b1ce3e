"""The page in Chromium, from a live lake: what people see, reach, select and copy."""

import json
import re
import subprocess
from datetime import datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from ingest.states import GLYPHS
from tests.support.auditing import GAP, TODAY, Auditing, days_ago
from tests.support.chromium import LAPTOP, PHONE, Open, overlaps, scrolls_sideways, violations
from tests.support.dispatching import Dispatching
from tests.support.function import FunctionProcess, envelope
from tests.support.source_server import Reply
from tests.test_page import HOSTILE, every_cadence, hostile_page

pytest_plugins = ("tests.support.audit_fixtures", "tests.support.chromium_fixtures")

PUBLISHED = "_lakefill/coverage/index.html"
STATES = {
    days_ago(1): "awaiting",
    days_ago(5): "late",
    days_ago(6): "failed",
    days_ago(7): "rejected",
    days_ago(8): "revised",
    days_ago(9): "stored",
    days_ago(10): "late",
    str(GAP): "known gap",
    str(TODAY): "not due",
}


@pytest.fixture(scope="module")
def lake(auditing_process: Dispatching, audited_worker: FunctionProcess) -> Auditing:
    """A lake in which days are in each state, by what the worker made of them."""
    a = Auditing(auditing_process)
    a.fill("other", "bare", "ended", "hours")
    a.store("days", *(key for key in a.due("days") if key not in STATES))
    path = "/days/{}.csv".format
    replies = {6: Reply(status=500), 7: Reply(b"<html>no</html>"), 8: Reply(b"a,b\n1,2\n")}
    for n, reply in replies.items():
        a.world.put(path(days_ago(n)), reply)
    a.has("days", days_ago(9))
    for n in (10, 9, 8, 7, 6):
        push(audited_worker, days_ago(n))
    a.world.put(path(days_ago(8)), Reply(b"a,b\n1,2\n3,4\n"))
    push(audited_worker, days_ago(8), "recheck")
    a.world.bucket.blob(a.name("hours", f"{days_ago(1)}T03")).delete()
    a.world.bucket.blob(a.name("ended", "2012-07-01")).delete()
    return a


@pytest.fixture
def shown(lake: Auditing) -> Auditing:
    """That lake, with nothing published that was not looked at; no test changes it."""
    lake.d.messages()
    return lake


def push(worker: FunctionProcess, key: str, mode: str = "fetch") -> None:
    message = {"v": 1, "feed": "days", "period": key, "run": "run-1", "mode": mode}
    worker.post(json=envelope(message, attempt=5))


def unfolded(page: Page) -> Page:
    """The page with all that it folds open."""
    page.evaluate("document.querySelectorAll('details').forEach((e) => (e.open = true))")
    return page


def card(page: Page) -> str:
    return page.locator("#days .card").inner_text()


def line(page: Page) -> str:
    return page.locator("#days .fetch .command code").first.inner_text()


def test_states_are_told_by_accessible_names(shown: Auditing, opened: Open) -> None:
    page = unfolded(opened(shown.process.url))
    for key, state in STATES.items():
        cell = page.get_by_role("link", name=f"{key}: {state}", exact=True)
        expect(cell.and_(page.locator("#days a"))).to_be_visible()
    hours = page.get_by_role("img", name=re.compile(f"{days_ago(1)}T03 "))
    expect(hours).to_be_visible()
    glyphs = page.eval_on_selector_all(
        "#days .cells a", "all => all.map((a) => [a.className, a.innerText])"
    )
    assert len({glyph for _, glyph in glyphs}) == len({state for state, _ in glyphs}) == 8
    facts = " ".join(page.locator("#days .facts").inner_text().split())
    assert "Present / expected 24 / 29" in facts
    assert f"Oldest missing {days_ago(10)}" in facts
    assert f"Next due {TODAY}" in facts


def test_a_period_tells_what_is_known_of_it(shown: Auditing, opened: Open) -> None:
    page = unfolded(opened(shown.process.url))
    for n, texts in {
        8: ("revised", "revision\n1", "source bytes\n12", "rows\n3"),
        7: ("rejected", "rejected (html)", "an audit after"),
        6: ("failed", "failed (server_error)", "an audit after"),
        5: ("late", "no failure is recorded", "an audit asks for it, unless it is under way"),
    }.items():
        page.get_by_role("link", name=f"{days_ago(n)}: ").first.click()
        told = card(page)
        assert days_ago(n) in told
        for text in (*texts, f"/days/{days_ago(n)}.csv"):
            assert text in told
    page.get_by_role("link", name=f"{days_ago(8)}: ").first.click()
    metadata = shown.world.metadata(shown.name("days", days_ago(8)))
    assert metadata["lakefill-sha256"] in card(page)
    assert metadata["lakefill-fetched-at"] in card(page)
    assert page.locator("#days .card a").count() == 0


def select(page: Page, way: str, oldest: str, newest: str) -> None:
    cells = [page.locator(f"#days a[aria-label^='{key}']") for key in (oldest, newest)]
    if way == "click":
        cells[0].click()
        cells[1].click(modifiers=["Shift"])
    elif way == "drag":
        cells[1].scroll_into_view_if_needed()
        cells[1].hover()
        page.mouse.down()
        cells[0].hover()
        page.mouse.up()
    elif way == "keys":
        cells[0].focus()
        distance = datetime.fromisoformat(newest) - datetime.fromisoformat(oldest)
        for _ in range(distance.days):
            page.keyboard.press("Shift+ArrowRight")
    else:
        page.locator("#days [name=from]").fill(oldest)
        page.locator("#days [name=to]").fill(newest)


@pytest.mark.parametrize("way", ["click", "drag", "keys", "type"])
def test_a_selected_range_has_the_line_that_fetches_its_gaps(
    shown: Auditing, opened: Open, way: str
) -> None:
    page = unfolded(opened(shown.process.url))
    select(page, way, days_ago(9), days_ago(5))
    expect(page.locator("#days .said")).to_have_text(
        f"Fetches 3 of 5 missing: {days_ago(9)} to {days_ago(5)}."
    )
    body = json.dumps({"feed": "days", "start": days_ago(7), "end": days_ago(5)})
    assert line(page) == f"curl -d '{body}' \"$LAKEFILL_URL\""
    assert run(line(page), shown) == 202
    assert shown.dispatched() == {"days": [days_ago(n) for n in (7, 6, 5)]}


def run(command: str, shown: Auditing) -> int:
    """Run a line in a shell as a person would; return the status that it got."""
    done = subprocess.run(
        ["sh", "-c", f"{command} -s -w '\\n%{{http_code}}'"],
        env={"PATH": "/usr/bin:/bin", "LAKEFILL_URL": shown.process.url},
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout.splitlines()[-1])


def test_a_range_that_lacks_nothing_has_no_line(shown: Auditing, opened: Open) -> None:
    page = unfolded(opened(shown.process.url))
    select(page, "click", days_ago(9), days_ago(8))
    expect(page.locator("#days .said")).to_have_text(
        f"Nothing is missing in {days_ago(9)} to {days_ago(8)}."
    )
    expect(page.locator("#days .fetch .command").first).to_be_hidden()
    page.locator("#days").get_by_role("button", name="All").click()
    assert f'"start": "{days_ago(10)}", "end": "{days_ago(1)}"' in line(page)
    expect(page.locator("#days .said")).to_contain_text("Fetches all 5 missing")


def test_each_gap_says_the_states_of_its_periods(shown: Auditing, opened: Open) -> None:
    page = unfolded(opened(shown.process.url))
    said = [
        " ".join(t.split()) for t in page.locator("#days .gaps li > span").all_inner_texts()
    ]
    assert said == [
        f"{days_ago(1)} {GLYPHS['awaiting']} 1 awaiting",
        f"{days_ago(7)} to {days_ago(5)} "
        + " ".join(f"{GLYPHS[s]} 1 {s}" for s in ("late", "failed", "rejected")),
        f"{days_ago(10)} {GLYPHS['late']} 1 late",
    ]


def test_what_is_no_date_has_no_line_and_says_what_is_expected(
    shown: Auditing, opened: Open
) -> None:
    page = unfolded(opened(shown.process.url))
    start, command = page.locator("#days [name=from]"), page.locator("#days .command").first
    start.fill("June")
    expect(start).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#days [name=to]")).to_have_attribute("aria-invalid", "false")
    expect(page.locator("#days .said")).to_contain_text("Expected a day")
    expect(command).to_be_hidden()
    assert violations(page) == []
    start.fill(days_ago(9))
    expect(start).to_have_attribute("aria-invalid", "false")
    expect(command).to_be_visible()
    start.fill("June")
    page.locator("#days").get_by_role("button", name="All").click()
    expect(start).not_to_have_attribute("aria-invalid", "true")


def test_a_drag_ends_wherever_the_pointer_is_let_go(shown: Auditing, opened: Open) -> None:
    page = unfolded(opened(shown.process.url))
    select(page, "drag", days_ago(9), days_ago(5))
    chosen = line(page)
    page.locator(".legend").hover()
    page.mouse.down()
    page.get_by_role("link", name=f"{days_ago(10)}: late").hover()
    page.mouse.up()
    assert line(page) == chosen


def test_a_link_that_somebody_broke_shows_the_page(shown: Auditing, opened: Open) -> None:
    page = opened(f"{shown.process.url}/#%")  # which fails where the script throws
    page.get_by_role("link", name=f"{days_ago(7)}: rejected").click()
    assert "rejected (html)" in card(page)


def test_hours_are_chosen_by_pointer_and_keys(shown: Auditing, opened: Open) -> None:
    page = unfolded(opened(shown.process.url))
    lacking = f"{days_ago(1)}T03"
    picture = page.locator(f"[data-month='{lacking[:7]}']")
    box = picture.bounding_box()
    assert box is not None
    # Two hours of margin at the left, one and a half days at the top: 26 by 32 in all.
    unit = box["width"] / 26
    picture.click(position={"x": 5.5 * unit, "y": (int(lacking[8:10]) + 0.5) * unit})
    told = page.locator("#hours .card")
    expect(told.locator("h3")).to_contain_text(lacking)
    page.keyboard.press("ArrowLeft")
    expect(told.locator("h3")).to_contain_text(f"{days_ago(1)}T02 stored")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+ArrowDown")
    assert (
        f'"start": "{lacking}", "end": "{lacking}"'
        in page.locator("#hours .fetch code").first.inner_text()
    )


def test_one_stop_of_the_tab_key_is_enough_for_a_grid(shown: Auditing, opened: Open) -> None:
    page = opened(shown.process.url)
    stops = page.locator("#days .cells a[tabindex='0']")
    assert stops.count() == 1
    stops.focus()
    page.keyboard.press("End")
    expect(page.locator("#days a:focus")).to_have_attribute("aria-label", f"{TODAY}: not due")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Home")
    expect(page.locator("#days a:focus")).to_have_attribute(
        "aria-label", f"{days_ago(30)}: stored"
    )
    page.keyboard.press("Tab")
    assert page.locator("#days .cells a:focus").count() == 0


def test_a_line_is_copied_with_a_token_where_that_is_wanted(
    shown: Auditing, opened: Open
) -> None:
    page = opened(shown.process.url)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("checkbox", name="identity token").check()
    page.locator("#days .copy").first.click()
    expect(page.locator("#days .copy").first).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.endswith(
        '"$LAKEFILL_URL" -H "Authorization: Bearer $(gcloud auth print-identity-token)"'
    )


def test_without_script_every_period_and_every_gap_can_be_reached(
    shown: Auditing, opened: Open
) -> None:
    page = opened(shown.process.url, java_script_enabled=False)
    page.get_by_role("link", name=f"{days_ago(7)}: rejected").click()
    row = page.locator("tr:target")
    expect(row).to_be_visible()
    expect(row).to_contain_text("rejected (html)")
    expect(page.locator("#days form")).to_be_hidden()
    expect(page.locator("#days .copy").first).to_be_hidden()
    lines = page.locator("#days .gaps code").all_inner_texts()
    assert [json.loads(re.findall("'(.*)'", text)[0])["end"] for text in lines] == [
        *(days_ago(1), days_ago(5), days_ago(10))
    ]
    for text in (lines[2], line(page)):
        assert run(text, shown) == 202
    assert shown.dispatched() == {
        "days": [days_ago(10)] + [days_ago(n) for n in (10, 7, 6, 5, 1)]
    }


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("window", [LAPTOP, PHONE], ids=["laptop", "phone"])
def test_nothing_overlaps_and_everything_can_be_read(
    shown: Auditing, opened: Open, scheme: str, window: dict[str, int]
) -> None:
    page = unfolded(opened(shown.process.url, color_scheme=scheme, viewport=window))
    assert overlaps(page) == []
    assert not scrolls_sideways(page)
    assert violations(page) == []
    page.get_by_role("link", name=f"{days_ago(7)}: rejected").click()
    select(page, "click", days_ago(10), days_ago(1))
    assert not scrolls_sideways(page)
    assert violations(page) == []


@pytest.mark.parametrize("window", [LAPTOP, PHONE], ids=["laptop", "phone"])
def test_every_cadence_has_a_grid_that_fits(
    opened: Open, tmp_path: Path, window: dict[str, int]
) -> None:
    file = tmp_path / "index.html"
    file.write_text(every_cadence(), "utf-8")
    page = unfolded(opened(file.as_uri(), viewport=window))
    assert overlaps(page) == []
    assert not scrolls_sideways(page)
    sides = page.eval_on_selector_all(
        ".cells > a", "all => all.map((a) => a.getBoundingClientRect().width)"
    )
    assert min(sides) > 12


def test_the_published_copy_is_the_served_page_and_works_from_a_file(
    shown: Auditing, opened: Open, tmp_path: Path
) -> None:
    for _ in range(20):  # until both fall into one second
        as_of = shown.process.post("/audit").json()["as_of"]
        served = shown.process.get("/")
        if f'datetime="{as_of}"' in served.text:
            break
    assert shown.world.content(PUBLISHED) == served.content
    file = tmp_path / "index.html"
    file.write_bytes(served.content)
    page = opened(file.as_uri())
    page.get_by_role("link", name=f"{days_ago(7)}: rejected").click()
    assert "rejected (html)" in card(page)


def test_a_hostile_page_is_text_in_a_browser_too(opened: Open, tmp_path: Path) -> None:
    file = tmp_path / "index.html"
    file.write_text(hostile_page(), "utf-8")
    page = unfolded(opened(file.as_uri()))
    assert page.locator("img").count() == 0
    assert page.get_by_role("heading", level=2).inner_text().startswith(HOSTILE)
    page.get_by_role("link", name="2023-06-11: rejected").click()
    assert HOSTILE in page.locator(".card").inner_text()
    assert not scrolls_sideways(page)


def test_a_link_to_a_period_shows_it(shown: Auditing, opened: Open) -> None:
    page = opened(f"{shown.process.url}/#0:{days_ago(7)}")
    assert "rejected (html)" in card(page)
