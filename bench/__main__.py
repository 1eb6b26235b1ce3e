"""`make bench`: measures, and prints one table."""

import os
import platform

import psutil
from rich.console import Console
from rich.table import Table

from bench import dispatch


def main() -> None:
    """Measure and print."""
    console = Console()
    memory = psutil.virtual_memory().total / 2**30
    console.print(
        f"{os.cpu_count()} cores, {memory:.0f} GiB, Python {platform.python_version()}"
    )
    table = Table("one request that dispatches", "seconds", "peak MiB")
    for periods in dispatch.ENDS:
        measured = dispatch.measure(periods)
        table.add_row(
            f"{periods:,} periods", f"{measured.seconds:.1f}", f"{measured.peak_mib:.0f}"
        )
    console.print(table)


if __name__ == "__main__":
    main()
