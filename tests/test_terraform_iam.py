"""Who may do what: every arrow between two parts has its grant, and no grant is without one."""

import json
from dataclasses import dataclass

import pytest

from tests.support.google_facts import ROLES
from tests.support.terraform import Configuration, Plan, arguments, stand_in


@dataclass(frozen=True)
class Arrow:
    """One part acting on another.

    `acts_as` is where the configuration says which account it acts as (an attribute of a
    resource), or what stands for an account that Google runs. A grant under a condition does
    for an arrow that is `conditioned` alone.
    """

    name: str
    acts_as: tuple[str, str] | str
    permission: str
    on: str
    conditioned: bool = False


FUNCTION_ACCOUNT = "service_config.service_account_email"
LAKE = "google_storage_bucket.lake"
AGENT = "local.pubsub_agent"
ARROWS = [
    Arrow(
        "Scheduler calls dispatch at a feed's times",
        ("google_cloud_scheduler_job.feed", "http_target.oidc_token.service_account_email"),
        "run.routes.invoke",
        "google_cloudfunctions2_function.dispatch",
    ),
    Arrow(
        "Scheduler calls dispatch for the audit",
        ("google_cloud_scheduler_job.audit", "http_target.oidc_token.service_account_email"),
        "run.routes.invoke",
        "google_cloudfunctions2_function.dispatch",
    ),
    Arrow(
        "people call dispatch",
        "each.value",
        "run.routes.invoke",
        "google_cloudfunctions2_function.dispatch",
    ),
    Arrow(
        "dispatch publishes work",
        ("google_cloudfunctions2_function.dispatch", FUNCTION_ACCOUNT),
        "pubsub.topics.publish",
        "google_pubsub_topic.periods",
    ),
    Arrow(
        "dispatch lists the lake",
        ("google_cloudfunctions2_function.dispatch", FUNCTION_ACCOUNT),
        "storage.objects.list",
        LAKE,
    ),
    Arrow(
        "dispatch overwrites its records",
        ("google_cloudfunctions2_function.dispatch", FUNCTION_ACCOUNT),
        "storage.objects.delete",
        LAKE,
        conditioned=True,
    ),
    Arrow(
        "Pub/Sub pushes to the worker",
        ("google_pubsub_subscription.worker", "push_config.oidc_token.service_account_email"),
        "run.routes.invoke",
        "google_cloudfunctions2_function.worker",
    ),
    Arrow(
        "the worker stores",
        ("google_cloudfunctions2_function.worker", FUNCTION_ACCOUNT),
        "storage.objects.create",
        LAKE,
    ),
    Arrow(
        "Pub/Sub's agent forwards to the dead-letter topic",
        AGENT,
        "pubsub.topics.publish",
        "google_pubsub_topic.dead_letter",
    ),
    Arrow(
        "Pub/Sub's agent acknowledges what it forwarded",
        AGENT,
        "pubsub.subscriptions.consume",
        "google_pubsub_subscription.worker",
    ),
    Arrow(
        "Storage tells of what is stored",
        "data.google_storage_project_service_account.this",
        "pubsub.topics.publish",
        "google_pubsub_topic.stored",
    ),
    Arrow(
        "the build reads the archive",
        ("google_cloudfunctions2_function.worker", "build_config.service_account"),
        "storage.objects.get",
        "google_storage_bucket.source",
    ),
    Arrow(
        "the build fetches Google's copy of the archive",
        ("google_cloudfunctions2_function.worker", "build_config.service_account"),
        "storage.objects.get",
        "var.project_id",
        conditioned=True,
    ),
    Arrow(
        "the build pushes the image",
        ("google_cloudfunctions2_function.dispatch", "build_config.service_account"),
        "artifactregistry.repositories.uploadArtifacts",
        "google_artifact_registry_repository.images",
    ),
    Arrow(
        "the build writes its log",
        ("google_cloudfunctions2_function.worker", "build_config.service_account"),
        "logging.logEntries.create",
        "var.project_id",
    ),
]

# Of what a grant is on, whatever the kind of resource calls it.
ON = ("bucket", "name", "repository", "subscription", "topic", "project")


def grants(plan: Plan) -> dict[str, str]:
    """The role of each grant, by the address of its block."""
    return {
        address.split("[")[0]: values["role"]
        for address, values in plan.resources.items()
        if "_iam_" in address
    }


def missing(plan: Plan) -> list[str]:
    """The arrows that no grant allows."""
    return [arrow.name for arrow in ARROWS if not _allowed(arrow, plan)]


