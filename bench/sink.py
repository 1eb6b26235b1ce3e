"""A Pub/Sub that takes everything and keeps nothing; a process of its own."""

import sys
from concurrent.futures import ThreadPoolExecutor

import grpc
from google.pubsub_v1.types import PublishRequest, PublishResponse


def _publish(request: PublishRequest, _: grpc.ServicerContext) -> PublishResponse:
    return PublishResponse(message_ids=["1"] * len(PublishRequest.pb(request).messages))


def main() -> None:
    """Serve until standard input ends; print the host first."""
    server = grpc.server(ThreadPoolExecutor(2))
    method = grpc.unary_unary_rpc_method_handler(
        _publish, PublishRequest.deserialize, PublishResponse.serialize
    )
    handler = grpc.method_handlers_generic_handler(
        "google.pubsub.v1.Publisher", {"Publish": method}
    )
    server.add_generic_rpc_handlers((handler,))
    print(f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}", flush=True)
    server.start()
    sys.stdin.read()
    server.stop(None)


if __name__ == "__main__":
    main()
