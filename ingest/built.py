"""Settings and clients, each built once, when it is first needed.

What needs the client libraries is imported then, too: importing them is most of a cold start.
"""

import os
import threading
import time
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, TypeVar

from ingest.deadline import Deadline
from ingest.feeds import Catalogue, load_catalogue
from ingest.settings import Settings, read_settings, require_topic
from ingest.times import utc_now

if TYPE_CHECKING:
    from ingest.audit import Audit
    from ingest.dispatcher import Dispatcher
    from ingest.lake import Lake
    from ingest.publish import Publisher
    from ingest.worker import Worker

T = TypeVar("T")
_building = threading.RLock()


def _once(build: Callable[[], T]) -> Callable[[], T]:
    """Build at the first call, whichever thread makes it; an error is not remembered."""
    cached = cache(build)

    def get() -> T:
        with _building:
            return cached()

    return get


@_once
def settings() -> Settings:
    """Return what the environment says."""
    return read_settings(os.environ)


@_once
def catalogue() -> Catalogue:
    """Return the catalogue in use."""
    return load_catalogue(settings().feeds)


@_once
def configured_logging() -> None:
    """Have log lines written as they are to be."""
    from ingest.logs import configure

    configure(os.environ.get("GOOGLE_CLOUD_PROJECT"))


def emitter() -> Callable[..., None]:
    """Return `logs.emit`, with log lines written as they are to be."""
    configured_logging()
    from ingest.logs import emit

    return emit


@_once
def lake() -> "Lake":
    """Return the lake."""
    from google.cloud.storage import Client

    from ingest.lake import Lake

    return Lake(Client(project=settings().project).bucket(settings().bucket))


@_once
def publisher() -> "Publisher":
    """Return what publishes to the topic."""
    from ingest.publish import Publisher, new_client

    return Publisher(new_client(), require_topic(settings()))


@_once
def dispatcher() -> "Dispatcher":
    """Return what plans and publishes."""
    from ingest.dispatcher import Dispatcher

    require_topic(settings())
    configured_logging()
    return Dispatcher(
        catalogue(), lake(), publisher, max_periods=settings().max_periods, now=utc_now
    )


def audit() -> "Audit":
    """Return an audit as of now."""
    from ingest.audit import Audit

    require_topic(settings())
    configured_logging()
    return Audit(catalogue(), lake(), publisher, utc_now())


@_once
def worker() -> "Worker":
    """Return what takes deliveries."""
    from ingest.memory import share_one_arena
    from ingest.session import new_session
    from ingest.source import Source
    from ingest.transfer import Transfer
    from ingest.worker import Worker

    share_one_arena()
    configured_logging()
    source = Source(new_session(), settings().contact, now=utc_now)
    return Worker(
        catalogue(),
        lake(),
        Transfer(lake(), source, utc_now),
        deadline_seconds=settings().deadline_seconds,
        max_attempts=settings().max_attempts,
        now=utc_now,
        monotonic=time.monotonic,
    )


def deadline() -> Deadline:
    """Return the deadline of a request that begins now."""
    return Deadline(settings().deadline_seconds, time.monotonic)
