"""docs/deploy.md and docs/runbook.md say what is so."""

import os
import re
import subprocess
import textwrap
from pathlib import Path
from urllib.parse import unquote

import pytest

from deploy import costs
from ingest.underway import _PATIENCE
from tests.support import deploy_page
from tests.support.checkout import Checkout
from tests.support.google_facts import BUILD_ROLES, CHANGES
from tests.support.source_server import Reply
from tests.support.storage_proxy import Status
from tests.support.storage_request import Operation, Request
from tests.support.terraform import ROOT, Plan, stand_in
from tests.support.terraform_filters import log_alerts
from tests.support.world import CSV, Deliveries, World

DEPLOY = deploy_page.PAGE.read_text("utf-8")
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text("utf-8")

# https://cloud.google.com/storage/pricing#operations-by-class; deleting is free.
CLASSES: dict[str, set[Operation]] = {
    "A": {"insert", "resumable_start", "rewrite", "copy", "patch", "update", "list"},
    "B": {"get", "download"},
}


def test_the_made_tables_are_up_to_date(plan: Plan) -> None:
    assert deploy_page.filled(DEPLOY, plan) == DEPLOY, "run: make docs"


def test_fourteen_years_cost_less_than_five_cents() -> None:
    assert costs.backfill(costs.WEEKS_OF_14_YEARS).usd < 0.05
    assert costs.backfill(costs.WEEKS_OF_14_YEARS, mb_per_second=4).usd < 0.05
    assert "below 0.05 USD from 4 MB/s on" in DEPLOY


def test_a_stored_period_takes_the_operations_that_are_reckoned(
    here: World, day: Deliveries
) -> None:
    seen: list[Operation] = []

    def look(request: Request) -> bool:
        if str(day.day) in request.target or str(day.day) in (request.name or ""):
            seen.append(request.operation)
        return False

    here.put(day.path, Reply(CSV))
    here.proxy.faults.add(match=look, action=Status(500))
    assert day.outcome() == (200, "stored")
    counted = {c: len([o for o in seen if o in kinds]) for c, kinds in CLASSES.items()}
    assert counted["A"] == costs.CLASS_A_OPERATIONS
    assert counted["B"] <= costs.CLASS_B_OPERATIONS


def test_followed_word_by_word_it_gets_as_far_as_the_cloud(tmp_path: Path) -> None:
    """`gcloud` and `curl` only say how they are called; all else is the real thing."""
    if not stand_in():
        pytest.skip("applying without credentials takes the stand-in provider")
    checkout = Checkout(tmp_path / "checkout")
    stubs = tmp_path / "bin"
    stubs.mkdir()
    for name in ("gcloud", "curl"):
        (stubs / name).write_text(f'#!/bin/sh\necho "{name} $*" >> {tmp_path}/called\n')
        (stubs / name).chmod(0o755)
    script = "\n".join(re.findall(r"^```sh\n(.*?)^```", DEPLOY, re.MULTILINE | re.DOTALL))
    done = checkout.run(f"set -euo pipefail\nPATH={stubs}:$PATH\n{script}", stdin="yes\n")
    assert done.returncode == 0, done.stdout
    assert "Apply complete!" in done.stdout
    assert "No changes." in done.stdout  # the upgrade, of the same checkout
    assert "Destroy complete!" in done.stdout
    called = (tmp_path / "called").read_text()
    assert "gcloud beta services identity create --service=pubsub.googleapis.com" in called
    assert '-d {"date": "2024-02-17"} ' in called
    for file in ("cloudbuild.yaml", "cloudbuild.apply.yaml"):
        assert f"--build-config={file} " in called


def granted(called: str, account: str) -> set[str]:
    """The roles that `gcloud` was told to grant an account."""
    pattern = rf"add-iam-policy-binding .*--role=(\S+) .*serviceAccount:{account}@"
    return set(re.findall(pattern, called))


def test_the_builds_get_roles_that_there_are_and_none_that_is_basic() -> None:
    script = DEPLOY.partition("## On Cloud Build")[2].partition("\n## ")[0]
    blocks = "\n".join(re.findall(r"^```sh\n(.*?)^```", script, re.MULTILINE | re.DOTALL))
    done = subprocess.run(
        ["bash", "-euc", f'gcloud() {{ echo "gcloud $*"; }}\n{blocks}'],
        env={"PROJECT": "my-project", "REGION": "us-east1", "BUCKET": "my-lake"},
        capture_output=True,
        text=True,
        check=True,
    )
    plans, applies = (granted(done.stdout, f"lakefill-{who}") for who in ("plan", "apply"))
    assert plans | applies == BUILD_ROLES.keys()
    assert {r for r in plans if CHANGES.search(BUILD_ROLES[r])} == {"roles/logging.logWriter"}


