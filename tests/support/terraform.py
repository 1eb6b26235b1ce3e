"""Terraform on a copy of the configuration, with the provider's real schema but no cloud.

Where the stand-in provider lies beside the checkout (`../shared/terraform/offline-config`,
which needs Go), Terraform uses that; elsewhere the registry's provider, which can do all but
plan and apply. Where there is neither, tests are skipped and say so.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import pytest

from deploy.package import archive

ROOT = Path(__file__).parents[2]
OFFLINE_CONFIG = ROOT.parent / "shared" / "terraform" / "offline-config"

REQUIRED = {"project_id": "my-project", "region": "us-east1", "bucket_name": "my-lake"}

References = dict[str, list[str]]
"""What each attribute of a resource, by its path without indices, refers to."""


@cache
def environment() -> dict[str, str]:
    """What Terraform's processes get; skips the test where there is no Terraform."""
    if shutil.which("terraform") is None:
        pytest.skip("terraform is not installed")
    env = {k: v for k, v in os.environ.items() if not k.startswith(("TF_", "GOOGLE_"))}
    env |= {"TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1"}
    if stand_in():
        # The first call builds it: of several test processes, one at a time.
        with (Path(tempfile.gettempdir()) / "lakefill-stand-in.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            made = subprocess.run(
                [OFFLINE_CONFIG], stdout=subprocess.PIPE, text=True, check=True
            )
        env["TF_CLI_CONFIG_FILE"] = made.stdout.strip()
    return env


def stand_in() -> bool:
    """Whether the stand-in provider can be had."""
    return OFFLINE_CONFIG.exists() and shutil.which("go") is not None


@dataclass(frozen=True)
class Plan:
    """A plan as `terraform show -json` gives it."""

    json: dict[str, Any]

    @cached_property
    def resources(self) -> dict[str, dict[str, Any]]:
        """The planned values of each resource by address; what is not known yet is left out."""
        planned = self.json["planned_values"]["root_module"]["resources"]
        return {r["address"]: r["values"] for r in planned if r["mode"] == "managed"}

    @cached_property
    def references(self) -> dict[str, References]:
        """What each resource of the configuration refers to."""
        found: dict[str, References] = {}
        for resource in self.json["configuration"]["root_module"]["resources"]:
            found[resource["address"]] = {}
            _collect(resource.get("expressions", {}), (), found[resource["address"]])
        return found

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        return {a: v for a, v in self.resources.items() if a.startswith(f"{kind}.")}

    def refers(self, address: str, attribute: str, to: str) -> bool:
        """Whether an attribute (a path with dots) of a resource is made from another."""
        return to in self.references[address].get(attribute, [])

    def without(self, address: str) -> "Plan":
        """The plan as it would be had that block not been written."""
        root = self.json["configuration"]["root_module"]
        kept = [r for r in root["resources"] if r["address"] != address]
        planned = self.json["planned_values"]["root_module"]
        values = [r for r in planned["resources"] if r["address"].split("[")[0] != address]
        return Plan(
            {
                "configuration": {"root_module": root | {"resources": kept}},
                "planned_values": {"root_module": planned | {"resources": values}},
            }
        )


def _collect(expressions: Any, path: tuple[str, ...], found: References) -> None:
    if isinstance(expressions, list):
        for item in expressions:
            _collect(item, path, found)
    elif "references" in expressions or "constant_value" in expressions:
        found.setdefault(".".join(path), []).extend(expressions.get("references", []))
    else:
        for name, inner in expressions.items():
            if isinstance(inner, (dict, list)):
                _collect(inner, (*path, name), found)


class Configuration:
    """A copy of the configuration beside its catalogue and archive, initialised."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "terraform"
        junk = shutil.ignore_patterns(".terraform*", "*.tfstate*", "*.tfvars", "backend.tf")
        shutil.copytree(ROOT / "terraform", self.directory, ignore=junk)
        (directory / "ingest").mkdir()
        shutil.copy(ROOT / "ingest" / "feeds.yaml", directory / "ingest")
        content = archive(ROOT)
        self.archive_hash = hashlib.sha256(content).hexdigest()[:16]
        (directory / "build").mkdir()
        (directory / "build" / f"lakefill-{self.archive_hash}.zip").write_bytes(content)
        init = self.run("init", "-input=false")
        if init.returncode and not stand_in():
            pytest.skip(f"the google provider cannot be had: {init.stderr.strip()[-300:]}")
        assert init.returncode == 0, init.stderr

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Terraform here; whoever calls looks at its exit code."""
        # -chdir and not a working directory, as the documentation does it.
        return subprocess.run(
            ["terraform", f"-chdir={self.directory}", *arguments, "-no-color"],
            env=environment(),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def plan(self, **variables: object) -> Plan:
        """Plan with the required variables and these."""
        if not stand_in():
            pytest.skip("planning without credentials takes the stand-in provider")
        planned = self.run("plan", "-input=false", "-out=plan", *arguments(**variables))
        assert planned.returncode == 0, planned.stderr
        shown = subprocess.run(
            ["terraform", f"-chdir={self.directory}", "show", "-json", "plan"],
            env=environment(),
            capture_output=True,
            text=True,
            check=True,
        )
        return Plan(json.loads(shown.stdout))


def arguments(**variables: object) -> list[str]:
    """The required variables, and these, as Terraform's arguments."""
    both = REQUIRED | variables
    return [
        f"-var={name}={value if isinstance(value, str) else json.dumps(value)}"
        for name, value in both.items()
    ]
