"""What a run says: its progress, what was injected, and the four numbers."""

import time
from collections import Counter
from collections.abc import Iterable

from chaos import router, script, storage
from chaos.verdict import Verdict
from chaos.world import World

_STORED_SHARE = 0.95
_MOST_LINES = 50

_RESUMED = "bodies taken up where they broke off"
_STAGED = "publishes of staged objects"
_CUT_SHORT = "deliveries cut short by it"

# What a full run cannot do without.
_EXPECTED: dict[str, Iterable[str]] = {
    "Faults of the source": [*script.PASSING, *script.SPOILING],
    "Faults of the bucket": storage.EXPECTED,
    "Faults of Pub/Sub": router.FAULTS,
    "Deaths of workers": ["killed", "terminated", _CUT_SHORT],
    "Made up for": [_RESUMED, _STAGED],
}
_OUTCOMES = {"stored", "unchanged", "revised", "absent", "rejected", "retry", "failed"}


class Report:
    """Prints as the run goes on; `problems` says what is wrong."""

    def __init__(self, seed: int, deliveries: int) -> None:
        self._started = time.monotonic()
        self._deliveries, self._seed = deliveries, seed
        self.problems: list[str] = []
        print(f"{deliveries:,} deliveries, seed {seed}", flush=True)

    def progress(self, here: World) -> None:
        """Print how far the run is."""
        counts = here.pubsub.counts
        faults = sum(injected.total() for injected in _injected(here).values())
        print(
            f"{self._elapsed()}: {here.settled():,} of {counts.published:,} messages settled, "
            f"{counts.retried:,} retries, {faults:,} faults",
            flush=True,
        )

    def storm(self, here: World) -> None:
        """Print what was injected and what came of it, and look at the lake."""
        heard = here.router.heard
        made_up_for = {_RESUMED: heard.resumed, _STAGED: here.storage.ask("staged")}
        counts = _injected(here) | {
            "Made up for": Counter(made_up_for),
            "Answers of the workers": heard.outcomes,
            "Reasons of the retries": heard.reasons,
        }
        for title, numbers in counts.items():
            print(f"\n{title}")
            for what, number in sorted(numbers.items()):
                print(f"  {what:<40} {number:>7,}")
        if self._deliveries >= script.FULL:
            for title, expected in _EXPECTED.items():
                never = [what for what in expected if not counts[title][what]]
                self.problems += [f"{title}: never: {what}" for what in never]
        strange = sorted(heard.outcomes.keys() - _OUTCOMES)
        self.problems += [f"a worker answered: {outcome}" for outcome in strange]
        verdict = self._look(here, "With the faults on")
        if len(verdict.stored) < _STORED_SHARE * self._deliveries:
            self.problems.append(f"less than {_STORED_SHARE:.0%} are stored")

    def calm(self, here: World) -> None:
        """Look at the lake again: everything must be there, the latest as it is now."""
        verdict = self._look(here, "With the faults off")
        keys = [file.key for file in here.files]
        self.problems += [
            f"{key}: not stored in the end" for key in keys if key not in verdict.stored
        ]
        current = here.source.ask("current")
        for key in keys[-script.rechecked(len(keys)) :]:
            if verdict.stored.get(key, current[key]) != current[key]:
                self.problems.append(f"{key}: an old version, although looked at again")

    def end(self) -> bool:
        """Print what is wrong, if anything is; return whether all is well."""
        lines = [*dict.fromkeys(self.problems)]  # what was wrong already is wrong in the end
        print(*lines[:_MOST_LINES], sep="\n")
        if len(lines) > _MOST_LINES:
            print(f"... and {len(lines) - _MOST_LINES:,} more")
        again = f"make chaos N={self._deliveries} SEED={self._seed}"
        print(
            f"{self._elapsed()}: {f'FAILED; again: {again}' if self.problems else 'all well'}"
        )
        return not self.problems

    def _look(self, here: World, when: str) -> Verdict:
        print(f"\n{self._elapsed()}: reading the lake back", flush=True)
        verdict, evidence = here.verdict()
        read = [finding.generation for finding in evidence.findings]
        stored, dead = len(verdict.stored), here.pubsub.counts.dead_lettered
        print(
            f"{self._elapsed()}: {when}: "
            + "".join(f"{what} {len(lines)}, " for what, lines in verdict.numbers.items())
            + f"stored {stored:,} of {self._deliveries:,} ({stored / self._deliveries:.1%}); "
            f"{dead:,} dead letters; {len(read):,} generations of "
            f"{sum(generation.size for generation in read) / 1e6:,.0f} MB read",
            flush=True,
        )
        for what, lines in verdict.numbers.items():
            self.problems += [f"{what}: {line}" for line in lines]
        return verdict

    def _elapsed(self) -> str:
        return f"{time.monotonic() - self._started:4.0f} s"


def _injected(here: World) -> dict[str, Counter[str]]:
    deaths = here.workers.deaths | Counter({_CUT_SHORT: here.router.heard.silent})
    return {
        "Faults of the source": here.source.ask("faults"),
        "Faults of the bucket": here.storage.ask("faults"),
        "Faults of Pub/Sub": here.router.faults,
        "Deaths of workers": deaths,
    }
