"""What a local stack is made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ingest.feeds import PACKAGED_CATALOGUE
from ingest.local.process import OnLine

Backend = Literal["filesystem", "memory"]
PubsubKind = Literal["embedded", "emulator"]


@dataclass(frozen=True, kw_only=True)
class Options:
    """A stack's options; the defaults suit two cores."""

    state: Path
    """Folder of the lake (`lake/BUCKET/...`), the logs (`logs/`) and the catalogue in use."""
    bucket: str = "local"
    fresh: bool = False
    """Remove what an earlier stack left on disk in the bucket."""
    catalogue: Path = PACKAGED_CATALOGUE
    real_source: bool = False
    """Fetch from the hosts that the catalogue names, not from the sample source."""
    source_url: str | None = None
    """A server to fetch from in place of the sample source, `http://host:port`."""
    backend: Backend = "filesystem"
    pubsub: PubsubKind = "embedded"
    port: int = 0
    """Of dispatch; 0 takes a free one."""
    workers: int = 1
    """Processes behind the worker's URL."""
    threads: int = 2
    """Deliveries that each of them works on at once."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Settings of both functions, over the stack's own."""
    on_line: OnLine | None = None
    """Takes the functions' output, line by line."""
