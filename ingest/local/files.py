"""Simulated hosts of files: what they have is small and made up, their answers are theirs.

NYC TLC (CloudFront: 403 for what is missing), Citi Bike (S3), GH Archive (a Google bucket
behind Cloudflare), Wikimedia (nginx, which lets no nameless agent in), NOAA (Apache).
"""

import gzip
import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from ingest.calendar import shift
from ingest.local.answers import Answer, Request, State, file

_XML = {"Content-Type": "application/xml"}
_DENIED = Answer(403, b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", _XML)
_NO_KEY = Answer(404, b"<?xml version='1.0'?><Error><Code>NoSuchKey</Code></Error>", _XML)
_NOT_FOUND = Answer(
    404, b"<html><body>404 Not Found</body></html>", {"Content-Type": "text/html"}
)

# https://foundation.wikimedia.org/wiki/Policy:User-Agent_policy: a name, and whom to write to.
_NAMED_AGENT = re.compile(r"[A-Za-z]+/[0-9.]+ \(.*(https?://|@).*\)")
_GENERIC_AGENT = re.compile("python|curl|wget|requests|java|go-http", re.IGNORECASE)


@dataclass(frozen=True)
class _Host:
    """Files of one kind: their paths, when each is there, and what it holds."""

    path: str
    end: Callable[[re.Match[str]], datetime]
    """The time after which the file is there; raises ValueError where there never is one."""
    content: Callable[[str, datetime, int], bytes]
    """The file by its path, that time and the edition."""
    missing: Answer
    content_type: str


def answer(request: Request, state: State) -> Answer | None:
    """Answer for whichever host has files by such paths."""
    for host in _HOSTS:
        match = re.fullmatch(host.path, request.path)
        if match is not None:
            return _of_host(host, match, request, state)
    return None


def _of_host(host: _Host, match: re.Match[str], request: Request, state: State) -> Answer:
    agent = request.headers.get("User-Agent", "")
    if host is _WIKIMEDIA:
        if not _NAMED_AGENT.search(agent) or _GENERIC_AGENT.match(agent):
            return Answer(403, b"Please set a user-agent.\n", {"Content-Type": "text/plain"})
        if state.trouble == "busy":
            return Answer(503, b"", {"Content-Type": "text/html"})
    try:
        end = host.end(match)
    except ValueError:
        return host.missing
    if not state.over(end):
        return host.missing
    body = host.content(request.path, end, state.edition)
    if state.trouble == "cut_off":
        body = body[:-20]
    return file(body, end + timedelta(days=state.edition), host.content_type)


def _month(match: re.Match[str]) -> datetime:
    """Return the end of the month that a path names last."""
    return shift(datetime(int(match["year"]), int(match["month"]), 1), "month", 1)  # noqa: DTZ001


def _jc_month(match: re.Match[str]) -> datetime:
    """Likewise, where the path has the name that the month has, slips and all."""
    month, name = match["year"] + match["month"], match["name"]
    expected = {
        **dict.fromkeys(("202510", "202601", "202604"), "-citibike-tripdata.zip"),
        "201708": "%20citibike-tripdata.csv.zip",
        "202207": "-citbike-tripdata.csv.zip",
    }.get(month, "-citibike-tripdata.csv.zip")
    if name != expected or month < "201509":
        raise ValueError("there is no such key")
    return _month(match)


def _year(match: re.Match[str]) -> datetime:
    year = int(match["year"])
    if not 2013 <= year <= 2023:
        raise ValueError("there is no such key")
    return datetime(year + 1, 1, 1)  # noqa: DTZ001  UTC, without a zone


def _never(_: re.Match[str]) -> datetime:
    raise ValueError("there is no such key")


def _grown_year(match: re.Match[str]) -> datetime:
    """Return the third day of the year: from then on there is a file."""
    year = int(match["year"])
    if year != 1750 and year < 1763:
        raise ValueError("there is no such file")
    return datetime(year, 1, 3)  # noqa: DTZ001  UTC, without a zone


def _hour(match: re.Match[str]) -> datetime:
    parts = (int(match[part]) for part in ("year", "month", "day", "hour"))
    return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001  UTC, without a zone


def _next_hour(match: re.Match[str]) -> datetime:
    return _hour(match) + timedelta(hours=1)


def _parquet(path: str, _: datetime, edition: int) -> bytes:
    """Make what can be told of a parquet file without reading its columns."""
    footer = f"{path} {edition}".encode()
    column = (path.encode() * 4096)[:120_000]
    return b"PAR1" + column + footer + len(footer).to_bytes(4, "little") + b"PAR1"


def _zip(path: str, end: datetime, edition: int) -> bytes:
    """Make an archive as Citi Bike's: stored, not compressed, with a Mac's left-overs."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as parts:
        for part in (1, 2):
            rows = "".join(f"{n:016X},classic_bike,{end}\n" for n in range(500 * part))
            name = f"{path.rpartition('/')[2][:6]}_{part}.csv"
            member = f"ride_id,rideable_type,started_at\n{rows}{edition},,\n"
            parts.writestr(zipfile.ZipInfo(name), member)
            parts.writestr(zipfile.ZipInfo(f"__MACOSX/._{name}"), b"\0\5\26\7")
    return archive.getvalue()


def _events(_: str, end: datetime, edition: int) -> bytes:
    rows = (f'{{"id":"{n}","type":"PushEvent","at":"{end:%FT%T}Z"}}\n' for n in range(2000))
    return _gzip("".join(rows) + edition * "{}\n")


def _views(_: str, __: datetime, edition: int) -> bytes:
    rows = (f"en.m Page_{n} {n % 97 + 1} 0\n" for n in range(2000))
    return _gzip("".join(rows) + edition * "de.m Seite 1 0\n")


def _weather(_: str, end: datetime, edition: int) -> bytes:
    """Make a year's file, longer by a day an edition."""
    days = (end + timedelta(days=n) for n in range(3 + edition))
    rows = (
        f"USW000{n:05},{day:%Y%m%d},TMAX,{n % 300},,,W,\n" for day in days for n in range(500)
    )
    return _gzip("".join(rows))


def _gzip(text: str) -> bytes:
    return gzip.compress(text.encode(), mtime=0)


_YEAR, _MONTH, _DAY = r"(?P<year>\d{4})", r"(?P<month>\d\d)", r"(?P<day>\d\d)"
_WIKIMEDIA = _Host(
    rf"/other/pageviews/{_YEAR}/(?P=year)-{_MONTH}/"
    rf"pageviews-(?P=year)(?P=month){_DAY}-(?P<hour>\d\d)0000\.gz",
    _hour,  # named by its end
    _views,
    _NOT_FOUND,
    "application/octet-stream",
)
_HOSTS = (
    _Host(
        rf"/trip-data/(yellow|green|fhv|fhvhv)_tripdata_{_YEAR}-{_MONTH}\.parquet",
        _month,
        _parquet,
        _DENIED,
        "binary/octet-stream",
    ),
    _Host(
        rf"/tripdata/{_YEAR}{_MONTH}-citibike-tripdata\.zip",
        _month,
        _zip,
        _NO_KEY,
        "application/zip",
    ),
    _Host(
        rf"/tripdata/JC-{_YEAR}{_MONTH}(?P<name>.*)",
        _jc_month,
        _zip,
        _NO_KEY,
        "application/zip",
    ),
    _Host(
        rf"/tripdata/{_YEAR}-citibike-tripdata\.zip", _year, _zip, _NO_KEY, "application/zip"
    ),
    _Host(r"/tripdata/.*", _never, _zip, _NO_KEY, "application/zip"),
    _Host(
        rf"/{_YEAR}-{_MONTH}-{_DAY}-(?P<hour>0|1?[1-9]|10|2[0-3])\.json\.gz",
        _next_hour,
        _events,
        _NO_KEY,
        "application/gzip",
    ),
    _WIKIMEDIA,
    _Host(
        rf"/pub/data/ghcn/daily/by_year/{_YEAR}\.csv\.gz",
        _grown_year,
        _weather,
        _NOT_FOUND,
        "application/x-gzip",
    ),
)
