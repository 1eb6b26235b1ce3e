"""A lake to audit, and the functions that look after it.

A test module loads it by `pytest_plugins = "tests.support.audit_fixtures"`.
"""

from collections.abc import Iterator

import pytest

from tests.support.auditing import Auditing, catalogue
from tests.support.dispatching import Dispatching, dispatching
from tests.support.function import FunctionProcess
from tests.support.world import World, world


@pytest.fixture(scope="module")
def audited_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("audited"), catalogue()) as here:
        yield here


@pytest.fixture(scope="module")
def auditing_process(audited_world: World) -> Iterator[Dispatching]:
    with dispatching(audited_world) as process:
        yield process


@pytest.fixture(scope="module")
def audited_worker(audited_world: World) -> Iterator[FunctionProcess]:
    with FunctionProcess("worker", audited_world.env) as process:
        yield process


@pytest.fixture
def a(auditing_process: Dispatching) -> Auditing:
    """The dispatcher before an empty lake, with nothing published that was not looked at."""
    auditing = Auditing(auditing_process)
    auditing.d.messages()
    for name in auditing.world.names():
        auditing.world.bucket.blob(name).delete()
    auditing.world.source.replies.clear()
    return auditing
