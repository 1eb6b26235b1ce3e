"""The builds: their form, their steps as they are written, and who may do what."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.checkout import Checkout
from tests.support.terraform import ROOT, Configuration, stand_in

FILES = ["cloudbuild.yaml", "cloudbuild.apply.yaml"]


def build(name: str) -> dict[str, Any]:
    loaded = yaml.safe_load((ROOT / name).read_text())
    assert isinstance(loaded, dict)
    return loaded


def steps(name: str) -> dict[str, dict[str, Any]]:
    return {step["id"]: step for step in build(name)["steps"]}


@pytest.mark.parametrize("name", FILES)
def test_it_has_the_form_that_cloud_build_takes(name: str) -> None:
    check = Path(sys.executable).with_name("check-jsonschema")
    command = [str(check), "--builtin-schema", "vendor.cloudbuild", str(ROOT / name)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_what_runs_tests_changes_nothing_and_what_applies_runs_no_test() -> None:
    assert [*steps("cloudbuild.yaml")] == ["test", "package", "check", "plan"]
    assert [*steps("cloudbuild.apply.yaml")] == ["package", "apply"]
    for step in steps("cloudbuild.yaml").values():
        assert "terraform apply" not in step["script"]
        assert " apply " not in step["script"]
    for step in steps("cloudbuild.apply.yaml").values():
        assert "test" not in step["script"].replace("latest", "")
    for name in FILES:
        # An account of one's own takes one of Cloud Logging or an own bucket.
        assert build(name)["options"]["logging"] == "CLOUD_LOGGING_ONLY"
        assert build(name)["substitutions"].keys() == {
            "_BUCKET_NAME",
            "_REGION",
            "_STATE_BUCKET",
        }


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    return Checkout(tmp_path_factory.mktemp("checkout"))


def run(checkout: Checkout, step: dict[str, Any], **env: str) -> str:
    """Run a step's script as Cloud Build would, and return what it said."""
    shell = "bash" if "bash" in step["script"].splitlines()[0] else "sh"
    done = checkout.run(step["script"], shell, **env)
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_the_package_step_as_written(checkout: Checkout) -> None:
    said = run(checkout, steps("cloudbuild.yaml")["package"])
    assert (checkout.directory / said.strip().splitlines()[-1]).exists()


def test_what_applies_packages_the_same_and_installs_nothing(
    checkout: Checkout, tmp_path: Path
) -> None:
    tested = run(checkout, steps("cloudbuild.yaml")["package"]).strip().splitlines()[-1]
    # Alone on the path, without any package: what the step's image has.
    (tmp_path / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "$@"\n')
    (tmp_path / "python").chmod(0o755)
    (tmp_path / "bash").symlink_to("/bin/bash")
    script = steps("cloudbuild.apply.yaml")["package"]["script"]
    assert run(checkout, {"script": script}, PATH=str(tmp_path)).strip() == tested


def test_the_check_step_as_written(checkout: Checkout, tmp_path: Path) -> None:
    if not stand_in():
        # Says why it skips where the registry cannot be reached either.
        Configuration(tmp_path)
    assert " 0 failed" in run(checkout, steps("cloudbuild.yaml")["check"])


def test_the_test_step_as_written(checkout: Checkout) -> None:
    # Within a run of the tests they are only collected, lest each run would start another.
    said = run(
        checkout,
        steps("cloudbuild.yaml")["test"],
        PYTEST_ADDOPTS="--collect-only -q",
        MYPY_CACHE_DIR=str(ROOT / ".mypy_cache"),
        PATH=os.environ["PATH"],
    )
    assert "tests collected" in said


@pytest.mark.parametrize(
    ("name", "step", "last"),
    [("cloudbuild.yaml", "plan", "plan"), ("cloudbuild.apply.yaml", "apply", "apply")],
)
def test_a_step_that_needs_google_gets_there(
    checkout: Checkout, tmp_path: Path, name: str, step: str, last: str
) -> None:
    """As written but for Terraform itself, which only says how it is called."""
    recorder = tmp_path / "terraform"
    recorder.write_text('#!/bin/sh\necho "$TF_VAR_project_id $TF_VAR_region: $*"\n')
    recorder.chmod(0o755)
    said = run(
        checkout,
        steps(name)[step],
        PATH=f"{tmp_path}:{os.environ['PATH']}",
        PROJECT_ID="my-project",
        _REGION="us-east1",
        _BUCKET_NAME="my-lake",
        _STATE_BUCKET="my-state",
    )
    init, action = said.splitlines()
    assert init.startswith("my-project us-east1: -chdir=terraform init ")
    assert "-backend-config=bucket=my-state -backend-config=prefix=lakefill" in init
    assert action.startswith(f"my-project us-east1: -chdir=terraform {last} -input=false")
    assert (checkout.directory / "terraform" / "backend.tf").exists()
