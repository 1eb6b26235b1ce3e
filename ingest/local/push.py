"""The HTTP half of a push subscription: the wrapped envelope, and posting it."""

import base64
import contextlib
import json
import socket
import threading
from http.client import HTTPException
from urllib.parse import urlsplit

from google.pubsub_v1.types import PubsubMessage
from urllib3.connection import HTTPConnection
from urllib3.exceptions import HTTPError

from ingest.local.backlog import Message

# The statuses that acknowledge a message; every other one has it delivered again
# (https://cloud.google.com/pubsub/docs/push#receive_push).
ACKNOWLEDGED = frozenset({102, 200, 201, 202, 204})


def envelope(message: Message, subscription: str) -> bytes:
    """Make the body of a push request: a wrapped message, as Cloud Pub/Sub sends it.

    It has the message's id and time under both of the names that Cloud Pub/Sub uses
    (https://cloud.google.com/pubsub/docs/push#receive_push).
    """
    parsed = PubsubMessage.pb(PubsubMessage.deserialize(message.wire))
    published = parsed.publish_time.ToJsonString()
    return json.dumps(
        {
            "message": {
                "attributes": dict(parsed.attributes),
                "data": base64.b64encode(parsed.data).decode("ascii"),
                "messageId": parsed.message_id,
                "message_id": parsed.message_id,
                "publishTime": published,
                "publish_time": published,
            },
            "subscription": subscription,
            "deliveryAttempt": message.attempts,
        }
    ).encode()


class PushConnection:
    """A connection to the push endpoint, kept open between requests.

    One thread posts; any thread may abort.
    """

    def __init__(self, url: str, *, timeout: float) -> None:
        parts = urlsplit(url)
        self._target = parts._replace(scheme="", netloc="", fragment="").geturl() or "/"
        self._http = HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)
        self._lock = threading.Lock()
        self._aborted = False

    def post(self, body: bytes) -> int | None:
        """Post and return the status of the answer, None when none came in time."""
        try:
            self._connect()
            self._http.request(
                "POST",
                self._target,
                body,
                {"Content-Type": "application/json"},
                preload_content=False,
            )
            response = self._http.getresponse()
            response.drain_conn()
        except (OSError, HTTPException, HTTPError):
            self._http.close()
            return None
        if response.status < 200:
            # An interim answer (102) settles the message, but a final one may follow it.
            self._http.close()
        return response.status

    def abort(self) -> None:
        """Make the request under way and all later ones fail at once."""
        with self._lock:
            self._aborted = True
            if (sock := self._http.sock) is not None:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection; for the posting thread, or once it has ended."""
        self._http.close()

    def _connect(self) -> None:
        # A server closes connections that were idle for a while: seen before a message is
        # sent, that is no failed delivery.
        if not self._http.is_connected:
            self._http.close()
            self._http.connect()
        with self._lock:
            if self._aborted:
                raise ConnectionAbortedError
