"""A copy of this checkout, as a fresh clone would be, with the environments set up already."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.support.terraform import ROOT, environment

_LEFT_OUT = shutil.ignore_patterns(
    *(".git", ".venv*", ".lakefill", ".terraform*", "*.tfstate*", "*.tfvars", "backend.tf"),
    *("__pycache__", ".*_cache", ".hypothesis", "*.egg-info", "build"),
)


class Checkout:
    """Runs shell scripts in a copy of the checkout."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        shutil.copytree(ROOT, directory, ignore=_LEFT_OUT, dirs_exist_ok=True)
        # Folders of links: what make would clear here is not what it links to.
        for name, source in ((".venv", Path(sys.prefix)), (".venv-scan", ROOT / ".venv-scan")):
            (directory / name).mkdir()
            for path in source.iterdir() if source.exists() else ():
                if path.name != ".ready":
                    (directory / name / path.name).symlink_to(path)
            (directory / name / ".ready").touch()

    def run(
        self, script: str, shell: str = "bash", *, stdin: str = "", **env: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a script here with Terraform's environment and these variables."""
        return subprocess.run(
            [shell, "-c", script],
            cwd=self.directory,
            env=_untold(environment()) | env,
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
            check=False,
        )


def _untold(env: Mapping[str, str]) -> dict[str, str]:
    """Without what this test run tells its own processes, or make told pytest."""
    return {k: v for k, v in env.items() if not k.startswith(("PYTEST_", "MAKE", "MFLAGS"))}
