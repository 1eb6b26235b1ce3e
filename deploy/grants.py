"""Who may do what and why: the table of docs/deploy.md, from a plan and its comments."""

import re
from typing import Any

# Who a member is, where it is no account of this configuration.
_MEMBERS = {
    "each.value": "each of `invokers`",
    "local.pubsub_agent": "Pub/Sub's service agent",
    "data.google_storage_project_service_account.this": "Cloud Storage's service agent",
}

# What the attribute that names the resource of a grant is called.
_ON = ("bucket", "name", "repository", "subscription", "topic", "project")


def table(plan: dict[str, Any], source: str) -> str:
    """Return the table in Markdown.

    `plan` is what `terraform show -json` says of a plan, `source` the text of iam.tf, where the
    comment above a grant is its reason.
    """
    rows = []
    for block in plan["configuration"]["root_module"]["resources"]:
        if "_iam_" not in block["type"]:
            continue
        expressions = block["expressions"]
        who = _who(expressions["member"]["references"])
        on = next(_what(expressions[name]) for name in _ON if name in expressions)
        role = expressions["role"]["constant_value"]
        for condition in expressions.get("condition", []):
            on += f", {condition['title']['constant_value']}"
        rows.append(f"| {who} | `{role}` | {on} | {_why(block, source)} |\n")
    return "| who | role | on | why |\n|---|---|---|---|\n" + "".join(sorted(rows))


def _who(references: list[str]) -> str:
    for reference in references:
        if reference in _MEMBERS:
            return _MEMBERS[reference]
        if reference.startswith("google_service_account."):
            return f"`lakefill-{reference.split('.')[1]}`"
    raise ValueError(f"no member is known for {references}")


def _what(expression: dict[str, Any]) -> str:
    for reference in expression["references"]:
        kind, _, name = reference.partition(".")
        name = name.split(".")[0].replace("_", "-")
        match kind:
            case "google_cloudfunctions2_function":
                return f"service `lakefill-{name}`"
            case "google_storage_bucket":
                return "the lake" if name == "lake" else "the source bucket"
            case "google_pubsub_topic":
                return f"topic `lakefill-{name}`"
            case "google_pubsub_subscription":
                return f"subscription `lakefill-{name}`"
            case "google_artifact_registry_repository":
                return "repository `lakefill`"
            case "var":
                return "the project"
    raise ValueError(f"no resource is known for {expression}")


def _why(block: dict[str, Any], source: str) -> str:
    heading = re.escape(f'resource "{block["type"]}" "{block["name"]}" {{')
    comment = re.search(rf"((?:^# .*\n)+){heading}", source, re.MULTILINE)
    if comment is None:
        raise ValueError(f"{block['address']} has no comment that says why")
    return comment[1].replace("# ", "").replace("\n", " ").strip()
