"""What a run will be, drawn from its seed: the files, and what their source does wrong. Pure.

Faults are dealt from shuffled decks rather than thrown as dice, so that even the rare ones come
up, and so that it is known how many files end as refused.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Literal, NamedTuple, TypeVar

BUCKET = "lake"
RESERVED_PREFIX = "_lakefill/"
FEED = "chaos"
FIRST = datetime(2001, 1, 1, tzinfo=UTC)
# From so many deliveries on there is some of everything; what is missing is an error then.
FULL = 1000

MIB = 2**20
LARGEST_BYTES = 150_000_000
# What is stored of a file comes to about half of its noise; over 8 MiB is staged, and files
# from this size on have noise enough for that.
_STAGED_NOISE_BYTES = 18e6
_LARGE_BYTES = 19e6

Framing = Literal["etag", "date", "plain", "chunked"]
T = TypeVar("T")


class Step(NamedTuple):
    """What the source does at one request for a file."""

    action: str = "good"
    fault: str | None = None
    """What it is counted as."""
    revises: bool = False
    """Whether the file has a new version from then on."""


def _passing(fault: str) -> tuple[Step, ...]:
    """Return a passing fault's steps; it is counted at the last one."""
    *first, last = PASSING[fault][1]
    return *map(Step, first), Step(last, fault, fault in _REVISING)


def _spoiling(fault: str) -> tuple[Step, ...]:
    """Return a spoiling fault's steps; it is counted at the first one."""
    first, *others = SPOILING[fault]
    return Step(first, fault), *map(Step, others)


# Each with the number of its cards in the deck. After these the file is still stored.
PASSING: dict[str, tuple[int, tuple[str, ...]]] = {
    "connection reset before an answer": (5, ("hang up",)),
    "reset in the middle of the body": (8, ("reset",)),
    "short body under Content-Length": (10, ("cut",)),
    "stall in the middle of the body": (2, ("stall",)),
    "slow drip": (1, ("drip",)),
    "weak ETag, cut": (4, ("cut weak",)),
    "chunked, cut before the last chunk": (5, ("cut chunked",)),
    "Range ignored (200 for 206)": (5, ("cut", "whole")),
    "wrong Content-Range": (5, ("cut", "shifted")),
    "206 of another version": (6, ("cut", "foreign")),
    "416 where the rest should come": (3, ("cut", "416")),
    "500 where the rest should come": (3, ("cut", "500")),
    "changed in the middle": (6, ("cut",)),
    "revised once it was served": (4, ("good",)),
    "neither length nor chunks": (4, ("unframed",)),
    "gzip Content-Encoding unasked": (4, ("encoded",)),
    "long body (more than Content-Length)": (4, ("overlong",)),
    "408": (2, ("408",)),
    "429": (4, ("429",)),
    "429 with a Retry-After of 1 s": (4, ("429 soon",)),
    "429 with a Retry-After of hours": (2, ("429 late",)),
    "500": (4, ("500",)),
    "503": (4, ("503",)),
}
# With these the file has a new version afterwards.
_REVISING = {"changed in the middle", "revised once it was served"}

# After these it is not: a final outcome, or no end before the faults are turned off.
SPOILING: dict[str, tuple[str, ...]] = {
    "404 for a while": ("404", "404"),
    "200 with a web page": ("page",),
    "200 with nothing": ("empty",),
    "403": ("403",),
    "redirect to another host": ("redirect",),
    "header wrong": ("header",),
    "500 for ever": ("500",) * 200,
}
_SPOILT_SHARE = 0.03
# What gives a recheck something to find: another version, or validators where there were none.
_BEFORE_RECHECK = (
    _passing("revised once it was served"),
    _passing("neither length nor chunks"),
    (),
    (),
)
# How many passing faults a file meets, by weight.
_FAULTS_EACH = (60, 25, 10, 5)
_FRAMINGS: dict[Framing, int] = {"etag": 60, "date": 20, "plain": 10, "chunked": 10}


@dataclass(frozen=True, slots=True)
class File:
    """A period's file: its size in bytes, how much of it is noise, how its source tells it."""

    key: str
    size: int
    noise: float
    framing: Framing
    steps: tuple[Step, ...]

    @property
    def path(self) -> str:
        """Where the source has it."""
        return f"/files/{self.key}.csv"

    @property
    def object_name(self) -> str:
        """What the lake calls it."""
        return f"{FEED}/{self.key}.csv.gz"

    def step(self, request: int) -> Step:
        """Return what the source does at a request, counted from 0."""
        return self.steps[request] if request < len(self.steps) else Step()

    def version(self, request: int) -> int:
        """Return which version the source has at a request."""
        return sum(step.revises for step in self.steps[:request])


def rechecked(deliveries: int) -> int:
    """Return how many periods, the latest, are asked for again while the run goes on."""
    return max(deliveries // 10, 5)


def draw(seed: int, deliveries: int) -> list[File]:
    """Return the files of a run, oldest first."""
    rng = Random(seed)
    sizes = _sizes(rng, deliveries)
    passing = deal(rng, [fault for fault, (cards, _) in PASSING.items() for _ in range(cards)])
    spoiling = deal(rng, list(SPOILING))
    spoilt = set(rng.sample(range(deliveries), round(_SPOILT_SHARE * deliveries)))
    files = []
    for number, size in enumerate(sizes):
        steps: list[Step] = []
        for _ in range(rng.choices(range(len(_FAULTS_EACH)), _FAULTS_EACH)[0]):
            steps += _passing(next(passing))
        if number in spoilt:
            steps += _spoiling(next(spoiling))
        if number >= deliveries - rechecked(deliveries):
            steps += rng.choice(_BEFORE_RECHECK)
        framing = rng.choices(list(_FRAMINGS), list(_FRAMINGS.values()))[0]
        files.append(File(_key(number), size, _noise(rng, size), framing, tuple(steps)))
    return files


def _key(number: int) -> str:
    return f"{FIRST + timedelta(hours=number):%Y-%m-%dT%H}"


def _sizes(rng: Random, deliveries: int) -> list[int]:
    """Draw sizes in bytes: most small, some on a block's edge, a few that are staged."""
    full = deliveries >= FULL
    large = max(round(deliveries * 0.006), 20 if full else 2)
    sizes = [LARGEST_BYTES] * (max(deliveries // 2500, 1) if full else 0)
    sizes += [_between(rng, _LARGE_BYTES, 80e6 if full else 22e6) for _ in range(large)]
    sizes += [MIB, MIB - 1, MIB + 1, 2 * MIB] * max(deliveries // 2000, 1)
    sizes += [_between(rng, 3e5, 1e7) for _ in range(deliveries // 50)]
    sizes += [_between(rng, 1e3, 3e5) for _ in range(deliveries - len(sizes))]
    rng.shuffle(sizes)
    return sizes


def _between(rng: Random, low: float, high: float) -> int:
    """Draw a number evenly on a logarithmic scale."""
    return int(low * (high / low) ** rng.random())


def _noise(rng: Random, size: int) -> float:
    if size < _LARGE_BYTES:
        return rng.uniform(0.02, 0.6)
    return min(_STAGED_NOISE_BYTES / size * rng.uniform(1.05, 1.5), 0.98)


def deal(rng: Random, cards: Sequence[T]) -> Iterator[T]:
    """Yield cards for ever, deck after shuffled deck."""
    while True:
        yield from rng.sample(cards, len(cards))
