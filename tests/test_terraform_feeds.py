"""Terraform reads the same feeds from a catalogue as the code does."""

import datetime as dt
import shutil
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from ingest.calendar import Cadence
from ingest.feed import Feed
from ingest.feeds import PACKAGED_CATALOGUE, load_catalogue
from tests.support.strategies import feed_of
from tests.support.terraform import ROOT, Configuration

CATALOGUES = ROOT / "terraform" / "tests" / "catalogues"
TURNED_ON = "every shipped feed enabled"


def over(feed: Feed) -> bool:
    """Whether a feed's last period is over, so that its job pauses."""
    calendar = feed.calendar
    if calendar.last is None:
        return False
    return not calendar.running(calendar.named(calendar.last), dt.datetime.now(dt.UTC))


@pytest.mark.parametrize("catalogue", ["shipped", TURNED_ON, "one", "several"])
def test_a_job_for_each_feed_that_is_enabled_and_has_a_schedule(
    configuration: Configuration, tmp_path: Path, catalogue: str
) -> None:
    path = tmp_path / "feeds.yaml"
    if catalogue in {"shipped", TURNED_ON}:
        text = PACKAGED_CATALOGUE.read_text("utf-8")
        lines = text.splitlines(keepends=True)
        on = catalogue == TURNED_ON
        path.write_text(
            "".join(n for n in lines if not (on and "enabled: false" in n)), "utf-8"
        )
    else:
        shutil.copy(CATALOGUES / f"{catalogue}.yaml", path)
    jobs = configuration.plan(catalogue=str(path)).of_type("google_cloud_scheduler_job")
    planned = {
        address.partition('["')[2].removesuffix('"]'): (
            job["schedule"],
            job["time_zone"],
            job["paused"],
        )
        for address, job in jobs.items()
        if "[" in address
    }
    feeds = load_catalogue(path).values()
    assert planned == {
        feed.name: (feed.schedule, feed.calendar.timezone.key, over(feed))
        for feed in feeds
        if feed.enabled and feed.schedule is not None
    }
    assert len(planned) == {"shipped": 2, TURNED_ON: 14, "one": 1}.get(catalogue, len(planned))


@pytest.mark.parametrize("covers", ["following", "previous"])
def test_a_job_pauses_once_the_last_period_is_over_and_not_before(
    configuration: Configuration, tmp_path: Path, covers: str
) -> None:
    """Where clocks are far behind UTC, too; a day or two later is early enough."""
    zone = "Etc/GMT+12"
    today = dt.datetime.now(ZoneInfo(zone)).date()
    lengths: dict[Cadence, int] = {"day": 1, "week": 7, "month": 31, "year": 366}
    entries, expected = [], {}
    for cadence, days in lengths.items():
        weekday = {"weekday": "saturday"} if cadence == "week" else {}
        grid = feed_of(cadence, first="2000-01-01", timezone=zone, **weekday)
        low, high = (today + dt.timedelta(n * days) for n in (-3, 2))
        labels = [
            period.at.date()
            for period in grid.calendar.between(
                dt.datetime.combine(low, dt.time.min), dt.datetime.combine(high, dt.time.max)
            )
        ]
        for label in labels:
            end = label if covers == "previous" else label + dt.timedelta(days)
            if today - dt.timedelta(2) < end <= today:
                continue  # it may pause already
            name = f"{cadence}-{label}"
            expected[name] = end < today  # its window ends as that day begins
            entries.append(
                f"{name}: {{url: 'https://example.org/{{date:%Y%m%d}}', "
                f"object: '{name}/{{date:%Y%m%d}}.gz', cadence: {cadence}, "
                f"covers: {covers}, timezone: {zone}, first: 2000-01-01, last: {label}, "
                f"schedule: '0 1 * * *'{', weekday: saturday' if weekday else ''}}}\n"
            )
    path = tmp_path / "feeds.yaml"
    path.write_text("".join(entries))
    jobs = configuration.plan(catalogue=str(path)).of_type("google_cloud_scheduler_job")
    paused = {
        address.partition('["')[2].removesuffix('"]'): job["paused"]
        for address, job in jobs.items()
        if "[" in address
    }
    assert paused == expected
    assert {*expected.values()} == {True, False}
