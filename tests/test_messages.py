"""The message that goes through Pub/Sub, and the envelope that it is pushed in."""

import base64
import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingest.messages import Message, decode, open_envelope

MESSAGE = {
    "v": 1,
    "feed": "mta-turnstile",
    "period": "2023-06-03",
    "run": "20230604-130000-0a1b2c",
    "mode": "fetch",
}
ENVELOPE: dict[str, Any] = {
    "message": {
        "data": base64.b64encode(json.dumps(MESSAGE).encode()).decode(),
        "messageId": "136969346945",
        "message_id": "136969346945",
        "publishTime": "2023-06-04T13:00:00.5Z",
        "attributes": {"feed": "mta-turnstile"},
        "orderingKey": "",
    },
    "subscription": "projects/p/subscriptions/s",
    "deliveryAttempt": 5,
}


def refused(fields: object) -> None:
    with pytest.raises(ValueError, match=r".+"):
        decode(json.dumps(fields).encode())


@given(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.from_regex(r"[a-z0-9-]{1,64}", fullmatch=True, alphabet=st.characters(codec="ascii")),
    st.sampled_from(["fetch", "recheck", "force"]),
)
def test_a_message_arrives_as_it_was_sent(feed: str, period: str, run: str, mode: Any) -> None:
    message = Message(v=1, feed=feed, period=period, run=run, mode=mode)
    assert decode(message.encode()) == message
    assert json.loads(message.encode()) == {
        "v": 1, "feed": feed, "period": period, "run": run, "mode": mode
    }  # fmt: skip
    assert message.attributes == {"feed": feed, "period": period, "run": run}


@pytest.mark.parametrize("field", [*MESSAGE])
@pytest.mark.parametrize(
    "value", [None, 2, 0, 1.5, True, "", [], {}, ["fetch"], "Fetch", "a b"]
)
def test_a_message_with_one_field_changed_is_refused(field: str, value: object) -> None:
    if field in ("feed", "period") and isinstance(value, str):
        # Text as such; that it names no feed and no period is for the catalogue to say.
        assert decode(json.dumps(MESSAGE | {field: value}).encode())
    else:
        refused(MESSAGE | {field: value})


@pytest.mark.parametrize("version", [1.0, "1", True, 2, 0, -1, 10**30, None])
def test_another_version_is_refused(version: object) -> None:
    refused(MESSAGE | {"v": version})


@pytest.mark.parametrize("field", [*MESSAGE])
def test_a_message_that_lacks_a_field_is_refused(field: str) -> None:
    refused({key: value for key, value in MESSAGE.items() if key != field})


@pytest.mark.parametrize("key", ["url", "object", "V", "mode ", "__class__", ""])
def test_a_message_says_nothing_beyond_its_fields(key: str) -> None:
    refused(MESSAGE | {key: "http://elsewhere"})


@pytest.mark.parametrize(
    "run",
    [
        *("", "a" * 65, "A", "a_b", "a/b", "../a", "a.json", "a b", " a", "a ", "a\n", "\na"),
        *("a\r", "a\0", "\u0661", "\uff41", "a\u2028", "\u00e9"),
    ],
)
def test_a_run_is_named_so_that_it_can_be_part_of_an_objects_name(run: str) -> None:
    refused(MESSAGE | {"run": run})


@pytest.mark.parametrize(
    "run", ["a", "-", "0", "a" * 64, "audit-20230604", "20230604-130000-0a"]
)
def test_a_run_has_up_to_64_small_letters_digits_and_dashes(run: str) -> None:
    assert decode(json.dumps(MESSAGE | {"run": run}).encode()).run == run


@pytest.mark.parametrize("mode", ["FETCH", "fetch ", "delete", "fetch\n", "re-check", "f"])
def test_a_mode_is_one_of_three_words(mode: str) -> None:
    refused(MESSAGE | {"mode": mode})


@pytest.mark.parametrize(
    "data",
    [b"", b" ", b"null", b"[]", b"1", b'"x"', b"{", b"{}", b"\xff", b"[" * 60_000, b"\0"],
)
def test_data_that_is_no_message_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        decode(data)


@given(st.binary(max_size=300))
def test_arbitrary_data_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        decode(data)


def test_an_envelope_of_pubsub_is_opened() -> None:
    envelope = open_envelope(json.dumps(ENVELOPE).encode())
    assert decode(envelope.message.data) == Message(**MESSAGE)  # type: ignore[arg-type]
    assert envelope.message.message_id == "136969346945"
    assert envelope.subscription == "projects/p/subscriptions/s"
    assert envelope.delivery_attempt == 5


def test_an_envelope_counts_no_attempts_where_there_is_no_dead_letter_policy() -> None:
    document = {key: value for key, value in ENVELOPE.items() if key == "message"}
    envelope = open_envelope(json.dumps(document).encode())
    assert envelope.delivery_attempt is None
    assert envelope.subscription == ""


@pytest.mark.parametrize(
    "change",
    [
        {"message": None},
        {"message": []},
        {"message": {}},
        {"message": {"messageId": "1", "attributes": {"feed": "f"}}},
        {"message": {"data": "e30="}},
        {"message": {"data": "e30=", "messageId": 1}},
        {"message": {"data": "not base64!", "messageId": "1"}},
        {"message": {"data": "e30", "messageId": "1"}},
        {"message": {"data": {}, "messageId": "1"}},
        {"deliveryAttempt": 0},
        {"deliveryAttempt": -1},
        {"deliveryAttempt": "5"},
        {"deliveryAttempt": 1.5},
        {"deliveryAttempt": True},
        {"subscription": None},
    ],
)
def test_what_is_no_envelope_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        open_envelope(json.dumps(ENVELOPE | change).encode())


DEEP = "[" * 30_000 + "]" * 30_000
AROUND = '{"message": {"data": "", "messageId": "1"}, "x": %s}'


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b" ", b"null", b"[]", b"{}", b"\xff\xfe", b"{", b'{"message"', b"[" * 60_000),
        (AROUND % DEEP).encode(),
        (AROUND % DEEP.replace("[", '{"a":').replace("]", "}")).encode(),
        (AROUND % DEEP[:30_000]).encode(),
        (AROUND % "1" * 3000).encode(),
        (AROUND % "NaN").encode(),
        b'{"message": {"data": "", "messageId": "\\ud800"}}',
        b"\xef\xbb\xbf" + json.dumps(ENVELOPE).encode(),
        json.dumps(ENVELOPE).encode("utf-16"),
    ],
)
def test_a_hostile_body_is_refused_and_nothing_worse(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        open_envelope(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["message", "data", "messageId", "deliveryAttempt"]) | st.text(),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@given(st.binary(max_size=200) | JSON.map(lambda document: json.dumps(document).encode()))
@example(json.dumps(ENVELOPE).encode())
def test_an_arbitrary_body_is_opened_or_refused(body: bytes) -> None:
    try:
        envelope = open_envelope(body)
    except ValueError as error:
        told = str(error)
        assert told
    else:
        assert isinstance(envelope.message.data, bytes)
        assert envelope.delivery_attempt is None or envelope.delivery_attempt >= 1
