"""Terraform reads the same feeds from a catalogue as the code does."""

import datetime as dt
import shutil
from pathlib import Path

import pytest

from ingest.feed import Feed
from ingest.feeds import PACKAGED_CATALOGUE, load_catalogue
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
