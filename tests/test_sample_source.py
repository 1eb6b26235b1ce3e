"""The sample source as a client sees it."""

import datetime as dt
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPMessage
from itertools import islice
from urllib.parse import urlsplit

import pytest

from ingest.local import sample
from ingest.local.source import serving

DAY = sample.CORRUPT  # the smallest file, so the quickest to fetch
FILE = "/developers/data/nyct/turnstile/turnstile_120714.txt"
TAG = f'"120714-{sample.VERSION}"'
OLD = "/developers/data/nyct/turnstile/turnstile_110528.txt"
MODERN = "/developers/data/nyct/turnstile/turnstile_230603.txt"


@dataclass
class Answer:
    status: int
    headers: HTTPMessage
    body: bytes


class Client:
    """One connection, kept over requests."""

    def __init__(self, url: str) -> None:
        self.address = urlsplit(url).netloc
        self.connection = HTTPConnection(self.address, timeout=20)

    def ask(self, path: str, method: str = "GET", **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request(method, path, headers=named)
        response = self.connection.getresponse()
        return Answer(response.status, response.headers, response.read())


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving() as url:
        yield url


@pytest.fixture(scope="module")
def content() -> bytes:
    return b"".join(sample.week(DAY))


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    client = Client(url)
    yield client
    client.connection.close()


def test_a_file_is_served_whole_and_can_be_kept(client: Client, content: bytes) -> None:
    answer = client.ask(FILE)
    assert answer.status == 200
    assert answer.body == content
    assert answer.headers["Content-Length"] == str(len(content))
    assert answer.headers["Content-Type"] == "text/plain"
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["Last-Modified"] == "Sat, 14 Jul 2012 10:00:00 GMT"
    assert answer.headers["ETag"] == TAG


def test_weeks_of_both_eras_are_served_whole(client: Client) -> None:
    assert client.ask(OLD).body == b"".join(sample.week(dt.date(2011, 5, 28)))
    assert client.ask(MODERN).body == b"".join(sample.week(dt.date(2023, 6, 3)))


def test_a_range_of_a_week_may_span_pieces(client: Client) -> None:
    pieces = list(islice(sample.week(dt.date(2023, 6, 3)), 4))
    answer = client.ask(MODERN, Range="bytes=300000-999999")
    assert answer.status == 206
    assert answer.body == b"".join(pieces)[300_000:1_000_000]


@pytest.mark.parametrize("name", ["100505", "100508", "120714", "141018", "230603", "240217"])
def test_head_has_the_headers_of_a_published_file_and_no_body(
    client: Client, name: str
) -> None:
    day = dt.date(2000 + int(name[:2]), int(name[2:4]), int(name[4:]))
    answer = client.ask(f"/developers/data/nyct/turnstile/turnstile_{name}.txt", "HEAD")
    assert answer.status == 200
    assert answer.body == b""
    assert answer.headers["Content-Length"] == str(sample.size(day))


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/developers/data/nyct/turnstile/",
        "/developers/data/nyct/turnstile/turnstile_230602.txt",  # a Friday
        "/developers/data/nyct/turnstile/turnstile_100501.txt",  # before the first
        "/developers/data/nyct/turnstile/turnstile_240224.txt",  # after the last
        "/developers/data/nyct/turnstile/turnstile_230231.txt",  # no such day
        "/developers/data/nyct/turnstile/turnstile_23060.txt",
        "/developers/data/nyct/turnstile/turnstile_230603.txt/",
        "/developers/data/nyct/turnstile/turnstile_230603.txt%00",
        "/developers/data/nyct/turnstile/../turnstile/turnstile_230603.txt",
        "/developers/data/nyct/turnstile/turnstile_%D9%A2%D9%A3%D9%A0%D9%A6%D9%A0%D9%A3.txt",
        "/developers/data/nyct/turnstile/turnstile_<script>alert(1)</script>.txt",
        "/../../../../../../etc/passwd",
        "/..%2f..%2f..%2fetc/passwd",
        "//example.com/",
        "http://example.com" + FILE,
        "/" + "x" * 10_000,
    ],
)
def test_anything_else_is_a_404_in_html_that_repeats_nothing(client: Client, path: str) -> None:
    answer = client.ask(path)
    assert answer.status == 404
    assert answer.headers["Content-Type"] == "text/html"
    assert answer.body.startswith(b"<html>")
    assert b"script" not in answer.body
    assert len(answer.body) < 1000
    assert client.ask(FILE, "HEAD").status == 200, "the connection is good for more"


def test_a_query_changes_nothing(client: Client) -> None:
    length = client.ask(FILE + "?x=1", "HEAD").headers["Content-Length"]
    assert length == str(sample.size(DAY))


