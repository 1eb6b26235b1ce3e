"""The files' bytes: the same for the same seed, in any process, from any byte on. Pure.

No block is like another, nor like that of another version, so that bytes that are missing,
doubled, misplaced or of another version give another hash.
"""

import hashlib
from collections.abc import Iterator
from functools import lru_cache
from random import Random
from typing import NamedTuple

from chaos.script import File

HEADER = b"reading\n"
_BLOCK_BYTES = 2**18
_NOISE_BYTES = 32  # in a row of hex digits
_ROW_BYTES = 2 * _NOISE_BYTES + 1
# What a version has more than the one before it.
_GROWTH_BYTES = 1009
# A version that there never is, of the same size as the one it poses as.
FOREIGN = -1


class Digest(NamedTuple):
    """What a whole version comes to."""

    sha256: str
    size: int
    rows: int


def size(file: File, version: int) -> int:
    """Return how many bytes a version has."""
    return file.size + _GROWTH_BYTES * version


def content(
    seed: int, file: File, version: int, start: int = 0, stop: int | None = None
) -> Iterator[bytes]:
    """Yield a version's bytes from `start` to before `stop` (None: to its end)."""
    stop = size(file, version) if stop is None else stop
    for number in range(start // _BLOCK_BYTES, -(-stop // _BLOCK_BYTES)):
        begin = number * _BLOCK_BYTES
        yield _block(seed, file, version, number)[max(start - begin, 0) : stop - begin]


@lru_cache(1024)
def digest(seed: int, file: File, version: int, stop: int | None = None) -> Digest:
    """Return what a version comes to, or its first `stop` bytes."""
    sha256, length, lines, last = hashlib.sha256(), 0, 0, b""
    for block in content(seed, file, version, stop=stop):
        sha256.update(block)
        length += len(block)
        lines += block.count(b"\n")
        last = block[-1:]
    return Digest(sha256.hexdigest(), length, row_count(lines, last))


def row_count(line_ends: int, last_byte: bytes) -> int:
    """Return how many rows of data there are below the header."""
    return max(line_ends + (last_byte not in {b"", b"\n"}) - 1, 0)


def _block(seed: int, file: File, version: int, number: int) -> bytes:
    """Make a block: rows of noise, then one row again and again."""
    rng = Random(f"{seed}/{file.key}/{version}/{number}")
    rows = _BLOCK_BYTES // _ROW_BYTES + 1
    noise = rng.randbytes(int(file.noise * rows) * _NOISE_BYTES)
    same = rng.randbytes(_NOISE_BYTES).hex().encode() + b"\n"
    parts = (noise.hex("\n", _NOISE_BYTES).encode(), b"\n", same * rows)
    return b"".join((HEADER if number == 0 else b"", *parts))[:_BLOCK_BYTES]
