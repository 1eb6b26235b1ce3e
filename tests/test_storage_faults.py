"""Each fault of Cloud Storage, small and staged uploads alike, against a running worker."""

import base64
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import pytest

from tests.support.faults import (
    Action,
    BreakUpload,
    DropConnection,
    FlipBit,
    Hold,
    KeepPart,
    LoseResponse,
    Status,
)
from tests.support.source_server import Reply
from tests.support.storage_request import Request
from tests.support.world import CSV, Deliveries, World

BIG = b"a,b\n" + b"".join(
    b"%s,0\n" % base64.b64encode(random.Random(3).randbytes(300_000)) for _ in range(36)
)
EVER = 1000


@dataclass(frozen=True)
class Fault:
    """A fault of the bucket: at which operations, how often, and how the delivery ends."""

    name: str
    operations: tuple[str, ...]
    action: Callable[[], Action]
    times: int
    outcome: str
    reason: str | None = None


SMALL = ("insert",)
STAGED = ("resumable_start", "resumable_chunk", "rewrite")

FAULTS = [
    *(
        Fault(f"{status} once", (*SMALL, operation), partial(Status, status), 1, "stored")
        for status in (429, 500, 503)
        for operation in STAGED
    ),
    Fault("503 for ever", (*SMALL, "rewrite"), partial(Status, 503), EVER, "retry", "storage"),
    Fault("429 for ever", (*SMALL, STAGED[1]), partial(Status, 429), EVER, "retry", "storage"),
    Fault("connection dropped", (*SMALL, "rewrite"), DropConnection, 1, "stored"),
    Fault("upload broken half-way", (*SMALL, STAGED[1]), BreakUpload, 1, "stored"),
    Fault("answer lost", (*SMALL, "rewrite"), LoseResponse, 1, "stored"),
    Fault("answer to a chunk lost", (*SMALL, STAGED[1]), LoseResponse, 1, "stored"),
    *(
        Fault(
            "permission denied",
            (*SMALL, operation),
            partial(Status, 403),
            1,
            "retry",
            "permission",
        )
        for operation in STAGED
    ),
]


@pytest.mark.parametrize("body", [CSV, BIG], ids=["small", "staged"])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f"{f.name} at {f.operations[-1]}")
def test_storage_fault(here: World, day: Deliveries, fault: Fault, body: bytes) -> None:
    def matches(request: Request) -> bool:
        name = request.name or ""
        ours = name == day.name or name.startswith("_lakefill/staging/")
        return ours and request.operation in fault.operations

    here.put(day.path, Reply(body))
    rule = here.proxy.faults.add(match=matches, action=fault.action(), times=fault.times)
    response = day.push()
    rule.remaining = 0
    assert rule.hits > 0
    answer = response.json()
    assert (answer["outcome"], answer.get("reason")) == (fault.outcome, fault.reason), answer
    if fault.outcome == "stored":
        assert here.unzipped(day.name) == body
        return
    assert response.status_code == 503
    assert here.names(day.name) == []
    if fault.reason == "permission":
        line = day.line("unexpected_error")
        assert line["severity"] == "ERROR"
        assert "roles/storage.objectUser" in line["message"]
    assert day.outcome() == (200, "stored")
    assert here.unzipped(day.name) == body


@pytest.mark.parametrize("body", [CSV, BIG], ids=["small", "staged"])
def test_a_racing_worker_with_the_same_bytes_is_success(
    here: World, patient_day: Deliveries, body: bytes
) -> None:
    """Another run stored the same bytes between this one's look and its write."""
    here.put(patient_day.path, Reply(body, framing="close"))

    def publishes(request: Request) -> bool:
        return request.name == patient_day.name and request.operation in {"insert", "rewrite"}

    hold = Hold()
    here.proxy.faults.add(match=publishes, action=hold, times=1)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(patient_day.outcome, run="slow")
        hold.wait_for(1)
        assert patient_day.outcome(run="fast") == (200, "stored")
        hold.release()
        assert slow.result() == (200, "unchanged")
    assert here.metadata(patient_day.name)["lakefill-run"] == "fast"
    patient_day.line("period_unchanged")
    # What is odd about it was said by the one that stored it.
    suspects = patient_day.worker.lines(event="period_suspect", period=str(patient_day.day))
    assert {line["run"] for line in suspects} == {"fast"}