@pytest.mark.parametrize(
    ("condition", "value"),
    [
        ("If_None_Match", TAG),
        ("If_None_Match", f'"other", W/{TAG}'),
        ("If_None_Match", "*"),
        ("If_Modified_Since", "Sat, 14 Jul 2012 10:00:00 GMT"),
        ("If_Modified_Since", "Sun, 01 Jan 2023 00:00:00 GMT"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_the_client_has_is_not_sent_again(
    client: Client, method: str, condition: str, value: str
) -> None:
    answer = client.ask(FILE, method, **{condition: value})
    assert answer.status == 304
    assert answer.body == b""
    assert answer.headers["ETag"] == TAG


@pytest.mark.parametrize(
    "conditions",
    [
        {"If_None_Match": '"120714-0"'},
        {"If_None_Match": '"other"', "If_Modified_Since": "Sun, 01 Jan 2023 00:00:00 GMT"},
        {"If_Modified_Since": "Sat, 14 Jul 2012 09:59:59 GMT"},
        {"If_Modified_Since": "yesterday"},
        {"If_Modified_Since": "Sun, 01 Jan 2023 00:00:00 -0000"},
    ],
)
def test_what_it_has_not_is_sent(client: Client, conditions: dict[str, str]) -> None:
    assert client.ask(FILE, "HEAD", **conditions).status == 200


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=5-1004", 5, 1004),
        ("bytes=800000-", 800_000, -1),
        ("bytes=800000-99999999", 800_000, -1),
        ("bytes=-1", -1, -1),
        ("bytes=-1000", -1000, -1),
        ("bytes=-99999999", 0, -1),
    ],
)
def test_a_range_is_served(
    client: Client, content: bytes, asked: str, first: int, last: int
) -> None:
    size = len(content)
    first, last = first % size, last % size  # negative ones count from the end
    answer = client.ask(FILE, Range=asked)
    assert answer.status == 206
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{size}"
    assert answer.headers["Content-Length"] == str(last + 1 - first)
    assert answer.body == content[first : last + 1]


def test_head_is_about_the_whole_file_even_when_it_names_a_range(client: Client) -> None:
    answer = client.ask(FILE, "HEAD", Range="bytes=0-9")
    assert answer.status == 200
    assert answer.headers["Content-Length"] == str(sample.size(DAY))


@pytest.mark.parametrize("asked", ["bytes={size}-", f"bytes={'9' * 90}-", "bytes=-0"])
def test_a_range_outside_the_file_is_refused(client: Client, asked: str) -> None:
    size = sample.size(DAY)
    answer = client.ask(FILE, Range=asked.format(size=size))
    assert answer.status == 416
    assert answer.headers["Content-Range"] == f"bytes */{size}"


@pytest.mark.parametrize(
    "asked",
    [
        "bytes=-",
        "bytes=2-1",
        "bytes=0-1,5-6",
        "bytes=a-b",
        "lines=0-1",
        f"bytes={'9' * 5000}-",
    ],
)
def test_a_range_that_is_none_or_several_gives_the_whole(client: Client, asked: str) -> None:
    answer = client.ask(FILE, Range=asked)
    assert answer.status == 200
    assert len(answer.body) == sample.size(DAY)


@pytest.mark.parametrize(
    ("validator", "status"),
    [
        (TAG, 206),
        ("Sat, 14 Jul 2012 10:00:00 GMT", 206),
        ('"120714-0"', 200),
        (f"W/{TAG}", 200),
        ("Sun, 01 Jan 2023 00:00:00 GMT", 200),
    ],
)
def test_a_range_is_for_the_file_that_the_client_began_with(
    client: Client, validator: str, status: int
) -> None:
    assert client.ask(FILE, Range="bytes=0-9", If_Range=validator).status == status


def test_a_tag_is_of_one_date_only(client: Client) -> None:
    other = FILE.replace("120714", "120721")
    tags = {client.ask(path, "HEAD").headers["ETag"] for path in (FILE, other)}
    assert len(tags) == 2
    assert not any(tag.startswith("W/") for tag in tags)


def test_a_request_with_a_body_is_the_connections_last(client: Client) -> None:
    answer = client.ask("/", Content_Length="5")
    assert answer.status == 404
    assert answer.headers["Connection"] == "close"


def test_a_client_that_goes_away_is_no_error(
    url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    address = urlsplit(url)
    assert address.hostname
    assert address.port
    threads = set(threading.enumerate())
    with socket.create_connection((address.hostname, address.port), timeout=20) as hasty:
        hasty.sendall(f"GET {MODERN} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        hasty.recv(1000)
    for thread in set(threading.enumerate()) - threads:
        thread.join(timeout=20)
        assert not thread.is_alive()
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_program_says_where_it_listens_and_ends_on_a_signal(number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "ingest.local.source", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        said = process.stdout.readline()
        assert said.startswith("listening on http://127.0.0.1:")
        client = Client(said.split()[-1])
        assert client.ask(FILE, "HEAD").status == 200  # and the connection stays open
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
        client.connection.close()
    assert process.returncode == 0
    assert (out, err) == ("", "")


def test_the_program_says_why_it_cannot_listen(url: str) -> None:
    taken = str(urlsplit(url).port)
    process = subprocess.run(
        [sys.executable, "-m", "ingest.local.source", "--port", taken],
        check=False,
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert process.returncode == 2
    assert f"cannot listen on port {taken}" in process.stderr
