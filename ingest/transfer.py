"""One period: from its source, past the checks, through the compressor, into the lake."""

from collections.abc import Callable, Generator
from contextlib import suppress
from datetime import datetime
from functools import partial

from ingest.ahead import ahead
from ingest.checks import Inspection
from ingest.compress import encode
from ingest.count import check_count
from ingest.download import Download, Validators
from ingest.errors import AbsentError, StartOverError, TransferError, asking
from ingest.feed import Location
from ingest.job import Job, Result
from ingest.lake import Lake, StoredObject
from ingest.settle import Arrival, settle
from ingest.source import Fetch, NotModifiedError, Source
from ingest.upload import Upload
from ingest.verdict import is_missing

# What waits between two of the threads, in bytes: one reads and hashes, one compresses, one
# uploads. Enough that none waits for the others' hiccups, or for one chunk to be sent.
_ROOM = 2**20
# How often one delivery begins a file from its start.
_MOST_STARTS = 3


class Transfer:
    """Brings single periods into the lake; takes its lake, source and clock as arguments."""

    def __init__(self, lake: Lake, source: Source, now: Callable[[], datetime]) -> None:
        self._lake, self._source, self._now = lake, source, now

    def run(self, job: Job) -> Result:
        """Do the job; raise TransferError where nothing is stored by it."""
        seen = self._lake.find(job.object_name, job.deadline)
        held = seen is not None and seen.counts
        if seen is not None and held and job.mode == "fetch":
            own = seen.metadata.get("lakefill-run") == job.run
            return Result("unchanged", "it is stored already", asked=False, own=own)
        rechecked = seen if held and job.mode == "recheck" else None
        try:
            return self._fetch_first(job, seen, rechecked)
        except NotModifiedError:
            return Result(
                "unchanged", "the source has no newer version", {"source_status": 304}
            )
        except TransferError as error:
            if rechecked is None or not is_missing(error, job, self._now()):
                raise
            return Result(
                "unchanged",
                "what is stored is kept",
                {"source_status": error.source_status},
                {"gone": f"it is stored, but {error}"},
            )

    def _fetch_first(
        self, job: Job, seen: StoredObject | None, rechecked: StoredObject | None
    ) -> Result:
        """Fetch from the first place that has the file."""
        *before, last = job.feed.locations(job.period)
        for location in before:
            with suppress(AbsentError):
                return self._fetch_whole(job, seen, location, _validators(rechecked, location))
        return self._fetch_whole(job, seen, last, _validators(rechecked, last))

    def _fetch_whole(
        self,
        job: Job,
        seen: StoredObject | None,
        location: Location,
        known: Validators | None,
    ) -> Result:
        """Fetch, and start over where a body broke off that cannot be taken up again."""
        for _ in range(_MOST_STARTS - 1):
            with suppress(StartOverError):
                return self._fetch(job, seen, location, known)
        return self._fetch(job, seen, location, known)

    def _fetch(
        self,
        job: Job,
        seen: StoredObject | None,
        location: Location,
        known: Validators | None,
    ) -> Result:
        incoming = _Incoming(self._source, job, location.url, known)
        work_ahead = partial(ahead, room=_ROOM, deadline=job.deadline, abort=incoming.abort)
        with Upload(self._lake.bucket, job.deadline) as upload:
            with (
                work_ahead(incoming.blocks()) as blocks,
                work_ahead(encode(job.feed, blocks)) as pieces,
            ):
                upload.receive(pieces)
            arrival = incoming.arrival()
            if location.count_url is not None and arrival.rows is not None:
                with asking(location.count_url):
                    check_count(
                        self._source, job.feed, location.count_url, arrival.rows, job.deadline
                    )
            return settle(self._lake, upload, job, seen, arrival, self._now())


class _Incoming:
    """A file while it is arriving."""

    def __init__(self, source: Source, job: Job, url: str, known: Validators | None) -> None:
        self._job, self._url = job, url
        self._fetch = Fetch(source, job.feed, url, job.deadline, known)
        self._download: Download | None = None
        self._inspection: Inspection | None = None
        self.abort = self._fetch.abort

    def blocks(self) -> Generator[bytes, None, None]:
        """Yield the file in blocks, checked and counted."""
        with asking(self._url), self._fetch.open() as download:
            self._download = download
            self._inspection = Inspection(
                self._job.feed, self._job.period, download.content_type
            )
            yield from self._inspection.watch(download.blocks())

    def arrival(self) -> Arrival:
        """Return what arrived, once the blocks have come to their end."""
        if self._download is None or self._inspection is None:
            raise RuntimeError("the blocks were not read to their end")
        return Arrival(
            url=self._url,
            status=self._download.status,
            provable=self._download.provable,
            validators=self._download.validators,
            resumed=self._download.resumed,
            bytes=self._inspection.bytes,
            rows=self._inspection.rows,
            sha256=self._inspection.sha256,
        )


def _validators(seen: StoredObject | None, location: Location) -> Validators | None:
    """Return those of what is stored, where it came from there or says nothing of that."""
    if seen is None or seen.metadata.get("lakefill-source-url", location.url) != location.url:
        return None
    return Validators(
        seen.metadata.get("lakefill-source-etag"),
        seen.metadata.get("lakefill-source-last-modified"),
    )