@pytest.mark.parametrize("body", [CSV, BIG], ids=["small", "staged"])
def test_a_copy_that_lost_the_race_to_revise_says_revised_as_well(
    here: World, patient_day: Deliveries, body: bytes
) -> None:
    """Two workers bring the same new bytes, by two copies of one message."""
    here.put(patient_day.path, Reply(body))
    assert patient_day.outcome() == (200, "stored")
    here.put(patient_day.path, Reply(body + b"7,7\n"))

    def publishes(request: Request) -> bool:
        return request.name == patient_day.name and request.operation in {"insert", "rewrite"}

    hold = Hold()
    here.proxy.faults.add(match=publishes, action=hold, times=1)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(patient_day.outcome, "recheck", run="run-2")
        hold.wait_for(1)
        assert patient_day.outcome("recheck", run="run-2") == (200, "revised")
        hold.release()
        assert slow.result() == (200, "revised")
    assert here.metadata(patient_day.name)["lakefill-revision"] == "1"
    assert here.unzipped(patient_day.name) == body + b"7,7\n"


def stages(request: Request) -> bool:
    return request.operation == "resumable_chunk"


def test_a_chunk_that_was_kept_in_part_is_a_retry(here: World, day: Deliveries) -> None:
    here.put(day.path, Reply(BIG))
    here.proxy.faults.add(match=stages, action=KeepPart())
    response = day.push()
    assert (response.status_code, response.json()["reason"]) == (503, "storage")
    assert day.outcome() == (200, "stored")


def test_staging_that_hangs_is_given_up_within_the_deadline(
    here: World, day: Deliveries
) -> None:
    here.put(day.path, Reply(BIG))
    hold = Hold()
    rule = here.proxy.faults.add(match=stages, action=hold, times=100)
    body = day.push().json()
    rule.remaining = 0
    hold.release()
    assert (body["outcome"], body["reason"]) == ("retry", "storage")
    assert body["seconds"] < int(here.env["LAKEFILL_DEADLINE_SECONDS"])
    assert day.outcome() == (200, "stored")


def test_a_size_that_cannot_be_compared_keeps_nothing_from_being_stored(
    here: World, day: Deliveries
) -> None:
    here.put(day.path, Reply(CSV))
    here.proxy.faults.add(match=lambda r: r.operation == "list", action=Status(403))
    assert day.outcome() == (200, "stored")


def test_bytes_that_changed_on_their_way_into_staging_are_never_published(
    here: World, day: Deliveries
) -> None:
    here.put(day.path, Reply(BIG))
    here.proxy.faults.add(match=stages, action=FlipBit(), times=1)
    response = day.push()
    assert (response.status_code, response.json()["reason"]) == (503, "storage")
    assert "not what was sent" in response.json()["message"]
    assert here.names(day.name) == []
    assert here.names("_lakefill/staging/") == []
    assert day.outcome() == (200, "stored")


def test_a_staged_object_that_somebody_replaced_is_never_published(
    here: World, patient_day: Deliveries
) -> None:
    here.put(patient_day.path, Reply(BIG))
    staged: list[str] = []

    def publishes(request: Request) -> bool:
        if request.operation != "rewrite" or request.source is None:
            return False
        staged.append(request.source[1])
        return True

    hold = Hold()
    here.proxy.faults.add(match=publishes, action=hold, times=1)
    with ThreadPoolExecutor(1) as pool:
        delivery = pool.submit(patient_day.push)
        hold.wait_for(1)
        here.bucket.blob(staged[0]).upload_from_string(b"something else")
        hold.release()
        response = delivery.result()
    assert (response.status_code, response.json()["reason"]) == (503, "raced")
    assert here.names(patient_day.name) == []
    assert patient_day.outcome() == (200, "stored")
