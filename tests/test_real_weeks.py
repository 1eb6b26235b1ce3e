"""The real weeks, served by a plain HTTP server and stored byte for byte."""

import gzip
import hashlib
import http.server
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import requests
from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Client

from ingest.feeds import PACKAGED_CATALOGUE
from tests.support.fake_gcs import FakeGcs
from tests.support.function import ROOT, FunctionProcess, envelope

WEEKS = ROOT.parent / "shared" / "data" / "turnstile"
NAMES = sorted(path.name.removesuffix(".gz") for path in WEEKS.glob("turnstile_*.txt.gz"))


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base's name
        pass


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    folder = tmp_path_factory.mktemp("www")
    for name in NAMES:
        (folder / name).write_bytes(gzip.decompress((WEEKS / f"{name}.gz").read_bytes()))
    handler = partial(_Quiet, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", folder
        server.shutdown()
        thread.join()


@pytest.mark.skipif(not NAMES, reason=f"the real weeks are not there ({WEEKS.name})")
def test_real_weeks_are_stored_byte_for_byte(source: tuple[str, Path], tmp_path: Path) -> None:
    url, folder = source
    catalogue = PACKAGED_CATALOGUE.read_text()
    feeds = tmp_path / "feeds.yaml"
    feeds.write_text(
        catalogue.replace("http://web.mta.info/developers/data/nyct/turnstile", url)
    )
    with FakeGcs() as server:
        requests.post(f"{server.url}/storage/v1/b", json={"name": "lake"}, timeout=9)
        env = {
            "LAKEFILL_BUCKET": "lake",
            "LAKEFILL_FEEDS": str(feeds),
            "STORAGE_EMULATOR_HOST": server.url,
        }
        with FunctionProcess("worker", env) as worker:
            for name in NAMES:
                day = name.removeprefix("turnstile_").removesuffix(".txt")
                period = f"20{day[:2]}-{day[2:4]}-{day[4:]}"
                message = {"v": 1, "feed": "mta-turnstile", "period": period, "run": "r"}
                answer = worker.post(json=envelope(message | {"mode": "fetch"})).json()
                assert answer["outcome"] == "stored", answer
        client = Client(
            project="p",
            credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
            client_options={"api_endpoint": server.url},
        )
        for name in NAMES:
            year = f"20{name.removeprefix('turnstile_')[:2]}"
            blob = client.bucket("lake").get_blob(
                f"mta-turnstile/{year}/{name.removesuffix('.txt')}.csv.gz"
            )
            original = (folder / name).read_bytes()
            stored = blob.download_as_bytes(raw_download=True)
            assert gzip.decompress(stored) == original
            assert blob.metadata["lakefill-sha256"] == hashlib.sha256(original).hexdigest()
            assert blob.metadata["lakefill-rows"] == str(original.count(b"\n") - 1)
            assert len(stored) <= 1.01 * len(gzip.compress(original, 6))
        client.close()
