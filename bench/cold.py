"""What a cold start takes: imports, and from exec to the first answer."""

import subprocess
import sys
import time

from tests.support.function import ROOT, FunctionProcess

# What each entry point needs of others' code, and all that it imports by its first answer.
_LIBRARIES = {
    "worker": "functions_framework, google.cloud.storage, requests, msgspec, yaml, zlib_ng, "
    "google.cloud.logging_v2.handlers",
    "dispatch": "functions_framework, google.cloud.storage, requests, msgspec, yaml, "
    "google.cloud.logging_v2.handlers, google.cloud.pubsub_v1",
}
_OURS = {
    "worker": "main, ingest.delivery, ingest.worker, ingest.transfer, google.cloud.storage",
    "dispatch": "main, ingest.app, ingest.dispatcher, ingest.publish, google.cloud.storage, "
    "ingest.logs",
}


def libraries(target: str) -> float:
    """Import what the entry point needs of others' code: seconds."""
    return _import(_LIBRARIES[target])


def ours(target: str) -> float:
    """Import main.py and all that it has imported by its first answer: seconds."""
    return _import(_OURS[target])


def first_answer(target: str) -> float:
    """From exec of functions-framework to its first answer (to a bad request): seconds."""
    env = {"LAKEFILL_BUCKET": "lake", "LAKEFILL_TOPIC": "projects/bench/topics/periods"}
    env |= {"STORAGE_EMULATOR_HOST": "http://127.0.0.1:9"}
    start = time.perf_counter()
    with FunctionProcess(target, env) as process:
        process.post(data=b"{")
        return time.perf_counter() - start


def _import(modules: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", f"import {modules}"], check=True, cwd=ROOT)
    return time.perf_counter() - start
