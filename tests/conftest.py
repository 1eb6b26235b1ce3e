"""What all tests share."""

import os

from hypothesis import settings

pytest_plugins = ["tests.support.fixtures", "tests.support.terraform_fixtures"]

# A shared or busy machine is slow at times: no deadline for an example. On CI the same examples
# each time.
settings.register_profile("lakefill", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("lakefill")


def pytest_xdist_auto_num_workers() -> int:
    """Two processes a core: most of a test's time is waiting for the processes it started."""
    return 2 * (os.cpu_count() or 1)
