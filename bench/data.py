"""The bytes that are measured with: a real week where there is one, else the sample's."""

import gzip
from datetime import date
from pathlib import Path

from ingest.local import sample

_REAL = Path(__file__).parents[2] / "shared" / "data" / "turnstile" / "turnstile_230603.txt.gz"


def week() -> tuple[bytes, str]:
    """Return a week's bytes, and where they come from."""
    if _REAL.exists():
        return gzip.decompress(_REAL.read_bytes()), "the real week of 2023-06-03"
    return b"".join(sample.week(date(2023, 6, 3))), "the sample week of 2023-06-03"
