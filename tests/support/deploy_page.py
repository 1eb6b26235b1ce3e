"""The tables of docs/deploy.md that are made: grants from the plan, costs from unit prices."""

import tempfile
from pathlib import Path

from deploy import costs, grants
from tests.support.terraform import ROOT, Configuration, Plan

PAGE = ROOT / "docs" / "deploy.md"


def tables(plan: Plan) -> dict[str, str]:
    """The made tables by the name of their place on the page."""
    return {
        "grants": grants.table(plan.json, (ROOT / "terraform" / "iam.tf").read_text("utf-8")),
        "costs": costs.table(),
        "prices": costs.prices(),
    }


def filled(page: str, plan: Plan) -> str:
    """The page with its tables made anew."""
    for name, table in tables(plan).items():
        head, start, rest = page.partition(f"<!-- {name} -->\n")
        _, end, tail = rest.partition(f"<!-- /{name} -->")
        assert end, f"the page has no place for {name}"
        page = f"{head}{start}\n{table}\n{end}{tail}"
    return page


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        plan = Configuration(Path(directory)).plan(invokers=["user:me@example.org"])
    PAGE.write_text(filled(PAGE.read_text("utf-8"), plan), "utf-8")
