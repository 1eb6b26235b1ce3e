"""Peer: a pandas flow of the usual kind. Prints the seconds it took."""

import sys
import tempfile
import time

import pandas as pd
from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Client

source, lake = sys.argv[1:]
client = Client(
    "bench", credentials=AnonymousCredentials(), client_options={"api_endpoint": lake}
)
start = time.perf_counter()
with tempfile.NamedTemporaryFile(suffix=".csv.gz") as file:
    for n, chunk in enumerate(pd.read_csv(f"{source}/x", chunksize=5000)):
        chunk.to_csv(file.name, mode="a", header=n == 0, index=False, compression="gzip")
    client.bucket("lake").blob("pandas.csv.gz").upload_from_filename(file.name)
print(time.perf_counter() - start)
