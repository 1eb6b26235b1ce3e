"""What a source answers instead of the file: web pages, statuses, redirects."""

from tests.support.source_scripts import (
    HTML,
    ROWS,
    Fault,
    answer,
    first,
    good,
    head,
    in_a_second,
    retry_after,
)

IN_ANSWERS = [
    Fault("200 with a web page", "refuses it", "rejected", answer("200 OK", HTML), "html"),
    Fault("200 with nothing", "refuses it", "rejected", answer("200 OK"), "empty"),
    Fault("404", "puts it on record", "absent", answer("404 Not Found", HTML), "absent"),
    Fault("410", "puts it on record", "absent", answer("410 Gone"), "absent"),
    Fault("403", "refuses it", "rejected", answer("403 Forbidden", HTML), "status"),
    Fault("401", "refuses it", "rejected", answer("401 Unauthorized"), "status"),
    Fault(
        "206 unasked", "refuses it", "rejected", answer("206 Partial Content", ROWS), "status"
    ),
    Fault("408", "tries again", "retry", answer("408 Timeout"), "request_timeout"),
    Fault("429", "tries again", "retry", answer("429 Slow down"), "throttled"),
    Fault(
        "429 with a Retry-After of seconds",
        "waits as long, and asks again in the same delivery",
        "stored",
        first(retry_after(lambda: b"1", "429 Slow down"), good),
        stores=ROWS,
        asked=2,
    ),
    Fault(
        "503 with a Retry-After that is a date",
        "the same",
        "stored",
        first(retry_after(in_a_second, "503 Busy"), good),
        stores=ROWS,
        asked=2,
    ),
    Fault(
        "429 with a Retry-After of hours",
        "does not wait: Pub/Sub does",
        "retry",
        retry_after(lambda: b"7200", "429 Slow down"),
        "throttled",
        asked=1,
    ),
    Fault("500", "tries again", "retry", answer("500 Oh", HTML), "server_error"),
    Fault("502", "tries again", "retry", answer("502 Bad Gateway", HTML), "server_error"),
    Fault("503", "tries again", "retry", answer("503 Busy"), "server_error"),
    Fault(
        "redirect loop",
        "refuses it after five",
        "rejected",
        answer("302 Found", b"", b"Location: #again\r\n"),
        "redirect",
    ),
    Fault(
        "redirect to another host",
        "refuses it, and asks that host nothing",
        "rejected",
        answer("302 Found", b"", b"Location: http://example.org/x\r\n"),
        "redirect",
    ),
    Fault(
        "redirect to another scheme",
        "refuses it",
        "rejected",
        answer("302 Found", b"", b"Location: file:///etc/passwd\r\n"),
        "redirect",
    ),
    Fault(
        "redirect with a body without end",
        "does not read it",
        "rejected",
        lambda wire: wire.send(
            head("302 Found", b"Location: ftp://example.org/\r\n", length=10**12), bytes(10**6)
        ),
        "redirect",
    ),
]
