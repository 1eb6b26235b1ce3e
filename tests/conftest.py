"""What all tests share."""

import os

from hypothesis import settings

pytest_plugins = ["tests.support.fixtures", "tests.support.terraform_fixtures"]

# A shared or busy machine is slow at times: no deadline for an example. On CI the same examples
# each time.
settings.register_profile("lakefill", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("lakefill")
