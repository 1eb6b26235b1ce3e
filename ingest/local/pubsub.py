"""A small Pub/Sub in this process: one topic, one push subscription, dead letters.

The real publisher client publishes to it over gRPC, with PUBSUB_EMULATOR_HOST set to its
`host`; it pushes every message to the subscription's endpoint at least once, in no promised
order, and keeps everything in memory only.
"""

import itertools
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Protocol, Self

import grpc
from google.pubsub_v1.types import PublishRequest, PublishResponse

from ingest.local.backlog import Backlog, Counts, DeadLetter, Message, Subscription
from ingest.local.push import ACKNOWLEDGED, PushConnection, envelope

__all__ = ["Counts", "DeadLetter", "EmbeddedPubsub", "Pubsub", "Subscription"]

# Limits of one publish request (https://cloud.google.com/pubsub/quotas#resource_limits).
_MAX_MESSAGES = 1000
_MAX_REQUEST_BYTES = 10_000_000

# Publish handlers are short: two keep up with any client on this machine.
_PUBLISH_THREADS = 2


class Pubsub(Protocol):
    """What the local stack needs of a Pub/Sub, embedded or Google's emulator.

    It runs within its `with` block.
    """

    @property
    def host(self) -> str:
        """`host:port`, the value for PUBSUB_EMULATOR_HOST."""

    @property
    def topic(self) -> str:
        """Path of the topic to publish to."""

    def dead_letters(self, *, at_least: int = 0, timeout: float = 0.0) -> list[DeadLetter]:
        """All dead letters so far, once there are `at_least` that many.

        Raises TimeoutError when there are fewer after `timeout` seconds.
        """

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None: ...


class EmbeddedPubsub:
    """The embedded Pub/Sub; it serves between `start` and `stop`, or within `with`."""

    def __init__(self, subscription: Subscription) -> None:
        self._subscription = subscription
        self._backlog = Backlog(subscription)
        self._connections = [
            PushConnection(
                subscription.push_endpoint, timeout=subscription.ack_deadline_seconds
            )
            for _ in range(subscription.max_outstanding)
        ]
        self._pushers = [
            threading.Thread(target=self._push, args=(connection,), name="push", daemon=True)
            for connection in self._connections
        ]
        # Unique among those of an earlier run as well.
        self._ids = itertools.count(time.time_ns() // 1000)
        self._executor = ThreadPoolExecutor(_PUBLISH_THREADS, "publish")
        self._server = grpc.server(
            self._executor,
            handlers=[_publisher(self._publish)],
            options=[
                ("grpc.so_reuseport", 0),
                # Room for requests over the limit, so that they are refused by name.
                ("grpc.max_receive_message_length", 4 * _MAX_REQUEST_BYTES),
            ],
        )
        self._port = self._server.add_insecure_port("127.0.0.1:0")

    @property
    def host(self) -> str:
        """`host:port`, the value for PUBSUB_EMULATOR_HOST."""
        return f"127.0.0.1:{self._port}"

    @property
    def topic(self) -> str:
        """Path of the topic to publish to."""
        return self._subscription.topic

    @property
    def counts(self) -> Counts:
        """What became of the messages so far."""
        return self._backlog.counts

    def dead_letters(self, *, at_least: int = 0, timeout: float = 0.0) -> list[DeadLetter]:
        """All dead letters so far, once there are `at_least` that many.

        Raises TimeoutError when there are fewer after `timeout` seconds.
        """
        return self._backlog.dead_letters(at_least=at_least, timeout=timeout)

    def wait_idle(self, timeout: float) -> bool:
        """Wait until nothing is queued or under way; False after `timeout` seconds."""
        return self._backlog.wait_idle(timeout)

    def start(self) -> None:
        """Serve and push from now on."""
        self._server.start()
        for pusher in self._pushers:
            pusher.start()

    def stop(self) -> None:
        """Stop at once: requests under way are cut, what is queued is forgotten."""
        self._server.stop(grace=None).wait()
        self._executor.shutdown()
        self._backlog.close()
        for connection in self._connections:
            connection.abort()
        for pusher in self._pushers:
            pusher.join()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        self.stop()

    def _publish(
        self, request: PublishRequest, context: grpc.ServicerContext
    ) -> PublishResponse:
        if refusal := _refusal(request, self.topic):
            context.abort(*refusal)
        ids: list[str] = []
        messages: list[Message] = []
        # The generated classes: wrapping every message of a batch takes ten times as long.
        for message in PublishRequest.pb(request).messages:
            message.message_id = str(next(self._ids))
            message.publish_time.GetCurrentTime()
            ids.append(message.message_id)
            messages.append(Message(message.SerializeToString()))
        self._backlog.add(messages)
        return PublishResponse(message_ids=ids)

    def _push(self, connection: PushConnection) -> None:
        while message := self._backlog.take():
            status = connection.post(envelope(message, self._subscription.name))
            if status in ACKNOWLEDGED:
                self._backlog.acknowledge(message)
            else:
                self._backlog.reject(message)
        connection.close()


def _publisher(
    publish: Callable[[PublishRequest, grpc.ServicerContext], PublishResponse],
) -> grpc.GenericRpcHandler:
    """Make the Publisher service, with Publish only; other methods are UNIMPLEMENTED."""
    method = grpc.unary_unary_rpc_method_handler(
        publish, PublishRequest.deserialize, PublishResponse.serialize
    )
    return grpc.method_handlers_generic_handler(
        "google.pubsub.v1.Publisher", {"Publish": method}
    )


def _refusal(request: PublishRequest, topic: str) -> tuple[grpc.StatusCode, str] | None:
    """Why Cloud Pub/Sub refuses a publish request, if it does."""
    if request.topic != topic:
        return grpc.StatusCode.NOT_FOUND, f"Resource not found (resource={request.topic})."
    raw = PublishRequest.pb(request)
    if not 1 <= len(raw.messages) <= _MAX_MESSAGES:
        problem = (
            f"{len(raw.messages)} messages in a request; 1 to {_MAX_MESSAGES} are allowed."
        )
    elif not all(message.data or message.attributes for message in raw.messages):
        problem = "A message needs data or at least one attribute."
    elif (size := raw.ByteSize()) > _MAX_REQUEST_BYTES:
        problem = f"The request has {size} bytes; {_MAX_REQUEST_BYTES} are allowed."
    else:
        return None
    return grpc.StatusCode.INVALID_ARGUMENT, problem
