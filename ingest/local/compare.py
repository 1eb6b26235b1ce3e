"""Reading the lake back, to compare what is stored with what the source serves."""

import gzip
import hashlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import requests
from google.cloud.storage import Blob

from ingest.settings import PROJECT_PAGE
from ingest.source import user_agent

_THREADS = 2
_PIECE_BYTES = 2**20
_ANSWER_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Comparison:
    """A stored object beside its source; sizes in bytes."""

    name: str
    source_bytes: int
    stored_bytes: int
    sha256: str
    source_sha256: str

    @property
    def same(self) -> bool:
        """Whether the object, unzipped, has the source's bytes."""
        return self.sha256 == self.source_sha256


def compare_all(blobs: Iterable[Blob]) -> Iterator[Comparison]:
    """Compare objects with their sources, as their metadata names them, both read anew.

    Both are hashed as they stream: nothing is held whole.
    """
    pool = ThreadPoolExecutor(_THREADS, "verify")
    try:
        yield from pool.map(_compare, blobs)
    finally:
        pool.shutdown(cancel_futures=True)


def _compare(blob: Blob) -> Comparison:
    sha256, size = _hash_of_source(blob.metadata["lakefill-source-url"])
    with blob.open("rb", chunk_size=_PIECE_BYTES) as stored, gzip.open(stored) as text:
        unzipped = hashlib.file_digest(text, "sha256").hexdigest()
    return Comparison(blob.name, size, blob.size, unzipped, sha256)


def _hash_of_source(url: str) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with requests.Session() as session:
        session.trust_env = False  # the source is on this machine
        session.headers["User-Agent"] = user_agent(PROJECT_PAGE)
        with session.get(url, stream=True, timeout=_ANSWER_SECONDS) as response:
            response.raise_for_status()
            for piece in response.iter_content(_PIECE_BYTES):
                digest.update(piece)
                size += len(piece)
    return digest.hexdigest(), size
