"""Bodies of `POST /`: what they ask for, and that a hostile one is always a malformed one."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingest.plan import Question
from ingest.request import DispatchRequest, MalformedError, parse_request

FIELDS = ["feed", "date", "start", "end", "force", "dry_run"]


def refused(body: bytes) -> str:
    with pytest.raises(MalformedError) as caught:
        parse_request(body)
    message = str(caught.value)
    message.encode()  # it can be sent and logged
    assert len(message) < 600
    return message


@pytest.mark.parametrize("body", [b"", b"{}", b" {} ", b"{\r\n}\n"])
def test_an_empty_body_asks_for_the_latest_of_the_default_feed(body: bytes) -> None:
    request = parse_request(body)
    assert request.question == Question()
    assert request.question.latest
    assert (request.feed_name, request.force, request.dry_run) == (None, False, False)


def test_every_field_is_read() -> None:
    request = parse_request(b'{"feed": "a", "date": "2023-06", "force": true, "dry_run": true}')
    assert (request.feed_name, request.question) == ("a", Question(date="2023-06"))
    assert (request.force, request.dry_run) == (True, True)
    request = parse_request(b'{"start": "2023", "end": "2023-06-03T07", "force": false}')
    assert request.question == Question(start="2023", end="2023-06-03T07")
    assert not request.question.latest
    assert parse_request(b'{"start": "2023"}').question == Question(start="2023")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"null", "no JSON object"),
        (b"[]", "no JSON object"),
        (b'[{"date": "2023-06-03"}]', "no JSON object"),
        (b'"2023-06-03"', "no JSON object"),
        (b"20230603", "no JSON object"),
        (b"true", "no JSON object"),
        (b"NaN", "NaN is not JSON"),
        (b"-Infinity", "-Infinity is not JSON"),
        (b'{"force": NaN}', "NaN is not JSON"),
        (b'{"date": Infinity}', "Infinity is not JSON"),
        (b"date=2023-06-03", "not JSON"),
        (b"{'date': '2023-06-03'}", "not JSON"),
        (b'{"date": "2023-06-03",}', "not JSON"),
        (b'{"date": "2023-06-03"', "not JSON"),
        (b'{"date": "2023-06-03"}}', "not JSON"),
        (b'{"date": "2023-06-03"} {}', "not JSON"),
        (b'{"date": "2023-06-03"} // x', "not JSON"),
        (b'{"date": "2023\x00"}', "not JSON"),
        (b'{"date": "2023\n"}', "not JSON"),
        (b'{"feed": "\xff"}', "not JSON"),
        (b'{"feed": "\xed\xa0\x80"}', "not JSON"),
        (b'{"feed": "\\x41"}', "not JSON"),
        (b"\x00", "not JSON"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        ('{"date": "2023"}'.encode("utf-16"), "not JSON"),
        ('{"date": "2023"}'.encode("utf-16-le"), "not JSON"),
        ('{"date": "2023"}'.encode("utf-32"), "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[" * 30_000 + b"]" * 30_000, "not JSON"),
        (b'{"a":' * 100_000, "not JSON"),
        (b'{"date": ' + b"[" * 20_000 + b"]" * 20_000 + b"}", "not JSON"),
        (b'{"date": ' + b"1" * 60_000 + b"}", "not JSON"),
        (b'{"date": "2023", "date": "2023"}', "twice"),
        (b'{"force": false, "date": "2023", "force": true}', "twice"),
        (b'{"date": "2023", "d\\u0061te": "2024"}', "twice"),
        (b'{"x": {"a": 1, "a": 2}}', "twice"),
    ],
)
def test_what_is_no_json_object_is_never_taken_for_a_request(body: bytes, told: str) -> None:
    assert told in refused(body)


@pytest.mark.parametrize(
    "key",
    [
        "dates",
        "Date",
        "",
        " date",
        "__class__",
        "\u0000",
        "d\u0430te",
        "\ud800",
        "k" * 5000,
        "\n",
    ],
)
def test_an_unknown_field_is_refused_and_the_known_ones_named(key: str) -> None:
    assert refused(json.dumps({key: "2023"}).encode()).endswith(
        "; the fields are feed, date, start, end, force, dry_run"
    )


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize(
    "value", ["null", "0", "1", "1.0", "1e999", "-0", "[]", "{}", '["2023"]', '{"$date": 1}']
)
def test_a_value_of_the_wrong_type_is_refused_by_its_field(field: str, value: str) -> None:
    assert f"$.{field}" in refused(f'{{"{field}": {value}}}'.encode())


@pytest.mark.parametrize("field", ["force", "dry_run"])
@pytest.mark.parametrize("value", ["true", "false", "", "yes", "0", "1"])
def test_a_switch_takes_true_and_false_alone(field: str, value: str) -> None:
    assert f"$.{field}" in refused(json.dumps({field: value}).encode())


@pytest.mark.parametrize("field", ["feed", "date", "start", "end"])
@pytest.mark.parametrize("value", [True, False])
def test_a_switch_is_no_text(field: str, value: bool) -> None:
    assert f"$.{field}" in refused(json.dumps({field: value}).encode())


@pytest.mark.parametrize(
    "fields",
    [
        {"date": "2023", "start": "2023"},
        {"date": "2023", "end": "2023"},
        {"date": "2023", "start": "2023", "end": "2023"},
        {"date": "", "start": ""},
    ],
)
def test_a_date_and_a_range_at_once_are_refused(fields: dict[str, str]) -> None:
    assert "date goes without start and end" in refused(json.dumps(fields).encode())


def test_an_end_alone_is_refused_with_what_it_goes_with() -> None:
    assert "end goes with start" in refused(b'{"end": "2023"}')


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(FIELDS) | st.text(), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(JSON | st.dictionaries(st.sampled_from(FIELDS), st.text() | st.booleans()))
def test_arbitrary_json_is_a_request_or_malformed(document: Any) -> None:
    assert_a_request_or_malformed(json.dumps(document).encode())


@given(
    st.binary(max_size=200)
    | st.text('{}[]":,\\u0 truefalsn123eE.-+dateforc\ud800\ufeff').map(
        lambda text: text.encode("utf-8", "surrogatepass")
    )
)
@example(b'{"\\ud800": 1}')
@example(b'{"date": "\\udfff"}')
def test_arbitrary_bytes_are_a_request_or_malformed(body: bytes) -> None:
    assert_a_request_or_malformed(body)


def assert_a_request_or_malformed(body: bytes) -> None:
    try:
        request = parse_request(body)
    except MalformedError as error:
        told = str(error).encode()
        assert told
        return
    # A request is what the strictest reader would make of the body.
    assert isinstance(request, DispatchRequest)
    fields = json.loads(body) if body.strip() else {}
    assert fields.keys() <= {*FIELDS}
    assert request.force is fields.get("force", False)
    assert request.dry_run is fields.get("dry_run", False)
    texts = (request.feed_name, *(getattr(request.question, name) for name in FIELDS[1:4]))
    assert texts == tuple(fields.get(name) for name in FIELDS[:4])
    assert all(text is None or isinstance(text, str) for text in texts)
