"""From a request to a plan, a manifest and messages."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ingest.deadline import Deadline
from ingest.feed import Feed
from ingest.feeds import Catalogue
from ingest.inventory import stored_among
from ingest.lake import Lake
from ingest.launch import not_taken, publish_run
from ingest.messages import Mode
from ingest.plan import Plan, UnplannableError, decide, select
from ingest.problems import ProblemError
from ingest.publish import Publisher
from ingest.request import DispatchRequest
from ingest.runs import (
    Manifest,
    create_manifest,
    read_manifest,
    read_outcomes,
)
from ingest.schedule import ScheduledCall, new_run_id
from ingest.times import iso


@dataclass(frozen=True, slots=True)
class Dispatched:
    """What a request came to, as the body of its answer says it."""

    run: str
    feed: str
    dispatched: Sequence[str]
    skipped: dict[str, str]
    dry_run: bool

    def body(self) -> dict[str, Any]:
        """Return the answer's JSON."""
        return {
            "run": self.run,
            "feed": self.feed,
            "dispatched": list(self.dispatched),
            "skipped": [{"period": p, "reason": r} for p, r in self.skipped.items()],
            "dry_run": self.dry_run,
        }


class Dispatcher:
    """Plans and publishes; takes its catalogue, lake, publisher and clock as arguments."""

    def __init__(
        self,
        catalogue: Catalogue,
        lake: Lake,
        publisher: Callable[[], Publisher],
        *,
        max_periods: int,
        now: Callable[[], datetime],
    ) -> None:
        self._catalogue, self._lake, self._publisher = catalogue, lake, publisher
        self._max_periods, self._now = max_periods, now

    def dispatch(
        self, request: DispatchRequest, call: ScheduledCall | None, deadline: Deadline
    ) -> Dispatched:
        """Plan what `request` asks for and publish it; raise ProblemError where it fails.

        A scheduled `call` that came before is not planned anew: its manifest is published
        again. Raises RetryError where the lake does not answer.
        """
        feed = self._catalogue.named(request.feed_name)
        run = new_run_id(self._now()) if call is None else call.run_id(feed.name)
        if call is not None and not request.dry_run:
            earlier = read_manifest(self._lake, run, deadline)
            if earlier is not None:
                return self._again(feed, *earlier, deadline)
        now = call.at if call is not None and request.question.latest else self._now()
        plan = self._plan(request, feed, now, deadline)
        manifest = Manifest(
            run=run,
            feed=feed.name,
            created=iso(self._now()),
            dispatched={period.key: mode for period, mode in plan.dispatched},
            skipped={period.key: reason for period, reason in plan.skipped},
        )
        if not request.dry_run:
            publisher = self._publisher() if manifest.dispatched else None
            written, generation = create_manifest(self._lake, manifest, deadline)
            if written != manifest:  # by the same scheduled call, at the same moment
                return self._again(feed, written, generation, deadline)
            self._publish(publisher, manifest, generation, manifest.dispatched, deadline)
        return Dispatched(
            run, feed.name, [*manifest.dispatched], manifest.skipped, request.dry_run
        )

    def run(self, run: str, deadline: Deadline) -> dict[str, Any]:
        """Return a run's periods and their outcomes; raise ProblemError (404) for none."""
        found = read_manifest(self._lake, run, deadline)
        if found is None:
            raise ProblemError(404, "there is no run of that name; POST / answers with one")
        manifest, _ = found
        outcomes = read_outcomes(self._lake, run, deadline)
        return {
            "run": run,
            "feed": manifest.feed,
            "created": manifest.created,
            "done": manifest.published <= outcomes.keys(),
            "periods": [
                {"period": key, "mode": mode, **outcomes.get(key, {"outcome": None})}
                for key, mode in manifest.dispatched.items()
            ],
            "skipped": [{"period": p, "reason": r} for p, r in manifest.skipped.items()],
            "unpublished": list(manifest.unpublished),
        }

    def _plan(
        self, request: DispatchRequest, feed: Feed, now: datetime, deadline: Deadline
    ) -> Plan:
        question = request.question
        try:
            periods = select(question, feed, now, self._max_periods)
        except UnplannableError as error:
            raise ProblemError(422, str(error)) from None
        stored = stored_among(self._lake, feed, periods, deadline)
        return decide(question, periods, feed, stored, now, force=request.force)

    def _again(
        self, feed: Feed, manifest: Manifest, generation: int, deadline: Deadline
    ) -> Dispatched:
        """Publish a run's list again, less the fetches that are stored by now."""
        fetches = [
            feed.calendar.period(key)
            for key, mode in manifest.dispatched.items()
            if mode == "fetch"
        ]
        stored = stored_among(self._lake, feed, fetches, deadline)
        modes = {k: m for k, m in manifest.dispatched.items() if k not in stored}
        publisher = self._publisher() if modes else None
        self._publish(publisher, manifest, generation, modes, deadline)
        skipped = manifest.skipped | dict.fromkeys(sorted(stored), "stored")
        return Dispatched(manifest.run, feed.name, [*modes], skipped, dry_run=False)

    def _publish(
        self,
        publisher: Publisher | None,
        manifest: Manifest,
        generation: int,
        modes: dict[str, Mode],
        deadline: Deadline,
    ) -> None:
        failed = publish_run(self._lake, publisher, manifest, generation, modes, deadline)
        if failed:
            raise ProblemError(
                502,
                f"{not_taken(failed, len(modes))}; send the same request again",
                run=manifest.run,
                feed=manifest.feed,
                dispatched=[key for key in modes if key not in failed],
                failed=list(failed),
            )
