"""Reading the whole lake back: every generation of every object, against what was generated.

Nothing of lakefill's own is used for it, and nothing that an object says of itself is believed.
"""

import base64
import hashlib
import zlib
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any, Literal
from urllib.parse import quote

import google_crc32c
import requests

from chaos import bodies
from chaos.script import BUCKET, RESERVED_PREFIX, File

_PROCESSES = 2
_AT_ONCE = 50
_PIECE_BYTES = 2**20

Fault = Literal["partial", "wrong"]


@dataclass(frozen=True, slots=True)
class Generation:
    """One generation of an object, as the server lists it."""

    name: str
    number: int
    live: bool
    size: int
    crc32c: str
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a generation turned out to hold: a version, or why it is none."""

    generation: Generation
    version: int | None = None
    fault: Fault | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Truth:
    """What may be stored: the files by object name, the versions served by period."""

    seed: int
    files: Mapping[str, File]
    served: Mapping[str, set[int]]


def listing(url: str) -> list[Generation]:
    """Return every generation in the bucket, lakefill's records too.

    A change of metadata leaves a copy of the same generation among this server's old ones.
    """
    query = {"versions": "true", "maxResults": "1000000"}
    answer = requests.get(f"{url}/storage/v1/b/{BUCKET}/o", query, timeout=300)
    answer.raise_for_status()
    found = [_generation(item) for item in answer.json().get("items", [])]
    found.sort(key=lambda generation: generation.live)
    return [*{(g.name, g.number): g for g in found}.values()]


def examine(url: str, truth: Truth, generations: Iterable[Generation]) -> list[Finding]:
    """Read what the feed's objects hold, and say what of it is right."""
    final = [g for g in generations if not g.name.startswith(RESERVED_PREFIX)]
    parts = [final[n : n + _AT_ONCE] for n in range(0, len(final), _AT_ONCE)]
    context = get_context("spawn")
    with ProcessPoolExecutor(_PROCESSES, context, _remember, (url, truth)) as pool:
        return [finding for found in pool.map(_examine_some, parts) for finding in found]


def _generation(item: dict[str, Any]) -> Generation:
    return Generation(
        item["name"],
        int(item["generation"]),
        "timeDeleted" not in item,
        int(item["size"]),
        item["crc32c"],
        item.get("metadata", {}),
    )


class _Reader:
    """Reads in a process of the pool."""

    def __init__(self, url: str, truth: Truth) -> None:
        self._url, self._truth = url, truth
        self._session = requests.Session()

    def read(self, generation: Generation) -> Finding:
        """Read one generation, and judge it."""
        file = self._truth.files.get(generation.name)
        if file is None:
            return Finding(generation, fault="wrong", why="no period is called so")
        crc32c = google_crc32c.Checksum()
        found = _unzipped(_each(self._stored(generation), crc32c.update))
        if isinstance(found, str):
            return Finding(generation, fault="partial", why=found)
        version = self._version(file, found)
        if version is None:
            return self._no_version(generation, file, found)
        told = generation.metadata
        actual = {
            "crc32c": base64.b64encode(crc32c.digest()).decode(),
            "lakefill-feed": generation.name.partition("/")[0],
            "lakefill-period": file.key,
            "lakefill-sha256": found.sha256,
            "lakefill-source-bytes": str(found.size),
            "lakefill-rows": str(found.rows),
        }
        said = {"crc32c": generation.crc32c} | {k: told.get(k) for k in actual if "-" in k}
        false = [f"{k} is {said[k]}, not {v}" for k, v in actual.items() if said[k] != v]
        if false:
            return Finding(generation, version, "wrong", "; ".join(false))
        return Finding(generation, version)

    def _stored(self, generation: Generation) -> Iterator[bytes]:
        name = quote(generation.name, safe="")
        # Asked for by its number, this server takes long to find one.
        number = {} if generation.live else {"generation": str(generation.number)}
        answer = self._session.get(
            f"{self._url}/storage/v1/b/{BUCKET}/o/{name}",
            params={"alt": "media", **number},
            stream=True,
            timeout=300,
        )
        with answer:
            answer.raise_for_status()
            yield from answer.iter_content(_PIECE_BYTES)

    def _version(self, file: File, found: bodies.Digest) -> int | None:
        for version in self._truth.served.get(file.key, ()):
            if found == bodies.digest(self._truth.seed, file, version):
                return version
        return None

    def _no_version(self, generation: Generation, file: File, found: bodies.Digest) -> Finding:
        for version in self._truth.served.get(file.key, ()):
            size = bodies.size(file, version)
            begin = bodies.digest(self._truth.seed, file, version, min(found.size, size))
            if found.sha256 == begin.sha256:
                why = f"{found.size} of the {size} bytes of version {version}"
                return Finding(generation, fault="partial", why=why)
        why = f"{found.size} bytes that are no version the source served"
        return Finding(generation, fault="wrong", why=why)


_reader: _Reader


def _remember(url: str, truth: Truth) -> None:
    global _reader  # noqa: PLW0603  a pool's process has no other place for it
    _reader = _Reader(url, truth)


def _examine_some(generations: list[Generation]) -> list[Finding]:
    return [_reader.read(generation) for generation in generations]


def _each(pieces: Iterable[bytes], see: Any) -> Iterator[bytes]:  # noqa: ANN401
    for piece in pieces:
        see(piece)
        yield piece


def _unzipped(pieces: Iterable[bytes]) -> bodies.Digest | str:
    """Return what gzip data unzips to, or why it is not sound and whole."""
    gzip = zlib.decompressobj(wbits=31)
    sha256, size, lines, last = hashlib.sha256(), 0, 0, b""
    try:
        for piece in pieces:
            plain = gzip.decompress(piece)
            sha256.update(plain)
            size += len(plain)
            lines += plain.count(b"\n")
            last = plain[-1:] or last
    except zlib.error as error:
        return f"not sound gzip after {size} bytes: {error}"
    if not gzip.eof:
        return f"its gzip data ends in the middle, after {size} bytes"
    if gzip.unused_data:
        return f"{len(gzip.unused_data)} bytes follow its gzip data"
    return bodies.Digest(sha256.hexdigest(), size, bodies.row_count(lines, last))
