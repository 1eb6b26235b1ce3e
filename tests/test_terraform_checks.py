"""Terraform's own checks: format, validation; apply, then nothing to do, then destroy.

Its own tests (terraform/tests) are run by test_cloudbuild.py, as the build's step does it.
"""

import re
import subprocess

import pytest

from tests.support.terraform import ROOT, Configuration, arguments, environment, stand_in


def test_the_files_are_formatted() -> None:
    command = [
        "terraform",
        f"-chdir={ROOT / 'terraform'}",
        "fmt",
        "-check",
        "-recursive",
        "-diff",
    ]
    done = subprocess.run(
        command, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_the_configuration_is_valid(configuration: Configuration) -> None:
    done = configuration.run("validate")
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_is_applied_needs_no_further_change_and_can_be_destroyed(
    configuration: Configuration,
) -> None:
    if not stand_in():
        pytest.skip("applying without credentials takes the stand-in provider")
    given = ["-input=false", "-lock=false", "-state=applied.tfstate"]
    variables = arguments(alert_emails=["ops@example.org"], invokers=["user:me@example.org"])
    applied = configuration.run("apply", "-auto-approve", *given, *variables)
    assert applied.returncode == 0, applied.stderr
    again = configuration.run("plan", "-detailed-exitcode", *given, *variables)
    assert again.returncode == 0, again.stdout + again.stderr
    gone = configuration.run("destroy", "-auto-approve", *given, *variables)
    assert gone.returncode == 0, gone.stderr
    assert "0 destroyed" not in gone.stdout


def test_an_address_is_taken_out_of_the_policies_before_its_channel_goes(
    configuration: Configuration,
) -> None:
    if not stand_in():
        pytest.skip("applying without credentials takes the stand-in provider")
    given = ["-input=false", "-lock=false", "-state=channel.tfstate", "-auto-approve"]
    applied = configuration.run("apply", *given, *arguments(alert_emails=["ops@example.org"]))
    assert applied.returncode == 0, applied.stderr
    removed = configuration.run("apply", *given, *arguments(alert_emails=[]))
    assert removed.returncode == 0, removed.stderr
    gone = removed.stdout.index('channel.email["ops@example.org"]: Destroying')
    changed = [m.start() for m in re.finditer("alert_policy.*: Modifi", removed.stdout)]
    assert changed
    assert max(changed) < gone


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("project_id", "123456789012", "project_id must be a project's id"),
        ("region", "us-east1-b", "neither a zone nor a multi-region"),
        ("bucket_name", "gs://my-lake", "bucket_name must have 3 to 56"),
        ("invokers", ["allUsers"], "never allUsers"),
        ("worker", {"cpu": "0.5"}, "at least 1 where worker.concurrency is over 1"),
        ("archive", "../build/none.zip", "run `make package` first"),
    ],
)
def test_a_wrong_value_is_refused_with_what_is_expected(
    configuration: Configuration, variable: str, value: object, message: str
) -> None:
    if not stand_in():
        pytest.skip("planning without credentials takes the stand-in provider")
    refused = configuration.run("plan", "-input=false", *arguments(**{variable: value}))
    assert refused.returncode == 1
    said = " ".join(refused.stderr.replace("│", " ").split())
    assert message in said


def test_no_state_is_committed_and_no_provider_but_the_registry_s() -> None:
    listed = subprocess.run(
        ["git", "-C", ROOT, "ls-files"], capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("this is no git checkout")
    names = listed.stdout.splitlines()
    assert not [n for n in names if n.endswith(".tfstate")]
    for name in names:
        if name.endswith(".terraform.lock.hcl"):
            # The sums of the registry's archives, which a stand-in on this machine has not.
            assert '"zh:' in (ROOT / name).read_text(), f"{name} is of no registry"
