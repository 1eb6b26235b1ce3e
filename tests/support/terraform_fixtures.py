"""The configuration and its plan, one a test process."""

import pytest

from tests.support.terraform import Configuration, Plan


@pytest.fixture(scope="session")
def configuration(tmp_path_factory: pytest.TempPathFactory) -> Configuration:
    return Configuration(tmp_path_factory.mktemp("configuration"))


@pytest.fixture(scope="session")
def plan(configuration: Configuration) -> Plan:
    """With all that variables can add."""
    return configuration.plan(
        alert_emails=["ops@example.org"], invokers=["user:me@example.org"]
    )
