"""The tables of docs/deploy.md that are made: grants from the plan, costs from unit prices."""

import re
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
        place = rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)"
        made = f"\n{table}\n"
        page, count = re.subn(
            place, lambda m, made=made: m[1] + made + m[2], page, flags=re.DOTALL
        )
        assert count == 1, f"the page has no place for {name}"
    return page


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        plan = Configuration(Path(directory)).plan(invokers=["user:me@example.org"])
    PAGE.write_text(filled(PAGE.read_text("utf-8"), plan), "utf-8")
