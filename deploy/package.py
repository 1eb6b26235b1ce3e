"""The archive that both functions are built from: `build/lakefill-HASH.zip`.

Only what is deployed is in it, and the same files give the same bytes on any machine: names in
order, no times, no owners, no compression (whose output differs between versions of zlib).
"""

import hashlib
import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]

# Below ingest/: the command line and the stack on one machine.
_LOCAL_ONLY = re.compile(r"cli(_\w+)?\.py|__main__\.py|local")

# What the functions read there. What an editor or a person leaves beside it stays here.
_SUFFIXES = {".py", ".yaml", ".html", ".css", ".js"}

# The earliest that a zip file can say.
_EPOCH = (1980, 1, 1, 0, 0, 0)


def deployed(root: Path) -> Iterator[str]:
    """Yield the names of the files that the functions need, relative to `root`."""
    yield "main.py"
    yield "requirements.txt"
    for path in (root / "ingest").rglob("*"):
        parts = path.relative_to(root / "ingest").parts
        left_out = _LOCAL_ONLY.fullmatch(parts[0]) or any(
            p[0] == "." or p == "__pycache__" for p in parts
        )
        if path.is_file() and path.suffix in _SUFFIXES and not left_out:
            yield path.relative_to(root).as_posix()


def archive(root: Path) -> bytes:
    """Return the zip file's bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as file:
        for name in sorted(deployed(root)):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system = 3  # Unix, whatever this machine is
            entry.external_attr = 0o100644 << 16
            file.writestr(entry, (root / name).read_bytes())
    return buffer.getvalue()


def write(root: Path) -> Path:
    """Write the archive below `root`, in place of any older one, and return its path."""
    content = archive(root)
    build = root / "build"
    build.mkdir(exist_ok=True)
    for old in build.glob("lakefill-*.zip"):
        old.unlink()
    path = build / f"lakefill-{hashlib.sha256(content).hexdigest()[:16]}.zip"
    path.write_bytes(content)
    return path


if __name__ == "__main__":
    print(write(ROOT).relative_to(ROOT))
