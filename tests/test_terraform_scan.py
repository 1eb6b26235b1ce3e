"""checkov finds nothing in the configuration; each exception gives its reason in place."""

import json
import os
import re
import subprocess

import pytest

from tests.support.terraform import ROOT

CHECKOV = ROOT / ".venv-scan" / "bin" / "checkov"
TERRAFORM = ROOT / "terraform"


def test_nothing_is_found() -> None:
    if not CHECKOV.exists():
        pytest.skip("checkov is not installed: `make test` does that")
    command = [str(CHECKOV), "-d", str(TERRAFORM), "--framework", "terraform", "-o", "json"]
    # Nothing is asked of the scanner's own service.
    done = subprocess.run(
        [*command, "--skip-download", "--compact"],
        env=os.environ | {"LOG_LEVEL": "ERROR"},
        capture_output=True,
        text=True,
        check=False,
    )
    report = json.loads(done.stdout)
    assert report["results"]["parsing_errors"] == []
    assert report["results"]["failed_checks"] == []
    assert report["summary"]["passed"] > 0
    assert report["summary"]["skipped"] == len(exceptions())


def exceptions() -> list[tuple[str, str]]:
    """The checks that are left out, and why."""
    found = []
    for path in TERRAFORM.glob("*.tf"):
        found += re.findall(r"#checkov:skip=(\w+):?(.*)", path.read_text())
    return found


def test_each_exception_says_why() -> None:
    assert all(len(reason.split()) > 5 for _, reason in exceptions())
