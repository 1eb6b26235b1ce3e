"""Publishing messages, each one awaited, within a time."""

from collections.abc import Callable, Sequence

from google.api_core.retry import Retry
from google.cloud.pubsub_v1 import PublisherClient
from google.cloud.pubsub_v1.types import BatchSettings

from ingest.messages import Message

# Publishing gives up after this long, in seconds; the client's own default is 600.
PUBLISH_SECONDS = 60.0
# How many messages are on their way at once: it bounds memory.
_MESSAGES_AT_ONCE = 10_000


def new_client() -> PublisherClient:
    """Return a client with large batches: 1,000 messages (Pub/Sub's limit) or 5 MB."""
    return PublisherClient(BatchSettings(max_messages=1000, max_bytes=5_000_000))


class Publisher:
    """Publishes to one topic; gives up after `seconds` at the latest."""

    def __init__(
        self,
        client: PublisherClient,
        topic: str,
        monotonic: Callable[[], float],
        *,
        seconds: float = PUBLISH_SECONDS,
    ) -> None:
        self._client, self._topic = client, topic
        self._monotonic, self._seconds = monotonic, seconds

    def publish(
        self, messages: Sequence[Message], within: float = PUBLISH_SECONDS
    ) -> dict[str, str]:
        """Publish messages; return those that Pub/Sub did not take: why, by period key.

        It gives up after `within` seconds. One that was given up may still arrive: delivering
        it twice is harmless.
        """
        end = self._monotonic() + min(self._seconds, within)
        failed: dict[str, str] = {}
        for first in range(0, len(messages), _MESSAGES_AT_ONCE):
            failed |= self._publish_some(messages[first : first + _MESSAGES_AT_ONCE], end)
        return failed

    def _publish_some(self, messages: Sequence[Message], end: float) -> dict[str, str]:
        left = end - self._monotonic()
        if left <= 0:
            return dict.fromkeys((message.period for message in messages), "TimeoutError")
        futures = [
            self._client.publish(
                self._topic,
                message.encode(),
                retry=Retry(timeout=left),
                timeout=left,
                **message.attributes,
            )
            for message in messages
        ]
        failed = {}
        for message, future in zip(messages, futures, strict=True):
            try:
                future.result(timeout=max(end - self._monotonic(), 0))
            except Exception as error:  # noqa: BLE001  gRPC's, the client's, time-outs: not taken
                failed[message.period] = type(error).__name__
        return failed
