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
| two copies of a message bring the same new bytes | both say revised; one revision | `test_a_copy_that_lost_the_race_to_revise_says_revised_as_well` |
| metadata change while they are refreshed | a retry; the change stays | `test_metadata_that_change_while_an_etag_is_refreshed_are_not_overwritten` |
| a staged object is not what was sent | a retry; it is never published | `test_bytes_that_changed_on_their_way_into_staging_are_never_published` |
| somebody replaces the staged object before it is published | a retry; the other bytes are never published | `test_a_staged_object_that_somebody_replaced_is_never_published` |
| Cloud Storage keeps only a part of a staged chunk | a retry | `test_a_chunk_that_was_kept_in_part_is_a_retry` |
| Cloud Storage does not answer while a large object is staged | a retry, within the deadline | `test_staging_that_hangs_is_given_up_within_the_deadline` |
| the nearest stored period's size cannot be looked up | stored, without the comparison | `test_a_size_that_cannot_be_compared_keeps_nothing_from_being_stored` |
| a stored object is damaged, swapped, or its metadata are edited | `lakefill verify` finds it, `--repair` mends it | `test_what_verify_finds_its_repair_mends` |
| the failure record cannot be removed after the object was stored | a retry; the next delivery removes it | `test_a_record_whose_removal_failed_goes_with_the_redelivery` |
| the records cannot be written after the object | a retry: 200 is only said once they are | `test_success_is_not_answered_before_its_records_are_written` |
| anything unforeseen | 500, a stack trace, a failure record | `test_anything_unforeseen_is_a_bug_with_its_trace_and_a_record` |
"""

_DISPATCH = """
## dispatch

| fault | what happens | test |
|---|---|---|
| Pub/Sub takes only some messages | 502 that names the others; the manifest names them too | `test_what_pubsub_did_not_take_is_named_in_answer_and_manifest` |
| and the manifest cannot be rewritten | 502 all the same | `test_what_pubsub_did_not_take_is_answered_where_the_manifest_cannot_say_it` |
| Pub/Sub does not answer | 502 after a minute, or at the request's deadline | `test_publishing_takes_a_minute_at_most_and_no_more_than_is_left` |
| Pub/Sub answers with what passes | publishes again | `test_what_passes_is_tried_again` |
| the answer to the manifest's write is lost | the same run goes on | `test_a_lost_answer_to_the_manifest_of_a_persons_call_starts_no_second_run` |
| Cloud Scheduler calls twice at once | one run | `test_two_copies_of_a_call_at_the_same_moment_are_one_run` |
| the lake cannot be listed | 503, nothing is published | `test_a_lake_that_cannot_be_read_is_503` |
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
    return _HEAD + source + _STORAGE + storage + _DEATH + _DISPATCH


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
