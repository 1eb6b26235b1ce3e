"""The Pub/Sub message: it names a feed and a period, it does not instruct. Pure.

URL and object name come from the catalogue in the worker, so that a forged message can make
it do nothing but fetch a known file from a known place into its own object.
"""

from typing import Annotated, Literal

import msgspec

Mode = Literal["fetch", "recheck", "force"]

RUN_PATTERN = r"^[a-z0-9-]{1,64}\Z"
RunId = Annotated[str, msgspec.Meta(pattern=RUN_PATTERN)]


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One period to look after.

    `fetch` asks for it where it is missing, `recheck` whether it changed, `force` in any case.
    """

    v: Literal[1]
    feed: str
    period: str
    run: RunId
    mode: Mode

    def encode(self) -> bytes:
        """Return the message's data."""
        return msgspec.json.encode(self)

    @property
    def attributes(self) -> dict[str, str]:
        """The message's attributes, for subscription filters; the worker reads none."""
        return {"feed": self.feed, "period": self.period, "run": self.run}


def decode(data: bytes) -> Message:
    """Read a message's data; raise ValueError saying what is wrong with it."""
    return msgspec.json.decode(data, type=Message)


class PubsubMessage(msgspec.Struct, frozen=True, rename="camel"):
    """The part of a pushed message that the worker reads."""

    data: bytes
    message_id: str


class Envelope(msgspec.Struct, frozen=True, rename="camel"):
    """What Pub/Sub posts to a push endpoint (wrapped), as far as the worker reads it.

    `delivery_attempt` counts from 1 and is there where the subscription has a dead-letter
    policy. https://cloud.google.com/pubsub/docs/push#receive_push
    """

    message: PubsubMessage
    subscription: str = ""
    delivery_attempt: Annotated[int, msgspec.Meta(ge=1)] | None = None


def open_envelope(body: bytes) -> Envelope:
    """Read a push request's body; raise ValueError saying what is wrong with it."""
    try:
        return msgspec.json.decode(body, type=Envelope)
    except RecursionError:
        raise ValueError("its JSON is nested too deeply") from None