def _allowed(arrow: Arrow, plan: Plan) -> bool:
    who = arrow.acts_as
    if not isinstance(who, str):
        address, attribute = who
        # A reference comes with its attribute and without; the account is the latter.
        (who,) = (r for r in plan.references[address][attribute] if r.count(".") == 1)
    return any(
        arrow.permission in ROLES.get(role, set())
        and plan.refers(address, "member", who)
        and any(plan.refers(address, attribute, arrow.on) for attribute in ON)
        and (arrow.conditioned or "condition.expression" not in plan.references[address])
        for address, role in grants(plan).items()
    )


def test_every_arrow_has_its_grant(plan: Plan) -> None:
    assert missing(plan) == []


def test_without_any_one_grant_an_arrow_is_missing(plan: Plan) -> None:
    assert len(grants(plan)) >= 13
    for address in grants(plan):
        assert missing(plan.without(address)), f"{address} is of no use"


def test_the_roles_are_documented_ones_and_none_is_basic(plan: Plan) -> None:
    assert {*grants(plan).values()} <= ROLES.keys()


def test_on_the_project_is_what_has_no_resource_of_its_own(plan: Plan) -> None:
    on_project = {
        address: values
        for address, values in plan.resources.items()
        if address.startswith("google_project_iam_")
    }
    # A build's log; and, under a condition, a bucket that Google has yet to make.
    log = on_project.pop("google_project_iam_member.build")
    (source,) = on_project.values()
    assert (log["role"], source["role"]) == (
        "roles/logging.logWriter",
        "roles/storage.objectViewer",
    )
    assert plan.refers(
        "google_project_iam_member.build_source",
        "condition.expression",
        "data.google_project.this.number",
    )


def test_dispatch_writes_below_its_own_prefix_alone(plan: Plan) -> None:
    (condition,) = plan.resources["google_storage_bucket_iam_member.dispatch_writes"][
        "condition"
    ]
    assert condition["expression"] == (
        'resource.name.startsWith("projects/_/buckets/my-lake/objects/_lakefill/")'
    )


def test_there_are_no_keys_and_nobody_is_public(plan: Plan) -> None:
    kinds = {address.split(".")[0] for address in plan.resources}
    assert not {kind for kind in kinds if kind.endswith(("_key", "_policy")) and "iam" in kind}
    assert "google_service_account_key" not in kinds
    assert "allUsers" not in str(plan.json)
    assert "allAuthenticatedUsers" not in str(plan.json["planned_values"])


def test_each_part_has_an_account_of_its_own(plan: Plan) -> None:
    accounts = plan.of_type("google_service_account")
    assert sorted(a.split(".")[1] for a in accounts) == [
        "build",
        "dispatch",
        "push",
        "scheduler",
        "worker",
    ]
    used = {
        plan.references["google_cloudfunctions2_function.worker"][FUNCTION_ACCOUNT][0],
        plan.references["google_cloudfunctions2_function.dispatch"][FUNCTION_ACCOUNT][0],
        plan.references["google_pubsub_subscription.worker"][
            "push_config.oidc_token.service_account_email"
        ][0],
        plan.references["google_cloud_scheduler_job.audit"][
            "http_target.oidc_token.service_account_email"
        ][0],
        plan.references["google_cloudfunctions2_function.worker"][
            "build_config.service_account"
        ][0],
    }
    assert len(used) == 5


@pytest.mark.parametrize(
    ("function", "granted"),
    [
        ("dispatch", {"scheduler", 'invokers["user:me@example.org"]'}),
        ("worker", {"push"}),
    ],
)
def test_an_invoker_s_grant_comes_back_with_its_service(
    configuration: Configuration, function: str, granted: set[str]
) -> None:
    if not stand_in():
        pytest.skip("applying without credentials takes the stand-in provider")
    state = ["-lock=false", "-input=false", f"-state={function}.tfstate"]
    variables = arguments(invokers=["user:me@example.org"])
    applied = configuration.run("apply", "-auto-approve", *state, *variables)
    assert applied.returncode == 0, applied.stderr
    replace = f"-replace=google_cloudfunctions2_function.{function}"
    planned = configuration.run("plan", replace, "-out=replaced", *state, *variables)
    assert planned.returncode == 0, planned.stderr
    shown = configuration.run("show", "-json", "replaced")
    made_anew = {
        change["address"]: change["action_reason"]
        for change in json.loads(shown.stdout)["resource_changes"]
        if change["type"] == "google_cloud_run_v2_service_iam_member"
        and change["change"]["actions"] == ["delete", "create"]
    }
    assert made_anew == {
        f"google_cloud_run_v2_service_iam_member.{name}": "replace_by_triggers"
        for name in granted
    }