def test_nobody_is_told_to_grant_a_basic_role(plan: Plan) -> None:
    pages = [*(ROOT / "docs").glob("*.md"), *ROOT.glob("cloudbuild*.yaml")]
    texts = {page.name: page.read_text("utf-8") for page in pages}
    for name, text in (texts | {"the plan": str(plan.json)}).items():
        assert not re.search(r"roles/(viewer|editor|owner)\b", text), name


def rows() -> dict[str, tuple[str, str]]:
    """The alert table: what each fires on, and its severity, by key."""
    pattern = r"^\| \[([\w-]+)\]\(#\1\) \| (.+) \| (\w+) \|$"
    return {m[1]: (m[2], m[3]) for m in re.finditer(pattern, RUNBOOK, re.MULTILINE)}


def test_alert_table_sections_and_policies_are_one_set(plan: Plan) -> None:
    policies = plan.of_type("google_monitoring_alert_policy").values()
    keys = {policy["user_labels"]["runbook"]: policy["severity"] for policy in policies}
    assert len(keys) == len(policies)
    assert {key: severity for key, (_, severity) in rows().items()} == keys
    sections = re.findall(r"^## ([a-z-]+)$", RUNBOOK, re.MULTILINE)
    assert sections == [*rows()]
    for key in sections:
        section = RUNBOOK.partition(f"\n## {key}\n")[2].partition("\n## ")[0]
        assert re.findall(r"^\*\*(\w+)\.\*\*", section, re.MULTILINE) == [
            "Symptom",
            "Impact",
            "Look",
            "Fix",
        ]


def test_each_notification_leads_to_its_section_and_its_lines(plan: Plan) -> None:
    for policy in plan.of_type("google_monitoring_alert_policy").values():
        (documentation,) = policy["documentation"]
        key = policy["user_labels"]["runbook"]
        assert f"/docs/runbook.md#{key})" in documentation["content"]
        assert "(https://console.cloud.google.com/logs/query;query=" in documentation["content"]
        assert len(documentation["content"]) < 8192


def test_a_notification_s_link_shows_the_lines_that_its_policy_matches(plan: Plan) -> None:
    for address, policy in plan.of_type("google_monitoring_alert_policy").items():
        (documentation,) = policy["documentation"]
        query = re.findall(r";query=(\S+)\?project=my-project\)", documentation["content"])
        # Of a path and not of a form: there a plus is a plus.
        (shown,) = map(unquote, query)
        assert "+" not in shown, address
        for condition in policy["conditions"]:
            for matched in condition["condition_matched_log"]:
                assert shown == matched["filter"], address


def test_the_table_names_the_events_and_metrics_of_the_policies(plan: Plan) -> None:
    named = {e for on, _ in rows().values() for e in re.findall(r"event `(\w+)`", on)}
    assert named == {alert.event for alert in log_alerts(plan)}
    metrics = {m for on, _ in rows().values() for m in re.findall(r"metric `([^`]+)`", on)}
    text = str(plan.of_type("google_monitoring_alert_policy"))
    for metric in metrics:
        promql = metric.replace("/", ":", 1).replace(".", "_").replace("/", "_")
        assert metric in text or promql in text, metric
    assert len(named) + len(metrics) + 1 == len(rows())  # and Cloud Scheduler's log


def test_stopping_a_backfill_pauses_every_schedule(tmp_path: Path) -> None:
    section = RUNBOOK.partition("\n## Stopping a wrong backfill\n")[2].partition("\n## ")[0]
    pause = textwrap.dedent(section.partition("```sh\n")[2].partition("   ```")[0])
    jobs = "lakefill-audit\nlakefill-feed-mta-turnstile\n"
    gcloud = tmp_path / "gcloud"
    gcloud.write_text(
        f'#!/bin/sh\ncase "$3" in list) printf "{jobs}" ;; *) echo "$*"; cat ;; esac\n'
    )
    gcloud.chmod(0o755)
    done = subprocess.run(
        ["bash", "-euc", pause],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == [
        f"scheduler jobs pause {job} --location=REGION" for job in jobs.split()
    ]


def test_a_purged_period_is_asked_for_again_once_its_run_is_given_up() -> None:
    hours = int(_PATIENCE.total_seconds()) // 3600
    assert f"only {hours} hours after their run" in RUNBOOK


@pytest.mark.parametrize("page", ["deploy.md", "runbook.md"])
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / "docs" / page).read_text("utf-8")
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in headings}
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if target.startswith("#"):
            assert target[1:] in anchors, target
        elif not target.startswith("https://"):
            assert (ROOT / "docs" / target).exists(), target
