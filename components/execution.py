"""What is worth knowing of an execution: its parameters, its surroundings, its libraries."""

import os
import subprocess
from contextlib import suppress
from importlib import metadata

from nephele import nested


def flat(params: object) -> dict[str, str]:
    """Nested parameters as `network.channels` → text."""
    return {name: str(value) for name, value in nested.flat(params).items()}


def surroundings() -> dict[str, str]:
    """Tags that tell which execution a run belongs to."""
    tags = {key: os.environ[key] for key in ("DVC_STAGE", "DVC_EXP_NAME") if key in os.environ}
    with suppress(OSError, subprocess.CalledProcessError):  # no git in a container
        revision = subprocess.check_output(
            ["git", "rev-parse", "HEAD"], text=True, stderr=subprocess.DEVNULL
        )
        tags["git_revision"] = revision.strip()
    return tags


def requirements() -> list[str]:
    """What a trained model needs, in the versions that trained it."""
    names = [
        requirement.split(";")[0].split("[")[0].rstrip("<>=.0123456789 ")
        for requirement in metadata.requires("nephele") or ()
        if ";" not in requirement or 'extra == "train"' in requirement
    ]
    return [f"{name}=={metadata.version(name).split('+')[0]}" for name in names]
