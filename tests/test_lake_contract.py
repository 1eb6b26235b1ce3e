"""What an object in the lake is, and how it comes to be there."""

import base64
import gzip
import hashlib
import random
import re
import zlib
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import google_crc32c
import pytest

from ingest.upload import SMALL_BYTES
from tests.support.function import FunctionProcess, until
from tests.support.source_server import Reply
from tests.support.storage_proxy import Hold, LoseResponse, Status
from tests.support.storage_request import Request
from tests.support.world import CSV, Deliveries, World

# Incompressible, so that it stores more than the 8 MiB that one request may carry.
BIG = b"a,b\n" + b"".join(
    b"%s,0\n" % base64.b64encode(random.Random(1).randbytes(300_000)) for _ in range(36)
)


def test_the_object_is_plain_gzip_without_encoding_name_or_time(
    here: World, day: Deliveries
) -> None:
    here.put(day.path, Reply(CSV))
    day.push()
    blob = here.bucket.get_blob(day.name)
    assert blob.content_type == "application/gzip"
    assert blob.content_encoding is None
    magic, flags, mtime = (stored := here.content(day.name))[:2], stored[3], stored[4:8]
    assert (magic, flags, mtime) == (b"\x1f\x8b", 0, bytes(4))
    assert gzip.decompress(stored) == CSV


def test_the_metadata_say_what_is_stored_and_where_it_came_from(
    here: World, day: Deliveries
) -> None:
    modified = "Sat, 03 Jun 2023 09:00:00 GMT"
    here.put(day.path, Reply(CSV, headers={"ETag": '"v 1"', "Last-Modified": modified}))
    day.push(run="a-run")
    metadata = here.metadata(day.name)
    fetched_at = metadata.pop("lakefill-fetched-at")
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", fetched_at)
    assert metadata == {
        "lakefill-feed": "tiny",
        "lakefill-period": str(day.day),
        "lakefill-source-url": here.source.url + day.path,
        "lakefill-source-etag": '"v 1"',
        "lakefill-source-last-modified": modified,
        "lakefill-source-bytes": str(len(CSV)),
        "lakefill-sha256": hashlib.sha256(CSV).hexdigest(),
        "lakefill-rows": "100",
        "lakefill-run": "a-run",
        "lakefill-revision": "0",
    }


def test_the_same_source_bytes_give_the_same_object_however_they_arrive(
    here: World, day: Deliveries
) -> None:
    body = b"a,b\n" + random.Random(2).randbytes(3 * 2**20).hex().encode()
    here.put(day.path, Reply(body))
    day.push()
    first = here.content(day.name)
    here.bucket.delete_blob(day.name)
    here.put(day.path, Reply(body, framing="chunked"))
    day.push()
    assert here.content(day.name) == first


def test_an_object_without_a_hash_is_not_counted_as_stored_and_replaced(
    here: World, day: Deliveries
) -> None:
    here.bucket.blob(day.name).upload_from_string(b"somebody else's")
    here.put(day.path, Reply(CSV))
    assert day.outcome() == (200, "stored")
    assert here.unzipped(day.name) == CSV
    assert here.metadata(day.name)["lakefill-revision"] == "0"


def test_other_metadata_may_be_missing(here: World, day: Deliveries) -> None:
    blob = here.bucket.blob(day.name)
    blob.metadata = {"lakefill-sha256": "0" * 64}
    blob.upload_from_string(b"stripped")
    assert day.outcome() == (200, "unchanged")
    here.put(day.path, Reply(CSV))
    assert day.outcome("recheck") == (200, "revised")
    assert here.metadata(day.name)["lakefill-revision"] == "1"


def test_force_repairs_damaged_bytes_under_true_metadata(here: World, day: Deliveries) -> None:
    here.put(day.path, Reply(CSV))
    day.push()
    good = here.content(day.name)
    damaged = here.bucket.blob(day.name)
    damaged.metadata = here.metadata(day.name)
    damaged.upload_from_string(good[:-1], content_type="application/gzip")
    assert day.outcome("recheck") == (200, "unchanged")
    assert day.outcome("force") == (200, "stored")
    day.worker.wait_line(event="period_stored", period=str(day.day), repaired=True)
    assert here.content(day.name) == good
    assert here.metadata(day.name)["lakefill-revision"] == "0"
    assert day.outcome("force") == (200, "unchanged")


def test_up_to_8_mib_go_in_one_request_with_their_metadata(
    here: World, day: Deliveries
) -> None:
    here.put(day.path, Reply(CSV))
    before = len(here.proxy.requests)
    day.push()
    uploads = [r.operation for r in here.proxy.requests[before:] if day.name in (r.name or "")]
    assert uploads.count("insert") == 1
    assert not {"resumable_start", "rewrite", "patch"} & {*uploads}


def test_more_is_staged_checked_and_rewritten_and_the_staged_object_goes(
    here: World, day: Deliveries
) -> None:
    here.put(day.path, Reply(BIG))
    assert day.outcome() == (200, "stored")
    stored = here.content(day.name)
    assert len(stored) > SMALL_BYTES
    assert gzip.decompress(stored) == BIG
    blob = here.bucket.get_blob(day.name)
    assert blob.content_type == "application/gzip"
    checksum = google_crc32c.Checksum(stored).digest()
    assert blob.crc32c == base64.b64encode(checksum).decode()
    assert blob.metadata["lakefill-sha256"] == hashlib.sha256(BIG).hexdigest()
    assert here.names("_lakefill/staging/") == []


