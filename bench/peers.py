"""What lakefill is compared with. Each returns wall seconds, or what its name says."""

import resource
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import requests
from zlib_ng import zlib_ng

from ingest.download import BLOCK_BYTES

_BENCH_PYTHON = Path(__file__).parents[1] / ".venv-bench" / "bin" / "python"


@dataclass(frozen=True)
class Setting:
    """What every peer gets: the file, where it is served, the lake's URL."""

    file: Path
    source_url: str
    lake_url: str


def compressor_alone(content: bytes) -> float:
    """zlib-ng level 5 on bytes in memory, in blocks of 1 MiB."""
    view, start = memoryview(content), time.perf_counter()
    compressor = zlib_ng.compressobj(5, wbits=31)
    for at in range(0, len(view), BLOCK_BYTES):
        compressor.compress(view[at : at + BLOCK_BYTES])
    compressor.flush()
    return time.perf_counter() - start


def gzip_cpu(file: Path) -> float:
    """`gzip -6` on the file: CPU seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    _run(f"gzip -6 -c {file} > /dev/null")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def gzip_bytes(file: Path) -> int:
    """`gzip -6` on the file: bytes."""
    return len(
        subprocess.run(["gzip", "-6", "-c", str(file)], capture_output=True, check=True).stdout
    )


def download_alone(setting: Setting) -> float:
    """Read the source to its end, and throw it away."""
    start = time.perf_counter()
    with requests.get(f"{setting.source_url}/x", stream=True, timeout=900) as response:
        for _ in response.iter_content(BLOCK_BYTES):
            pass
    return time.perf_counter() - start


def curl_gzip_curl(setting: Setting) -> float:
    """`curl | gzip -6 | curl`, uploading to the same object server."""
    return _pipe(setting, "gzip -6")


def curl_pigz_curl(setting: Setting) -> float:
    """`curl | pigz -p2 | curl`, likewise."""
    return _pipe(setting, "pigz -p2")


def smart_open(setting: Setting) -> float:
    """smart_open from URL to gs://, with gzip."""
    return _script("smart_open_copy", setting)


def pandas_flow(setting: Setting) -> float:
    """Pandas in chunks of 5,000 rows, gzip members appended to a file, then uploaded."""
    return _script("pandas_flow", setting)


def missing(peer: Callable[[Setting], float]) -> str | None:
    """Say what a peer needs that is not installed here, or None."""
    commands = {"curl_gzip_curl": ("curl",), "curl_pigz_curl": ("curl", "pigz")}
    for command in commands.get(peer.__name__, ()):
        if not shutil.which(command):
            return f"{command} is not installed"
    if peer in {smart_open, pandas_flow} and not _BENCH_PYTHON.exists():
        return "make bench installs it"
    return None


def _pipe(setting: Setting, command: str) -> float:
    start = time.perf_counter()
    _run(
        f"curl -sSf {setting.source_url}/x | {command} | "
        f"curl -sSf -o /dev/null -X POST -T - "
        f"'{setting.lake_url}/upload/storage/v1/b/lake/o?uploadType=media&name=peer.gz'"
    )
    return time.perf_counter() - start


def _script(name: str, setting: Setting) -> float:
    script = Path(__file__).with_name(f"peer_{name}.py")
    command = [str(_BENCH_PYTHON), str(script), setting.source_url, setting.lake_url]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout)


def _run(command: str) -> None:
    subprocess.run(["bash", "-o", "pipefail", "-c", command], check=True)
