"""`make chaos`: runs, reports, and exits with 1 where anything went wrong."""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path
from random import SystemRandom

from chaos.report import Report
from chaos.script import rechecked
from chaos.world import World, world
from ingest.local.signals import exit_on_signals


def main() -> None:
    """Run once."""
    options = _options()
    exit_on_signals()
    folder = Path(tempfile.mkdtemp(prefix="lakefill-chaos-"))
    report = Report(options.seed, options.deliveries)
    with world(options.seed, options.deliveries, folder) as here:
        _storm(here, report)
        _calm(here, report)
    if not report.end():
        sys.exit(f"The functions' logs are in {folder}.")
    shutil.rmtree(folder)


def _storm(here: World, report: Report) -> None:
    """Fill the lake while everything goes wrong."""
    total = len(here.files)
    here.ask_all()
    here.wait(total // 2, report.progress)
    # Two runs then want the same periods, some of which have a new version by now.
    latest = here.files[-(rechecked(total) // 2) :]
    here.ask(start=latest[0].key, end=latest[-1].key, force=True)
    here.wait_idle(report.progress)
    here.ask()
    here.wait_idle(report.progress)
    report.storm(here)


def _calm(here: World, report: Report) -> None:
    """Turn all faults off, fill what is missing, and have the latest looked at again."""
    here.calm()
    here.ask_all()
    here.wait_idle(report.progress)
    here.ask()
    here.wait_idle(report.progress)
    report.calm(here)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    parser.add_argument("--deliveries", type=int, default=10_000, help="periods to ask for")
    parser.add_argument("--seed", type=int, help="what is random is drawn from it")
    options = parser.parse_args()
    if options.deliveries < 20:
        parser.error("--deliveries: at least 20")
    if options.seed is None:
        options.seed = SystemRandom().randrange(10**6)
    return options
