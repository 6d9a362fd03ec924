"""The stages' container images: what goes into each, and the tag that follows from it.

An image is named by its Dockerfiles and by the sources that its stage needs, so a cache that goes
by the names of images, as Kubeflow's does, is true: the style of the report changes the report's
image and no other. Naming an image needs no docker.
"""

import hashlib
import io
import tarfile
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from pipeline import sources

ROOT = Path(__file__).parents[1]
BASE = "base"
TAG_LENGTH = 12  # hexadecimal digits


def stages() -> list[str]:
    """The stages that have an image, by name."""
    return sorted(file.parent.name for file in (ROOT / "components").glob("*/Dockerfile"))


def reference(stage: str, registry: str = "") -> str:
    """The name of a stage's image, such as `nephele/regrid:…`, its tag twelve digits.

    Args:
        stage: a folder of components/ with a Dockerfile, or "base" for what all stages share.
        registry: what comes before the name, such as `localhost:5000` or `ghcr.io/someone`.

    Raises:
        ValueError: there is no such stage.
    """
    prefix = f"{registry.rstrip('/')}/" if registry else ""
    return f"{prefix}nephele/{stage}:{_tag(stage)}"


def dockerfile(stage: str) -> Path:
    """The Dockerfile of a stage, or of the base, from the root of the repository.

    Raises:
        ValueError: there is no such stage.
    """
    file = Path("components", "base.Dockerfile" if stage == BASE else f"{stage}/Dockerfile")
    if not (ROOT / file).is_file():
        raise ValueError(f"no image for {stage!r}; there are {', '.join([BASE, *stages()])}")
    return file


@cache
def context(stage: str) -> Mapping[str, bytes]:
    """All that the build of an image reads: path from the root of the repository → content.

    It is read once a process: the name and the build agree, though a file changes meanwhile.
    """
    recipe = dockerfile(stage)
    wanted = {ROOT / recipe}
    if stage != BASE:
        wanted |= sources.needed(f"components.{stage}.stage")
    for file in _copied((ROOT / recipe).read_text()):
        if file.is_relative_to(ROOT / "src") or file.is_relative_to(ROOT / "components"):
            continue  # of the sources, those that the stage needs
        wanted.add(file)
    return {file.relative_to(ROOT).as_posix(): file.read_bytes() for file in sorted(wanted)}


def archive(stage: str) -> bytes:
    """The context as a tar archive, the same for the same content, its Dockerfile in front."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for path, content in context(stage).items():
            # At the root, where no COPY takes it along; of user 0, at time 0.
            name = "Dockerfile" if path == dockerfile(stage).as_posix() else path
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


@cache
def _tag(stage: str) -> str:
    whole = hashlib.sha256()
    for path, content in sorted({**context(BASE), **context(stage)}.items()):
        whole.update(f"{path} {hashlib.sha256(content).hexdigest()}\n".encode())
    return whole.hexdigest()[:TAG_LENGTH]


def _copied(recipe: str) -> Iterator[Path]:
    """What the COPY lines of a Dockerfile take from the repository."""
    for line in recipe.splitlines():
        instruction, *words = line.split() or [""]
        if instruction == "COPY":
            for source in words[:-1]:
                yield from ROOT.glob(source)
