"""The verdict: what was promised, what was written and what is there, compared. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from chaos.readback import Finding, Generation
from chaos.script import FEED, RESERVED_PREFIX, File

_RUNS = f"{RESERVED_PREFIX}runs/"
_PROMISES = {"stored", "unchanged", "revised"}


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """All that is known once a run has settled."""

    files: Sequence[File]
    generations: Sequence[Generation]
    """Of the whole bucket, as listed."""
    findings: Sequence[Finding]
    """Of the feed's objects, as read back."""
    written: Mapping[str, Sequence[int]]
    """Generations that the server took, by object."""
    acknowledged: Mapping[tuple[str, str], set[str]]
    """Outcomes that were answered with 200, by run and period."""
    dead: set[str]
    """Periods with a dead letter."""


@dataclass(frozen=True)
class Verdict:
    """Offending periods or objects, each with the reason; and the periods that are stored."""

    partial: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    unnoticed: list[str] = field(default_factory=list)
    stored: dict[str, int] = field(default_factory=dict)
    """The version that the live object holds, by period."""

    @property
    def numbers(self) -> dict[str, list[str]]:
        """The four lists by name; all must be empty."""
        return {
            "partial": self.partial,
            "wrong": self.wrong,
            "lost": self.lost,
            "unnoticed": self.unnoticed,
        }


def judge(evidence: Evidence) -> Verdict:
    """Compare."""
    keys = {file.object_name: file.key for file in evidence.files}
    good = [f for f in evidence.findings if f.fault is None]
    stored = {
        keys[f.generation.name]: f.version
        for f in good
        if f.generation.live and f.version is not None
    }
    return Verdict(
        [_line(f) for f in evidence.findings if f.fault == "partial"],
        [_line(f) for f in evidence.findings if f.fault == "wrong"]
        + [*_misnumbered(evidence.findings)],
        [*_lost(evidence, set(stored))],
        [*_unnoticed(evidence, set(stored))],
        stored,
    )


def _line(finding: Finding) -> str:
    return f"{finding.generation.name}#{finding.generation.number}: {finding.why}"


def _misnumbered(findings: Iterable[Finding]) -> Iterable[str]:
    """Yield the objects whose revisions do not count 0, 1, ... with their generations."""
    said = defaultdict(list)
    for finding in sorted(findings, key=lambda f: f.generation.number):
        generation = finding.generation
        said[generation.name].append(generation.metadata.get("lakefill-revision"))
    for name, revisions in said.items():
        if revisions != [str(n) for n in range(len(revisions))]:
            yield f"{name}: its generations say that they are the revisions {revisions}"


def _lost(evidence: Evidence, stored: set[str]) -> Iterable[str]:
    live = {g.name for g in evidence.generations if g.live}
    there = {(g.name, g.number) for g in evidence.generations}
    for (run, period), outcomes in sorted(evidence.acknowledged.items()):
        if outcomes & _PROMISES and period not in stored:
            yield f"{period}: acknowledged as {', '.join(sorted(outcomes))}, and not there"
        if f"{_RUNS}{run}/{period}.json" not in live:
            yield f"{period}: acknowledged, and its outcome is not on record in run {run}"
    for record in evidence.generations:
        run, _, period = record.name.removeprefix(_RUNS).removesuffix(".json").partition("/")
        promised = record.metadata.get("lakefill-outcome") in _PROMISES
        if record.live and promised and period not in stored:
            yield f"{period}: on record as stored in run {run}, and not there"
    for name, numbers in sorted(evidence.written.items()):
        for number in numbers:
            if (name, number) not in there:
                yield f"{name}#{number}: written once, and gone"
        if name not in live:
            yield f"{name}: written once, and no generation of it is live"


def _unnoticed(evidence: Evidence, stored: set[str]) -> Iterable[str]:
    live = {g.name for g in evidence.generations if g.live}
    for file in evidence.files:
        record = f"{RESERVED_PREFIX}failures/{FEED}/{file.key}.json"
        if file.key not in stored and file.key not in evidence.dead and record not in live:
            yield f"{file.key}: not stored, without a failure record or a dead letter"
