"""Google's Pub/Sub emulator in the place of the embedded Pub/Sub, where it is installed.

It is a component of the Google Cloud CLI, a Java program. Other than Cloud Pub/Sub, it sends
no `deliveryAttempt`, and delivers again no sooner than after one to three seconds.
"""

import functools
import shutil
import subprocess
import threading
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

import grpc
from google import pubsub_v1 as gapic
from google.cloud.pubsub_v1 import SubscriberClient
from google.cloud.pubsub_v1.subscriber.message import Message
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from ingest.local.backlog import DeadLetter, Subscription
from ingest.local.process import Process, StackError, free_port

_PROGRAM = Path("platform/pubsub-emulator/bin/cloud-pubsub-emulator")
_READY = "Server started, listening on"
_CALL_SECONDS = 30.0

# Attributes that a dead letter gets besides its own ones
# (https://cloud.google.com/pubsub/docs/handling-failures#how_dead_letter_topics_work).
_SOURCE = "CloudPubSubDeadLetterSource"
_ATTEMPTS = "CloudPubSubDeadLetterSourceDeliveryCount"


@functools.cache
def find() -> Path | None:
    """Return the emulator's start script; None where it, or Java, is not installed."""
    gcloud = shutil.which("gcloud")
    if gcloud is None or shutil.which("java") is None:
        return None
    # Mostly the command is in the SDK's own folder; asking it takes a second or more.
    script = Path(gcloud).resolve().parents[1] / _PROGRAM
    if not script.exists():
        asked = subprocess.run(  # noqa: S603  the gcloud of the user's own PATH
            [gcloud, "info", "--format=value(installation.sdk_root)"],
            capture_output=True,
            text=True,
            check=False,
        )
        script = Path(asked.stdout.strip()) / _PROGRAM
    return script if script.exists() else None


class EmulatorPubsub:
    """The emulator with one topic, a push subscription and a dead-letter topic.

    It runs within its `with` block, and ends with this process at the latest. The emulator
    takes an ack deadline of at most 600 s (whole seconds), 5 to 100 delivery attempts and
    backoffs of 0 to 600 s, and finds the number of outstanding deliveries by itself.
    """

    def __init__(self, subscription: Subscription, *, log: Path) -> None:
        self._subscription = subscription
        self._log = log
        self._parts = ExitStack()
        self._dead: list[DeadLetter] = []
        self._dead_changed = threading.Condition()

    @property
    def host(self) -> str:
        """`host:port`, the value for PUBSUB_EMULATOR_HOST."""
        return self._host

    @property
    def topic(self) -> str:
        """Path of the topic to publish to."""
        return self._subscription.topic

    def dead_letters(self, *, at_least: int = 0, timeout: float = 0.0) -> list[DeadLetter]:
        """All dead letters so far, once there are `at_least` that many.

        Raises TimeoutError when there are fewer after `timeout` seconds.
        """
        with self._dead_changed:
            if not self._dead_changed.wait_for(lambda: len(self._dead) >= at_least, timeout):
                raise TimeoutError(f"{len(self._dead)} dead letters, not {at_least}")
            return list(self._dead)

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._parts.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._parts.close()

    def _start(self) -> None:
        script = find()
        if script is None:
            raise StackError(
                "Google's Pub/Sub emulator is not installed: "
                "run `gcloud components install pubsub-emulator`, and install Java."
            )
        port = free_port()
        self._host = f"127.0.0.1:{port}"
        ready = threading.Event()

        def on_line(_: str, line: str) -> None:
            # Its own word, since at its port another server might answer.
            if _READY in line:
                ready.set()

        command: list[str | Path] = [script, "--host=127.0.0.1", f"--port={port}"]
        process = Process("pubsub-emulator", command, log=self._log, on_line=on_line)
        self._parts.callback(process.stop)
        process.wait_until(ready.is_set)
        channel = self._parts.enter_context(grpc.insecure_channel(self._host))
        self._create(channel)

    def _create(self, channel: grpc.Channel) -> None:
        """Create topics and subscriptions, and receive dead letters from now on."""
        publisher = gapic.PublisherClient(transport=PublisherGrpcTransport(channel=channel))
        subscriber = SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))
        wanted = self._subscription
        dead_topic, dead_name = f"{wanted.topic}-dead-letter", f"{wanted.name}-dead-letter"
        for topic in (wanted.topic, dead_topic):
            publisher.create_topic(name=topic, timeout=_CALL_SECONDS)
        subscriber.create_subscription(name=dead_name, topic=dead_topic, timeout=_CALL_SECONDS)
        subscriber.create_subscription(
            request=_request(wanted, dead_topic), timeout=_CALL_SECONDS
        )
        receiving = subscriber.subscribe(dead_name, self._receive)
        self._parts.callback(receiving.result)
        self._parts.callback(receiving.cancel)

    def _receive(self, message: Message) -> None:
        attributes = dict(message.attributes)
        own = {
            name: value for name, value in attributes.items() if not name.startswith(_SOURCE)
        }
        with self._dead_changed:
            self._dead.append(DeadLetter(message.data, own, int(attributes[_ATTEMPTS])))
            self._dead_changed.notify_all()
        message.ack()


def _request(wanted: Subscription, dead_letter_topic: str) -> gapic.Subscription:
    return gapic.Subscription(
        name=wanted.name,
        topic=wanted.topic,
        push_config=gapic.PushConfig(push_endpoint=wanted.push_endpoint),
        ack_deadline_seconds=int(wanted.ack_deadline_seconds),
        retry_policy=gapic.RetryPolicy(
            minimum_backoff=timedelta(seconds=wanted.min_backoff_seconds),
            maximum_backoff=timedelta(seconds=wanted.max_backoff_seconds),
        ),
        dead_letter_policy=gapic.DeadLetterPolicy(
            dead_letter_topic=dead_letter_topic,
            max_delivery_attempts=wanted.max_delivery_attempts,
        ),
    )
