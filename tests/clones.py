"""Repositories with what lies in the working tree, in which commands run as a user runs them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import stages
import yaml

from pipeline import settings


def tiny(clone: Path) -> None:
    """Make a repository with what lies in the working tree, its parameters the tiny ones."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    for name in subprocess.check_output(listed, cwd=stages.ROOT, text=True).split("\0"):
        # What an earlier run of the pipeline left is none of this one's business.
        if (stages.ROOT / name).is_file() and not name.startswith("outputs/"):
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(stages.ROOT / name, clone / name)
    (clone / "dvc.lock").unlink(missing_ok=True)
    params = yaml.safe_load((clone / "params.yaml").read_text())
    values = settings.overlaid(params, settings.read(clone / "experiments" / "tiny.yaml"))
    (clone / "params.yaml").write_text(yaml.safe_dump(values, sort_keys=False))
    call(clone, "git", "init", "--quiet", ".")


def surroundings(clone: Path) -> dict[str, str]:
    """An environment in which the clone's sources are used, and no one else's store or cache."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW_")}
    author = {f"GIT_{who}_{what}": "test@example.org"
              for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}  # fmt: skip
    return kept | author | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(clone / "src"),
        "DVC_SITE_CACHE_DIR": str(clone.parent / "dvc"),
        "DVC_NO_ANALYTICS": "1",
        "OMP_NUM_THREADS": "1",
    }  # fmt: skip


def call(clone: Path, *command: str) -> str:
    """Run a command in the clone; what it printed, if it ended well."""
    run = subprocess.run(
        command, cwd=clone, env=surroundings(clone), capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, f"{' '.join(command)}\n{run.stdout[-3000:]}\n{run.stderr[-6000:]}"
    return run.stdout + run.stderr
