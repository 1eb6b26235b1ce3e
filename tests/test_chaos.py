"""A small chaos run each time, and proof that its judge can tell wrong from right."""

import gzip
import subprocess
import sys
from collections.abc import Callable
from random import SystemRandom

import pytest
import requests

from chaos import bodies
from chaos.readback import Finding, Generation, Truth, examine, listing
from chaos.script import BUCKET, FULL, PASSING, SPOILING, File, draw
from chaos.verdict import Evidence, Verdict, judge
from tests.support.fake_gcs import FakeGcs
from tests.support.function import ROOT

SEED = 1
ANY_SEED = SystemRandom().randrange(10**6)


@pytest.mark.parametrize("seed", [SEED, ANY_SEED], ids=["fixed seed", "random seed"])
def test_a_chaos_run_leaves_no_wrong_file(seed: int) -> None:
    command = [sys.executable, "-m", "chaos", "--deliveries", "150", "--seed", str(seed)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, f"{' '.join(command[1:])}\n{run.stdout}\n{run.stderr}"
    assert "With the faults off: partial 0, wrong 0, lost 0, unnoticed 0" in run.stdout


def test_what_happens_is_drawn_from_the_seed() -> None:
    files = draw(SEED, FULL)
    assert files == draw(SEED, FULL) != draw(SEED + 1, FULL)
    drawn = {step.fault for file in files for step in file.steps}
    assert {*PASSING, *SPOILING} <= drawn
    assert max(file.size for file in files) == 150_000_000


def test_a_body_can_be_taken_up_anywhere_and_is_no_other_versions() -> None:
    file = File("2001-01-01T00", 600_000, 0.3, "etag", ())
    whole = b"".join(bodies.content(SEED, file, 0))
    assert len(whole) == bodies.digest(SEED, file, 0).size == 600_000
    for start in (1, 2**18 - 1, 2**18, 599_999):
        assert b"".join(bodies.content(SEED, file, 0, start)) == whole[start:]
    assert not whole[100_000:].startswith(
        b"".join(bodies.content(SEED, file, 1, 100_000, 100_100))
    )


def content(file: File, version: int = 0) -> bytes:
    return b"".join(bodies.content(SEED, file, version))


def metadata(file: File) -> dict[str, str]:
    digest = bodies.digest(SEED, file, 0)
    return {
        "lakefill-feed": "chaos",
        "lakefill-period": file.key,
        "lakefill-sha256": digest.sha256,
        "lakefill-source-bytes": str(digest.size),
        "lakefill-rows": str(digest.rows),
        "lakefill-revision": "0",
    }


# What is stored of a file, what is said of it, and what that is.
STORED: dict[str, tuple[Callable[[bytes], bytes], dict[str, str], str | None]] = {
    "right": (gzip.compress, {}, None),
    "no gzip": (lambda body: body, {}, "partial"),
    "cut": (lambda body: gzip.compress(body)[:-9], {}, "partial"),
    "cut, but sound gzip": (lambda body: gzip.compress(body[:-1]), {}, "partial"),
    "empty": (lambda _: b"", {}, "partial"),
    "with something after it": (lambda body: gzip.compress(body) + b"x", {}, "partial"),
    "a flipped bit": (lambda body: gzip.compress(body[:-2] + b"x\n"), {}, "wrong"),
    "twice": (lambda body: gzip.compress(body * 2), {}, "wrong"),
    "false rows": (gzip.compress, {"lakefill-rows": "1"}, "wrong"),
    "false bytes": (gzip.compress, {"lakefill-source-bytes": "1"}, "wrong"),
    "false hash": (gzip.compress, {"lakefill-sha256": "0" * 64}, "wrong"),
    "another period": (gzip.compress, {"lakefill-period": "2001-01-01T09"}, "wrong"),
}


def test_what_is_stored_wrong_is_found_wrong() -> None:
    files = [File(key, 300_000, 0.3, "etag", ()) for key in [*STORED, "never served"]]
    served = {file.key: {0} for file in files}
    with FakeGcs() as server:
        bucket = f"{server.url}/storage/v1/b"
        made = {"name": BUCKET, "versioning": {"enabled": True}}
        requests.post(bucket, json=made, timeout=9).raise_for_status()

        def put(file: File, data: bytes, said: dict[str, str]) -> None:
            query = {"uploadType": "media", "name": file.object_name}
            upload = f"{server.url}/upload/storage/v1/b/{BUCKET}/o"
            requests.post(upload, data, params=query, timeout=9).raise_for_status()
            url = f"{bucket}/{BUCKET}/o/{file.object_name.replace('/', '%2F')}"
            requests.patch(url, json={"metadata": said}, timeout=9).raise_for_status()

        for file in files[:-1]:
            store, said, _ = STORED[file.key]
            put(file, store(content(file)), metadata(file) | said)
        put(files[-1], gzip.compress(content(files[-1], version=1)), metadata(files[-1]))
        put(files[0], gzip.compress(content(files[0])), metadata(files[0]))
        truth = Truth(SEED, {file.object_name: file for file in files}, served)
        findings = examine(server.url, truth, listing(server.url))
    expected = [(name, fault) for name, (_, _, fault) in STORED.items()]
    # Every generation is read, not only the last.
    expected += [("never served", "wrong"), ("right", None)]
    names = {file.object_name: file.key for file in files}
    found = [(names[finding.generation.name], finding.fault) for finding in findings]
    assert sorted(found, key=str) == sorted(expected, key=str), findings


FILE = File("2001-01-01T00", 1000, 0.3, "etag", ())
RECORD = f"_lakefill/runs/run/{FILE.key}.json"
FAILURE = f"_lakefill/failures/chaos/{FILE.key}.json"


def generation(name: str, number: int = 1, revision: str = "0", **kwargs: bool) -> Generation:
    live = kwargs.get("live", True)
    return Generation(name, number, live, 9, "", {"lakefill-revision": revision})


def judged(
    *generations: Generation,
    written: tuple[int, ...] = (),
    acknowledged: str | None = None,
    dead: bool = False,
) -> Verdict:
    return judge(
        Evidence(
            files=[FILE],
            generations=generations,
            findings=[Finding(g, 0) for g in generations if g.name == FILE.object_name],
            written={FILE.object_name: written} if written else {},
            acknowledged={("run", FILE.key): {acknowledged}} if acknowledged else {},
            dead={FILE.key} if dead else set(),
        )
    )


def test_a_stored_period_is_well() -> None:
    old, new = (
        generation(FILE.object_name, number, str(number), live=number == 1) for number in (0, 1)
    )
    verdict = judged(old, new, generation(RECORD), written=(0, 1), acknowledged="revised")
    assert verdict.stored == {FILE.key: 0}
    assert not any(verdict.numbers.values())


def test_what_was_promised_and_is_gone_is_lost() -> None:
    stored, record = generation(FILE.object_name), generation(RECORD)
    assert judged(generation(FAILURE), record, acknowledged="stored").lost
    assert judged(stored, written=(1,), acknowledged="stored").lost  # no record of the outcome
    assert judged(stored, written=(0, 1)).lost  # the old generation
    assert judged(generation(FILE.object_name, live=False), written=(1,)).lost
    promise = Generation(RECORD, 1, True, 9, "", {"lakefill-outcome": "stored"})
    assert judged(generation(FAILURE), promise).lost


def test_what_leaves_no_trace_is_unnoticed() -> None:
    assert judged().unnoticed
    assert not judged(generation(FAILURE)).unnoticed
    assert not judged(dead=True).unnoticed
    assert not judged(generation(FILE.object_name), written=(1,)).unnoticed


def test_revisions_that_do_not_count_up_are_wrong() -> None:
    twice = [generation(FILE.object_name, number, live=number == 2) for number in (1, 2)]
    assert judged(*twice, written=(1, 2)).wrong
