"""Writes docs/reliability.md from the fault tests: `python -m tests.support.reliability`."""

from pathlib import Path

from tests.support.source_faults import FAULTS as SOURCE_FAULTS
from tests.test_storage_faults import FAULTS as STORAGE_FAULTS

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"

_HEAD = """# Reliability

What can go wrong, what lakefill does, how the delivery ends, and which test shows it. This page is written from the tests' own list (`make docs`); a test fails when it is not what they say. Outcomes, reasons and events are explained in the [reference](reference.md).

After an outcome of 200 the message is done with; after 503 Pub/Sub delivers it again, and hands it to the dead-letter topic in the end. In no case does anything appear under an object's final name but the whole file.

## The source

| fault | what lakefill does | outcome | event | test |
|---|---|---|---|---|
"""

_STORAGE = """
## Cloud Storage

Each of these for an object that is sent at once, and for one over 8 MiB that is staged. The client library retries by itself within the delivery's time; what outlasts that is a retry.

| fault | at | outcome | event | test |
|---|---|---|---|---|
"""

_DEATH = """
## The worker

| fault | what happens | test |
|---|---|---|
| killed in the middle of a large upload | nothing bears the final name; the next delivery stores the file | `test_a_worker_killed_in_the_middle_leaves_nothing_and_the_next_delivery_completes` |
| killed, terminated, out of time at random instants, thousands of times | the old state or the new, nothing between | `make chaos` |
| the same message twenty times, on two workers at once | one object, revision 0, no error | `test_twenty_copies_on_two_workers_give_one_object` |
| another run stores the same bytes meanwhile | unchanged | `test_a_racing_worker_with_the_same_bytes_is_success` |
| another run stores other bytes meanwhile | a retry | `test_a_racing_worker_that_stored_other_bytes_is_a_retry` |
| the records cannot be written after the object | a retry: 200 is only said once they are | `test_success_is_not_answered_before_its_records_are_written` |
| anything unforeseen | 500, a stack trace, a failure record | `test_anything_unforeseen_is_a_bug_with_its_trace_and_a_record` |
"""


def page() -> str:
    """Return what docs/reliability.md must say."""
    source = "".join(
        f"| {f.name} | {f.does} | `{f.outcome}`{f' ({f.reason})' if f.reason else ''} "
        f"| `period_{f.outcome}` | `test_source_fault[{f.name}]` |\n"
        for f in SOURCE_FAULTS
    )
    storage = "".join(
        f"| {f.name} | {', '.join(f.operations)} "
        f"| `{f.outcome}`{f' ({f.reason})' if f.reason else ''} | `period_{f.outcome}` "
        f"| `test_storage_fault[{f.name} at {f.operations[-1]}]` |\n"
        for f in STORAGE_FAULTS
    )
    return _HEAD + source + _STORAGE + storage + _DEATH


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
