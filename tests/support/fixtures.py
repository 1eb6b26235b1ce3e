"""The running world that contract tests share, one a test process."""

from collections.abc import Iterator

import pytest

from tests.support.dispatching import Dispatching, dispatching
from tests.support.function import FunctionProcess
from tests.support.picky_pubsub import Picky
from tests.support.world import Deliveries, World, world


@pytest.fixture(scope="session")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("world")) as w:
        yield w


@pytest.fixture(scope="session")
def worker(here: World) -> Iterator[FunctionProcess]:
    with FunctionProcess("worker", here.env) as process:
        yield process


@pytest.fixture
def day(here: World, worker: FunctionProcess) -> Deliveries:
    """A day of its own for each test, due and past grace long ago."""
    return Deliveries(worker, here)


@pytest.fixture(scope="session")
def patient_worker(here: World) -> Iterator[FunctionProcess]:
    """A worker whose time does not run out while a test holds it up."""
    with FunctionProcess("worker", here.env | {"LAKEFILL_DEADLINE_SECONDS": "240"}) as process:
        yield process


@pytest.fixture
def patient_day(here: World, patient_worker: FunctionProcess) -> Deliveries:
    return Deliveries(patient_worker, here)


@pytest.fixture(scope="session")
def dispatching_process(here: World) -> Iterator[Dispatching]:
    with dispatching(here) as process:
        yield process


@pytest.fixture
def d(dispatching_process: Dispatching) -> Dispatching:
    """The dispatcher, with nothing published that was not looked at."""
    dispatching_process.messages()
    return dispatching_process


@pytest.fixture
def picky() -> Iterator[Picky]:
    server = Picky()
    yield server
    server.stop()
