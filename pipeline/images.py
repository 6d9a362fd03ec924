"""The stages' container images: what goes into each, and the tag that follows from it.

An image is named by the content of its Dockerfiles and of all that they copy. So a cache that
goes by the name of an image, as Kubeflow's does, is true; naming one needs no docker.
"""

import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
BASE = "base"
TAG_LENGTH = 12  # hexadecimal digits


def stages() -> list[str]:
    """The stages that have an image, by name."""
    return sorted(file.parent.name for file in (ROOT / "components").glob("*/Dockerfile"))


def reference(stage: str, registry: str = "") -> str:
    """The name of a stage's image, such as `nephele/regrid:3f2a9c41d07b`.

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
    file = Path("components/base.Dockerfile" if stage == BASE else f"components/{stage}/Dockerfile")
    if not (ROOT / file).is_file():
        raise ValueError(f"no image for {stage!r}; there are {', '.join([BASE, *stages()])}")
    return file


def context(stage: str) -> dict[str, bytes]:
    """All that the build of an image reads: path from the root of the repository → content."""
    recipe = dockerfile(stage)
    files = {recipe, *_copied((ROOT / recipe).read_text())}
    return {file.as_posix(): (ROOT / file).read_bytes() for file in sorted(files)}


@cache
def _tag(stage: str) -> str:
    whole = hashlib.sha256()
    for path, content in sorted((context(BASE) | context(stage)).items()):
        whole.update(f"{path} {hashlib.sha256(content).hexdigest()}\n".encode())
    return whole.hexdigest()[:TAG_LENGTH]


def _copied(recipe: str) -> Iterator[Path]:
    """The files that the COPY lines of a Dockerfile take from the repository."""
    for line in recipe.splitlines():
        instruction, *words = line.split() or [""]
        if instruction == "COPY":
            for source in words[:-1]:
                for found in ROOT.glob(source):
                    inside = found.rglob("*") if found.is_dir() else [found]
                    files = (file.relative_to(ROOT) for file in inside if file.is_file())
                    yield from (file for file in files if not _left_out(file))


def _left_out(file: Path) -> bool:
    """Whether .dockerignore, which says the same, keeps a file out of every build.

    component.py is what Kubeflow knows of a stage; the container itself does not read it.
    """
    hidden = any(part == "__pycache__" or part.startswith(".") for part in file.parts)
    return hidden or file.suffix == ".pyc" or file.name in ("component.py", "Dockerfile")
