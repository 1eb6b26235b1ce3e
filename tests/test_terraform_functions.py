"""What Terraform gives the functions is what their code takes."""

import dataclasses
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from ingest.settings import PROJECT_PAGE, read_settings
from tests.support.terraform import ROOT, Configuration, Plan

UV = Path(sys.executable).with_name("uv")

TARGETS = ["dispatch", "worker"]

# functions-framework's own.
PLATFORM = {"LOG_EXECUTION_ID", "THREADS"}


class Recorder(Mapping[str, str]):
    """An environment that remembers which variables were asked for."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self.env, self.asked = env, set[str]()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return self.env[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.env)

    def __len__(self) -> int:
        return len(self.env)


def service(plan: Plan, target: str) -> dict[str, object]:
    (config,) = plan.resources[f"google_cloudfunctions2_function.{target}"]["service_config"]
    assert isinstance(config, dict)
    return config


def given(plan: Plan, target: str) -> dict[str, str]:
    """The environment of a function as planned."""
    environment = service(plan, target)["environment_variables"]
    assert isinstance(environment, dict)
    return environment


@pytest.mark.parametrize("target", TARGETS)
def test_the_environment_is_what_the_settings_read(plan: Plan, target: str) -> None:
    environment = given(plan, target)
    recorder = Recorder(environment)
    settings = read_settings(recorder)
    assert environment.keys() == recorder.asked | PLATFORM
    assert dataclasses.asdict(settings) == {
        "bucket": "my-lake",
        "topic": "projects/my-project/topics/lakefill-periods",
        "project": "my-project",
        "feeds": Path("ingest/feeds.yaml"),
        "deadline_seconds": 480,
        "max_attempts": 100,
        "contact": PROJECT_PAGE,
        "max_periods": 200_000,
    }


@pytest.mark.parametrize("target", TARGETS)
def test_the_limits_agree_with_each_other(plan: Plan, target: str) -> None:
    environment, config = given(plan, target), service(plan, target)
    subscription = plan.resources["google_pubsub_subscription.worker"]
    timeout = config["timeout_seconds"]
    assert isinstance(timeout, int)
    assert int(environment["LAKEFILL_DEADLINE_SECONDS"]) < timeout
    assert timeout < subscription["ack_deadline_seconds"]
    (policy,) = subscription["dead_letter_policy"]
    assert int(environment["LAKEFILL_MAX_ATTEMPTS"]) == policy["max_delivery_attempts"]
    assert environment["THREADS"] == str(config["max_instance_request_concurrency"])


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean environment with only requirements.txt installed."""
    directory = tmp_path_factory.mktemp("installed") / "venv"
    subprocess.run([UV, "venv", "-q", "--python", sys.executable, directory], check=True)
    python = directory / "bin" / "python"
    install = [str(UV), "pip", "install", "-q", "--python", str(python), "--require-hashes"]
    subprocess.run([*install, "-r", str(ROOT / "requirements.txt")], check=True)
    return python


CALL = """
import sys
from functions_framework import create_app
target, body, expected = sys.argv[1:]
answer = create_app(target, "main.py").test_client().post("/", data=body)
print(answer.status_code, answer.text)
sys.exit(answer.status_code != int(expected))
"""


@pytest.mark.parametrize(
    ("target", "body", "status"),
    [("dispatch", '{"date": "1999"}', 422), ("worker", "{}", 400)],
)
def test_the_archive_serves_where_only_its_requirements_are_installed(
    plan: Plan,
    configuration: Configuration,
    installed: Path,
    tmp_path: Path,
    target: str,
    body: str,
    status: int,
) -> None:
    (build,) = plan.resources[f"google_cloudfunctions2_function.{target}"]["build_config"]
    assert (build["runtime"], build["entry_point"]) == ("python313", target)
    name = plan.resources["google_storage_bucket_object.archive"]["name"]
    archive = configuration.directory.parent / "build" / name
    subprocess.run([installed, "-m", "zipfile", "-e", archive, tmp_path], check=True)
    inherited = {"PATH": os.environ["PATH"]}
    # No storage is reached: neither request gets that far.
    env = inherited | given(plan, target) | {"STORAGE_EMULATOR_HOST": "http://127.0.0.1:9"}
    command = [str(installed), "-I", "-c", f"import sys; sys.path.insert(0, '')\n{CALL}"]
    done = subprocess.run(
        [*command, build["entry_point"], body, str(status)],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
