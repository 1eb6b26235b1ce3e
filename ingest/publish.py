"""Publishing messages, each one awaited, within a time."""

from collections.abc import Sequence

from google.api_core import exceptions as api
from google.api_core.retry import Retry, if_exception_type
from google.cloud.pubsub_v1 import PublisherClient
from google.cloud.pubsub_v1.types import BatchSettings

from ingest.deadline import Deadline
from ingest.errors import RetryError
from ingest.messages import Message

# Publishing gives up after this long, in seconds; the client's own default is 600.
PUBLISH_SECONDS = 60.0
# How many messages are on their way at once: it bounds memory.
_MESSAGES_AT_ONCE = 10_000

# As the client retries by default (google-cloud-pubsub 2.44), but for its ten minutes.
_RETRY = Retry(
    predicate=if_exception_type(
        api.Aborted,
        api.Cancelled,
        api.DeadlineExceeded,
        api.InternalServerError,
        api.ResourceExhausted,
        api.ServiceUnavailable,
        api.Unknown,
    ),
    initial=0.1,
    multiplier=4,
)


def new_client() -> PublisherClient:
    """Return a client with large batches: 1,000 messages (Pub/Sub's limit) or 5 MB."""
    return PublisherClient(BatchSettings(max_messages=1000, max_bytes=5_000_000))


class Publisher:
    """Publishes to one topic."""

    def __init__(self, client: PublisherClient, topic: str) -> None:
        self._client, self._topic = client, topic

    def publish(self, messages: Sequence[Message], deadline: Deadline) -> dict[str, str]:
        """Publish messages; return those that Pub/Sub did not take: why, by period key.

        Gives up after PUBLISH_SECONDS, or at the deadline. What was given up may still
        arrive: delivering it twice is harmless.
        """
        end = deadline.within(PUBLISH_SECONDS)
        failed: dict[str, str] = {}
        for first in range(0, len(messages), _MESSAGES_AT_ONCE):
            failed |= self._publish_some(messages[first : first + _MESSAGES_AT_ONCE], end)
        return failed

    def _publish_some(self, messages: Sequence[Message], end: Deadline) -> dict[str, str]:
        left = _left(end)
        if not left:
            return dict.fromkeys((message.period for message in messages), "TimeoutError")
        futures, failed = {}, {}
        for message in messages:
            try:
                futures[message.period] = self._client.publish(
                    self._topic,
                    message.encode(),
                    retry=_RETRY.with_timeout(left),
                    timeout=left,
                    **message.attributes,
                )
            except Exception as error:  # noqa: BLE001  the others may be taken all the same
                failed[message.period] = type(error).__name__
        for key, future in futures.items():
            try:
                future.result(timeout=_left(end))
            except Exception as error:  # noqa: BLE001  gRPC's, the client's, time-outs: not taken
                failed[key] = type(error).__name__
        return failed


def _left(end: Deadline) -> float:
    """Return the seconds left, 0 when there are none."""
    try:
        return end.left()
    except RetryError:
        return 0.0
