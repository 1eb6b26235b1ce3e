"""The audit: enabled feeds compared with the lake, what is missing asked for, a page published.

It plans anew each time, from what is stored and recorded then; it remembers nothing.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from ingest.coverage import MISSING, FeedCoverage, LakeCoverage
from ingest.coverage_json import document, summary
from ingest.deadline import Deadline
from ingest.errors import TransferError
from ingest.feed import RESERVED_PREFIX, Feed
from ingest.feeds import Catalogue
from ingest.inventory import look, stored_among
from ingest.lake import Lake
from ingest.launch import not_taken, publish_run
from ingest.logs import emit
from ingest.page import render
from ingest.publish import Publisher
from ingest.runs import Manifest, create_manifest
from ingest.schedule import new_run_id
from ingest.times import iso
from ingest.underway import UnderWay

# Most periods that one audit dispatches of a feed.
MOST_PERIODS = 500
_NOT_LOGGED = {"title", "cadence", "error"}
_FOLDER = f"{RESERVED_PREFIX}coverage/"


class Audit:
    """Audits at an instant, once; takes what it needs of the world as arguments."""

    def __init__(
        self,
        catalogue: Catalogue,
        lake: Lake,
        publisher: Callable[[], Publisher],
        now: datetime,
    ) -> None:
        self._catalogue, self._lake, self._publisher = catalogue, lake, publisher
        self._now, self._under_way = now, UnderWay(lake, now)
        self._seen: dict[str, FeedCoverage] = {}

    def run(self, deadline: Deadline) -> dict[str, Any]:
        """Audit the enabled feeds and return the answer; it tells of trouble with each."""
        feeds = [feed for feed in self._catalogue.values() if feed.enabled]
        # As many parts as there are feeds still to come, and one for the page.
        reports = [
            self._feed(feed, deadline, len(feeds) + 1 - n) for n, feed in enumerate(feeds)
        ]
        error = self._publish_page(reports, deadline)
        dispatched = sum(report["dispatched"] for report in reports)
        troubled = sum("error" in report for report in reports)
        emit(
            "audit_done",
            f"Audited {len(reports)} feeds, dispatched {dispatched:,} periods"
            + (f"; {troubled} feeds with trouble" if troubled else "")
            + (f"; the page is not published: {error}" if error else ""),
            amiss=error is not None,
            feeds=len(reports),
            dispatched=dispatched,
            troubled=troubled,
            error_message=error,
        )
        answer: dict[str, Any] = {"as_of": iso(self._now), "feeds": reports}
        return answer if error is None else answer | {"error": error}

    def _feed(self, feed: Feed, deadline: Deadline, parts: int) -> dict[str, Any]:
        """Audit one feed and log its line; whatever is raised ends here."""
        report: dict[str, Any] = {"feed": feed.name, "run": None, "dispatched": 0}
        try:
            share = deadline.share(parts)
            coverage = self._seen[feed.name] = look(self._lake, feed, self._now, share)
            report |= summary(coverage)
            self._dispatch(coverage, report, share)
        except TransferError as error:
            report["error"] = str(error)
        except Exception as error:  # noqa: BLE001  the other feeds are to be audited all the same
            report["error"] = f"unforeseen: {type(error).__name__}; the log has the stack trace"
            emit("unexpected_error", f"{feed.name}: its audit failed", error=error)
        _log(report, self._seen.get(feed.name))
        return report

    def _dispatch(
        self, coverage: FeedCoverage, report: dict[str, Any], deadline: Deadline
    ) -> None:
        """Ask for what is missing, as one run, and say so in the report."""
        keys = worth_asking(coverage, self._now)
        waiting = self._under_way.among({*keys}, coverage.feed, deadline)
        chosen = [key for key in keys if key not in waiting][:MOST_PERIODS]
        periods = map(coverage.feed.calendar.period, chosen)
        # By a run that had its outcome since the lake was looked at.
        stored = stored_among(self._lake, coverage.feed, periods, deadline)
        chosen = [key for key in chosen if key not in stored]
        if not chosen:
            return
        manifest = Manifest(
            run=new_run_id(self._now),
            feed=coverage.feed.name,
            created=iso(self._now),
            dispatched=dict.fromkeys(chosen, "fetch"),
            skipped={},
        )
        publisher = self._publisher()
        manifest, generation = create_manifest(self._lake, manifest, deadline)
        report["run"] = manifest.run
        failed = publish_run(
            self._lake, publisher, manifest, generation, manifest.dispatched, deadline
        )
        report["dispatched"] = len(chosen) - len(failed)
        if failed:
            report["error"] = f"{not_taken(failed, len(chosen))}; the next audit asks again"

    def _publish_page(self, reports: list[dict[str, Any]], deadline: Deadline) -> str | None:
        """Put page and JSON into the lake; return what kept them from it."""
        coverage = LakeCoverage(
            as_of=self._now,
            feeds=tuple(self._seen.values()),
            unknown={r["feed"]: r["error"] for r in reports if r["feed"] not in self._seen},
        )
        try:
            for name, content, content_type in (
                ("coverage.json", document(coverage), "application/json"),
                ("index.html", render(coverage).encode(), "text/html; charset=utf-8"),
            ):
                self._lake.publish(_FOLDER + name, content, content_type, self._now, deadline)
        except TransferError as error:
            return str(error)
        except Exception as error:  # noqa: BLE001  what was dispatched is to be told all the same
            emit("unexpected_error", "the coverage page could not be made", error=error)
            return f"unforeseen: {type(error).__name__}; the log has the stack trace"
        return None


def worth_asking(coverage: FeedCoverage, now: datetime) -> list[str]:
    """Return the keys of what is missing and may be there by `now` (aware), newest first.

    What failed waits for its `next_retry`. Pure.
    """
    keys = []
    for period in reversed(coverage.periods):
        failure = period.failure
        if period.state not in MISSING:
            continue
        if failure is not None:
            if failure.next_retry is not None and failure.next_retry > now:
                continue
            if coverage.given_up(failure):
                continue
        keys.append(period.period.key)
    return keys


def _log(report: dict[str, Any], coverage: FeedCoverage | None) -> None:
    error = report.get("error")
    sentence = f"{report['feed']}: could not be audited"
    if coverage is not None:
        sentence = (
            f"{report['feed']}: {coverage.stored:,} of {coverage.expected:,} are stored, "
            f"{report['dispatched']:,} dispatched"
        )
    emit(
        "audit_feed",
        sentence + (f"; {error}" if error else ""),
        amiss=error is not None or coverage is None or coverage.alarming,
        error_message=error,
        **{name: value for name, value in report.items() if name not in _NOT_LOGGED},
    )
