"""Peer: smart_open copies a URL to gs:// with gzip in between. Prints the seconds it took."""

import shutil
import sys
import time

from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Client
from smart_open import open as smart_open

source, lake = sys.argv[1:]
client = Client(
    "bench", credentials=AnonymousCredentials(), client_options={"api_endpoint": lake}
)
start = time.perf_counter()
with (
    smart_open(f"{source}/x", "rb") as incoming,
    smart_open(
        "gs://lake/smart_open.csv.gz", "wb", transport_params={"client": client}
    ) as outgoing,
):
    shutil.copyfileobj(incoming, outgoing)
print(time.perf_counter() - start)
