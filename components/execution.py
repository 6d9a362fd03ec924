"""What is worth knowing of an execution: its parameters, its surroundings, its libraries."""

import getpass
import os
import re
import subprocess
from contextlib import suppress
from importlib import metadata
from pathlib import Path

from nephele import nested

# Which execution a run belongs to, as DVC and pipeline/graph.py tell it.
DVC = ("DVC_STAGE", "DVC_EXP_NAME")
KUBEFLOW = ("KFP_RUN_ID", "KFP_RUN_NAME", "KFP_TASK")
REVISION = "NEPHELE_GIT_REVISION"  # where there is no git, as in a container
CHECKOUT = Path(__file__).parents[1]
DIRTY = "-dirty"
# What an execution writes itself, and is no change of what is executed.
WRITTEN = (":(exclude)outputs", ":(exclude)dvc.lock", ":(exclude)data.dvc")


def flat(params: object) -> dict[str, str]:
    """Nested parameters as `network.channels` → text."""
    return {name: str(value) for name, value in nested.flat(params).items()}


def surroundings(stage: str) -> dict[str, str]:
    """Tags that tell which execution a run belongs to, and who runs it on which sources."""
    tags = {key: os.environ[key] for key in (*DVC, *KUBEFLOW) if os.environ.get(key)}
    tags |= revision()
    tags["orchestrator"] = orchestrator()
    tags["mlflow.source.name"] = f"components.{stage}.stage"
    tags["mlflow.source.type"] = "LOCAL" if orchestrator() == "by hand" else "JOB"
    if "git_revision" in tags:
        tags["mlflow.source.git.commit"] = tags["git_revision"]
    with suppress(OSError, KeyError, ImportError):  # a container's user may have no name
        tags["mlflow.user"] = getpass.getuser()
    return tags


def orchestrator() -> str:
    """Who runs this stage: `kubeflow`, `dvc` or nobody, `by hand`."""
    if any(os.environ.get(key) for key in KUBEFLOW):
        return "kubeflow"
    return "dvc" if os.environ.get("DVC_STAGE") else "by hand"


def run_name(stage: str, of_execution: bool) -> str:
    """The stage and its execution, where that has a name; of a whole execution the latter alone."""
    execution = os.environ.get("DVC_EXP_NAME") or os.environ.get("KFP_RUN_NAME") or ""
    if of_execution:
        return execution or " ".join((stage, revision().get("git_revision", "")[:7])).strip()
    named = os.environ.get("DVC_STAGE") or os.environ.get("KFP_TASK") or stage
    return f"{named} {execution}".strip()


def revision() -> dict[str, str]:
    """The git revision of these sources, and whether they differed from it: `true` or `false`.

    Returns:
        The tags `git_revision` and `git_dirty`; none where the sources stand in no checkout.
    """
    if given := os.environ.get(REVISION):
        found, changed = given.removesuffix(DIRTY), given.endswith(DIRTY)
    else:
        try:
            # Installed elsewhere, they may lie within a checkout of something else.
            _git("ls-files", "--error-unmatch", "components/execution.py")
            found = _git("rev-parse", "HEAD").strip()
            status = _git("status", "--porcelain", "--untracked-files=no", "--", ".", *WRITTEN)
        except (OSError, subprocess.CalledProcessError):
            return {}
        changed = bool(status.strip())
    return {"git_revision": found, "git_dirty": str(changed).lower()}


def described() -> str:
    """The revision as one word, `-dirty` where the sources differed from it; empty if unknown."""
    tags = revision()
    return tags.get("git_revision", "") + (DIRTY if tags.get("git_dirty") == "true" else "")


def packages() -> dict[str, Path]:
    """The sources that a trained model is read with, by their packages' names."""
    import components
    import nephele

    return {package.__name__: Path(package.__path__[0]) for package in (nephele, components)}


def requirements() -> list[str]:
    """What a trained model needs, in the versions that trained it."""
    names = _named("train")
    return [f"{name}=={metadata.version(name).split('+')[0]}" for name in names]


def _named(extra: str) -> list[str]:
    """The libraries that nephele needs always and with `extra`, which may name other extras."""
    found: dict[str, None] = {}
    for line in metadata.requires("nephele") or ():
        requirement, _, marker = (part.strip() for part in line.partition(";"))
        if marker not in ("", f'extra == "{extra}"'):
            continue
        name, *others = re.findall(r"[A-Za-z][\w.-]*", re.split(r"[<>=!~]", requirement)[0])
        within = [name] if name != "nephele" else [n for other in others for n in _named(other)]
        found |= dict.fromkeys(within)
    return list(found)


def _git(*arguments: str) -> str:
    command = ["git", *arguments]
    return subprocess.check_output(command, cwd=CHECKOUT, text=True, stderr=subprocess.DEVNULL)
