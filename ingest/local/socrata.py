"""A simulated Socrata portal: data.ny.gov with the MTA's hourly ridership in two datasets.

`$select`, `$where` by time, `$limit` and `count(1)` as SODA 2.1 has them; every value quoted,
streamed without a length, no ranges, an ETag by what was asked. Rows are made up, and fewer.
"""

import re
from datetime import datetime, timedelta

from ingest.local.answers import Answer, Request, State, tag

_PATH = re.compile(r"/resource/([a-z0-9]{4}-[a-z0-9]{4})\.csv")
_WINDOW = re.compile(
    r"transit_timestamp >= '([0-9T:-]{19})' AND transit_timestamp < '([0-9T:-]{19})'"
)
_ERAS = {
    "wujg-7c2s": (datetime(2020, 7, 1), datetime(2025, 1, 1)),  # noqa: DTZ001  floating time
    "5wq4-mkjj": (datetime(2025, 1, 1), datetime(9000, 1, 1)),  # noqa: DTZ001
}
ROWS_AN_HOUR = 430
_DEFAULT_LIMIT = 1000


def answer(request: Request, state: State) -> Answer | None:
    """Answer as the portal does."""
    match = _PATH.fullmatch(request.path)
    if match is None:
        return None
    if match[1] not in _ERAS:
        return _problem(404, "dataset.missing")
    window = _WINDOW.fullmatch(request.query.get("$where", ""))
    try:
        low, high = map(datetime.fromisoformat, window.groups() if window else ())
        most = int(request.query.get("$limit", _DEFAULT_LIMIT))
    except ValueError:
        return _problem(400, "query.soql.no-such-column")
    if state.trouble == "preparing":
        return Answer(202, b"", {"Retry-After": "3600"})
    first, end = _ERAS[match[1]]
    outdated = state.trouble in {"absent", "outdated"}
    hours = [] if outdated else _hours(max(low, first), min(high, end), state)
    headers = {"Content-Type": "text/csv; charset=utf-8"}
    if state.trouble == "outdated":
        headers["X-SODA2-Data-Out-Of-Date"] = "true"
    select = request.query.get("$select", "")
    if select == "count(1)":
        body = f'"count_1"\n"{len(hours) * ROWS_AN_HOUR}"\n'.encode()
    else:
        body = _csv(select, hours, most, state)
    return Answer(200, body, {**headers, "ETag": tag(body)}, chunked=True)


def _hours(low: datetime, high: datetime, state: State) -> list[datetime]:
    """Return the hours between, as far as they are loaded, a day behind."""
    hours = [
        low + timedelta(hours=n)
        for n in range(max(0, int((high - low).total_seconds() // 3600)))
    ]
    return [hour for hour in hours if state.over(hour + timedelta(days=1))]


def _csv(select: str, hours: list[datetime], limit: int, state: State) -> bytes:
    columns = select.split(",")
    header = ",".join(f'"{column}"' for column in columns) + "\n"
    if state.trouble == "cut_off":  # there are more rows than the limit
        return (header + limit * (len(columns) * '""' + "\n")).encode()
    row = (
        '"{0}","subway","{1}","Station {1}","Queens","omny","OMNY - Full Fare",'
        '"{2}.0","0.0","40.7","-73.9"\n'
    )
    rows = [
        row.format(hour.isoformat() + ".000", n, 1 + (n + state.edition) % 90)
        for hour in hours
        for n in range(ROWS_AN_HOUR)
    ]
    return (header + "".join(rows[:limit])).encode()


def _problem(status: int, code: str) -> Answer:
    body = f'{{"code": "{code}", "error": true}}\n'.encode()
    return Answer(status, body, {"Content-Type": "application/json"})
