"""Simulated services that answer a query with CSV: the USGS's earthquakes, the ECB's rates."""

from datetime import date, datetime, time, timedelta

from ingest.local.answers import Answer, Request, State, file

_QUAKES = (
    "time,latitude,longitude,depth,mag,magType,nst,gap,dmin,rms,net,id,updated,place,type,"
    "horizontalError,depthError,magError,magNst,status,locationSource,magSource\n"
)
_RATES = "KEY,FREQ,CURRENCY,CURRENCY_DENOM,EXR_TYPE,EXR_SUFFIX,TIME_PERIOD,OBS_VALUE\n"
_CURRENCIES = {"USD": 1.08, "JPY": 161.2, "GBP": 0.86, "CHF": 0.96}
_A_DAY = 40  # quakes
_SEARCH_LIMIT = 20_000


def quakes(request: Request, state: State) -> Answer | None:
    """Answer as the FDSN event service does: nothing is cached, and nothing is never a 404."""
    if request.path != "/fdsnws/event/1/query":
        return None
    text = {"Content-Type": "text/plain; charset=utf-8"}
    try:
        low, high = (  # a zone may stand there; what is meant is UTC
            datetime.fromisoformat(request.query[name]).replace(tzinfo=None)
            for name in ("starttime", "endtime")
        )
    except (KeyError, ValueError):
        return Answer(400, b"Error 400: Bad Request\n", text)
    if state.trouble == "cut_off":
        found = _SEARCH_LIMIT + 1
        return Answer(
            400, f"{found} matching events exceeds search limit of 20000.".encode(), text
        )
    steps = [low + n * timedelta(days=1) / _A_DAY for n in range(_A_DAY)]
    times = [at for at in steps if at <= high and state.over(low)]
    status = "reviewed" if state.edition else "automatic"
    rows = (
        f"{at:%FT%T}.000Z,61.{n},-150.{n},10,2.{n % 10},ml,,,,0.5,ak,ak{n},{at:%FT%T}.040Z,"
        f'"{n} km W of Nowhere, Alaska",earthquake,,0.4,,,{status},ak,ak\n'
        for n, at in enumerate(times)
    )
    return Answer(
        200, (_QUAKES + "".join(rows)).encode(), {"Content-Type": "text/csv"}, chunked=True
    )


def rates(request: Request, state: State) -> Answer | None:
    """Answer as the ECB's data portal does: 404 where there are no results."""
    if request.path != "/service/data/EXR/D..EUR.SP00.A":
        return None
    try:
        day = date.fromisoformat(request.query["startPeriod"])
    except (KeyError, ValueError):
        return Answer(400, b"Invalid value for startPeriod.", {"Content-Type": "text/plain"})
    published = datetime.combine(day, time(15))  # 16:00 or 17:00 in Frankfurt
    if day.weekday() > 4 or not state.over(published):
        return Answer(404, b"No results found.", {"Content-Type": "text/plain"})
    rows = (
        f"EXR.D.{currency}.EUR.SP00.A,D,{currency},EUR,SP00,A,{day},{rate + state.edition}\n"
        for currency, rate in _CURRENCIES.items()
    )
    answer = file(
        (_RATES + "".join(rows)).encode(), published + timedelta(days=state.edition), "text/csv"
    )
    headers = {name: value for name, value in answer.headers.items() if name != "ETag"}
    return Answer(200, answer.body, headers)
