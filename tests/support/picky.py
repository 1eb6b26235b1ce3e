"""A Pub/Sub that does not take everything."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import grpc
from google.pubsub_v1.types import PublishRequest, PublishResponse


class Picky:
    """A Pub/Sub that refuses the batch it is told to, and hangs when it is told to."""

    topic = "projects/test/topics/periods"

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.refused_period: str | None = None
        self.hang: Event | None = None
        self._pool = ThreadPoolExecutor(4)
        self._server = grpc.server(self._pool)
        method = grpc.unary_unary_rpc_method_handler(
            self._publish, PublishRequest.deserialize, PublishResponse.serialize
        )
        handler = grpc.method_handlers_generic_handler(
            "google.pubsub.v1.Publisher", {"Publish": method}
        )
        self._server.add_generic_rpc_handlers((handler,))
        self.host = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def _publish(
        self, request: PublishRequest, context: grpc.ServicerContext
    ) -> PublishResponse:
        if self.hang is not None:
            self.hang.wait(30)
        periods = [message.attributes["period"] for message in request.messages]
        if self.refused_period in periods:
            context.abort(grpc.StatusCode.PERMISSION_DENIED, "not allowed")
        self.taken += periods
        return PublishResponse(message_ids=["1"] * len(request.messages))

    def stop(self) -> None:
        if self.hang is not None:
            self.hang.set()
        self._server.stop(None).wait()
        self._pool.shutdown()
