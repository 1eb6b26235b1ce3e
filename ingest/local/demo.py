"""The demo: the main job, from a request to compressed, verified objects."""

import json
import time
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from ingest.errors import LakefillError
from ingest.local.client import DispatchClient, Run
from ingest.local.options import Options
from ingest.local.report import failures, failures_table
from ingest.local.stack import Stack
from ingest.local.terminal import progress, shown
from ingest.local.verify import Comparison, compare_all

_RUN_SECONDS = 600


class DemoError(LakefillError):
    """The demo's job was not done; the message says what is missing."""


def run_demo(console: Console, options: Options, date: str) -> None:
    """Bring a stack up, have it ingest the periods of `date`, verify them and say so.

    Raises LakefillError where that fails.
    """
    with Stack(replace(options, bucket="demo", fresh=True)) as stack:
        ...
