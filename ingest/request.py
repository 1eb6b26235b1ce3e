"""The body of `POST /`: hostile until proven otherwise. Pure."""

import json
from typing import Any, NoReturn

import msgspec

from ingest.plan import Question

MOST_BODY_BYTES = 64 * 1024
_LONGEST_ECHO = 200
_JSON_SPACE = b" \t\r\n"


class MalformedError(ValueError):
    """The body is not a request; the message says what was expected."""


class DispatchRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What may be asked for; a field that is not there is None."""

    feed: str | msgspec.UnsetType = msgspec.UNSET
    date: str | msgspec.UnsetType = msgspec.UNSET
    start: str | msgspec.UnsetType = msgspec.UNSET
    end: str | msgspec.UnsetType = msgspec.UNSET
    force: bool = False
    dry_run: bool = False

    @property
    def question(self) -> Question:
        """The part that says which periods are meant."""
        return Question(date=_given(self.date), start=_given(self.start), end=_given(self.end))

    @property
    def feed_name(self) -> str | None:
        """The feed's name, or None for the default."""
        return _given(self.feed)


def parse_request(body: bytes) -> DispatchRequest:
    """Read a body as JSON, whatever it was sent as; an empty one asks for the latest periods.

    Raises MalformedError where it is anything but one object of the known fields.
    """
    document = _object(body)
    try:
        request = msgspec.convert(document, DispatchRequest)
    except (msgspec.ValidationError, UnicodeEncodeError) as error:  # half of a surrogate pair
        fields = ", ".join(DispatchRequest.__struct_fields__)
        raise MalformedError(f"{str(error)[:_LONGEST_ECHO]}; the fields are {fields}") from None
    question = request.question
    if question.date is not None and (question.start, question.end) != (None, None):
        raise MalformedError("date goes without start and end; send one date, or a range")
    if question.end is not None and question.start is None:
        raise MalformedError("end goes with start; send both, or start alone (up to today)")
    return request


def expect_nothing(body: bytes) -> None:
    """Read a body that should be empty or `{}`; raise MalformedError where it is not."""
    if _object(body):
        raise MalformedError("nothing can be asked for here; send an empty body, or {}")


def _object(body: bytes) -> dict[str, Any]:
    """Read a body as a JSON object; an empty one is an empty object."""
    if not body.strip(_JSON_SPACE):
        return {}
    try:
        document = json.loads(
            body.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant
        )
    except MalformedError:
        raise
    except (ValueError, RecursionError) as error:
        raise MalformedError(
            f"the body is not JSON ({str(error)[:_LONGEST_ECHO]}); "
            'send an object like {"date": "2023-06-03"}'
        ) from None
    if not isinstance(document, dict):
        raise MalformedError('the body is no JSON object; send one like {"date": "2023-06-03"}')
    return document


def _given(value: str | msgspec.UnsetType) -> str | None:
    return None if value is msgspec.UNSET else value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise MalformedError("a field stands there twice; send each once")
    return fields


def _no_constant(name: str) -> NoReturn:
    raise MalformedError(f"{name} is not JSON")