def test_a_cut_large_body_leaves_nothing_under_a_final_name(
    here: World, day: Deliveries
) -> None:
    here.put(day.path, Reply(BIG, cut_at=len(BIG) - 1))
    assert day.outcome() == (503, "retry")
    assert here.names(day.name) == []


@pytest.mark.parametrize("body", [CSV, BIG], ids=["small", "staged"])
def test_a_lost_answer_to_a_successful_upload_is_success(
    here: World, day: Deliveries, body: bytes
) -> None:
    def publishes(request: Request) -> bool:
        return request.name == day.name and request.operation in {"insert", "rewrite"}

    here.put(day.path, Reply(body))
    rule = here.proxy.faults.add(match=publishes, action=LoseResponse())
    assert day.outcome() == (200, "stored")
    assert rule.hits == 1
    assert here.unzipped(day.name) == body
    assert here.metadata(day.name)["lakefill-revision"] == "0"


@pytest.mark.parametrize("body", [CSV, BIG], ids=["small", "staged"])
def test_twenty_copies_on_two_workers_give_one_object(
    here: World, day: Deliveries, body: bytes
) -> None:
    gate = Event()
    here.put(day.path, Reply(body, hold=gate))
    # Twenty large bodies at once take their time on a busy machine.
    env = here.env | {"LAKEFILL_DEADLINE_SECONDS": "120"}
    with FunctionProcess("worker", env) as one, FunctionProcess("worker", env) as other:
        workers = [Deliveries(process, here) for process in (one, other)]
        for deliveries in workers:
            deliveries.day = day.day
        with ThreadPoolExecutor(20) as pool:
            copies = [pool.submit(workers[n % 2].outcome) for n in range(20)]
            here.source.wait_asked(day.path, 8)
            gate.set()
            outcomes = {copy.result() for copy in copies}
        assert one.lines(severity="ERROR") == []
        assert other.lines(severity="ERROR") == []
    assert outcomes <= {(200, "stored"), (200, "unchanged")}
    assert (200, "stored") in outcomes
    assert here.unzipped(day.name) == body
    assert here.metadata(day.name)["lakefill-revision"] == "0"
    generations = [b.generation for b in here.bucket.list_blobs(prefix=day.name, versions=True)]
    assert len(generations) == 1
    assert day.failure() is None


def test_a_racing_worker_that_stored_other_bytes_is_a_retry(
    here: World, day: Deliveries
) -> None:
    gate = Event()
    here.put(day.path, [Reply(CSV, hold=gate), Reply(CSV + b"1,1\n")])
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(day.outcome)
        here.source.wait_asked(day.path, 1)
        assert day.outcome(run="run-2") == (200, "stored")
        gate.set()
        assert slow.result() == (503, "retry")
    assert day.line("period_retry")["reason"] == "raced"
    assert here.unzipped(day.name) == CSV + b"1,1\n"


def test_metadata_that_change_while_an_etag_is_refreshed_are_not_overwritten(
    here: World, day: Deliveries
) -> None:
    here.put(day.path, Reply(CSV, headers={"ETag": '"one"'}))
    day.push()
    here.put(day.path, Reply(CSV, headers={"ETag": '"two"'}))
    hold = Hold()
    here.proxy.faults.add(
        match=lambda r: (r.operation, r.name) == ("patch", day.name), action=hold
    )
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(day.outcome, "recheck")
        hold.wait_for(1)
        blob = here.bucket.get_blob(day.name)
        blob.metadata = {"lakefill-source-etag": '"three"'}
        blob.patch()
        hold.release()
        assert slow.result() == (503, "retry")
    assert day.line("period_retry")["reason"] == "raced"
    assert here.metadata(day.name)["lakefill-source-etag"] == '"three"'


def test_success_is_not_answered_before_its_records_are_written(
    here: World, day: Deliveries
) -> None:
    here.put(day.path, Reply(CSV))
    outcome = f"_lakefill/runs/run-1/{day.day}.json"
    here.proxy.faults.add(match=lambda r: r.name == outcome, action=Status(403))
    assert day.outcome() == (503, "retry")
    assert day.run_outcome() is None
    assert day.outcome() == (200, "unchanged")
    record = day.run_outcome()
    assert record is not None
    assert record["outcome"] in {"stored", "unchanged"}


def test_a_worker_killed_in_the_middle_leaves_nothing_and_the_next_delivery_completes(
    here: World, day: Deliveries
) -> None:
    gate = Event()
    here.put(day.path, Reply(BIG, hold=gate))
    chunks = here.proxy.counts["resumable_chunk"]
    with FunctionProcess("worker", here.env) as doomed:
        victim = Deliveries(doomed, here)
        victim.day = day.day
        with ThreadPoolExecutor(1) as pool:
            delivery = pool.submit(victim.push)
            until(lambda: here.proxy.counts["resumable_chunk"] > chunks)
            doomed.kill()
            assert delivery.exception() is not None
    gate.set()
    assert here.names(day.name) == []
    assert day.outcome() == (200, "stored")
    assert here.unzipped(day.name) == BIG


def test_gzip_of_the_standard_library_agrees(here: World, day: Deliveries) -> None:
    here.put(day.path, Reply(BIG))
    day.push()
    unzip = zlib.decompressobj(wbits=31)
    assert unzip.decompress(here.content(day.name)) == BIG
    assert unzip.eof
    assert unzip.unused_data == b""
