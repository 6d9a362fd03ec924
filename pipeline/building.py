"""Build the stages' container images: `python -m pipeline.building`, which `make images` calls.

Whatever builder `docker build` speaks to gets the context as an archive that pipeline/images.py
puts together, so what goes in is what the tag says. An image whose tag exists is not built again.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence

from pipeline import images

BASE_LABEL = "org.opencontainers.image.base.name"
ID_LENGTH = 12  # hexadecimal digits
LAST_LINES = 8  # of a failed build


def main() -> None:
    """Build the images that are missing and say how large they are."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.building", description=__doc__)
    parser.add_argument("stages", nargs="*", help="all, if none is named")
    parser.add_argument("--registry", default="", help="what comes before the images' names")
    parser.add_argument("--base", default="", help="in place of the official slim Python")
    parser.add_argument("--network", default="", help="of the builds, as `docker build` has it")
    parser.add_argument("--push", action="store_true", help="to the registry, when built")
    parser.add_argument("--names", action="store_true", help="print the names, build nothing")
    parser.add_argument("--context", action="store_true", help="write one stage's build as tar")
    arguments = parser.parse_args()
    chosen = arguments.stages or images.stages()
    try:
        names = [images.reference(stage, arguments.registry) for stage in chosen]
        if arguments.names:
            print("\n".join(names))
        elif arguments.context:
            sys.stdout.buffer.write(images.archive(_only(chosen)))
        else:
            build(chosen, arguments.registry, arguments.base, arguments.network)
            if arguments.push:
                push(names, arguments.registry)
            print(table(sizes(names)))
    except (ValueError, OSError) as error:
        sys.exit(f"images: {error}")


def build(
    stages: Sequence[str], registry: str = "", base: str = "", network: str = ""
) -> list[str]:
    """Build the images of `stages` that do not exist, after the one that they share.

    Args:
        stages: folders of components/.
        registry: what comes before the names of the images.
        base: the image to begin with, empty for the official slim Python.
        network: that of the builds, empty for the builder's own.

    Returns:
        The names of the images.

    Raises:
        ValueError: no docker, no daemon, or a build failed; with its last lines.
    """
    _docker("version", "--format", "{{.Server.Version}}")
    shared = images.reference(images.BASE)
    _build(images.BASE, shared, base, base, network)
    names = []
    for stage in stages:
        names.append(images.reference(stage, registry))
        _build(stage, names[-1], shared, base, network)
    return names


def push(names: Iterable[str], registry: str) -> None:
    """Bring images to a registry.

    Raises:
        ValueError: no registry is given, or it does not take them.
    """
    if not registry:
        raise ValueError("nowhere to push to; give --registry, such as ghcr.io/someone")
    for name in names:
        print(f"pushing {name}", flush=True)
        _docker("push", "--quiet", name)


def sizes(names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Image → its size, what of it other images have too, and what it alone has.

    Raises:
        ValueError: the daemon does not answer.
    """
    told = json.loads(_docker("system", "df", "--verbose", "--format", "{{json .Images}}"))
    # An image has one line there, however many names it has.
    known = {image["ID"].removeprefix("sha256:")[:ID_LENGTH]: image for image in told}
    keys = "Size", "SharedSize", "UniqueSize"
    found = {}
    for name in names:
        identity = _docker("image", "inspect", "--format", "{{.Id}}", name)
        image = known[identity.removeprefix("sha256:")[:ID_LENGTH]]
        found[name] = tuple(image[key] for key in keys)
    return found


def table(found: dict[str, tuple[str, ...]]) -> str:
    """Sizes as lines of text."""
    width = max(map(len, found), default=0)
    head = f"{'image':{width}}  {'size':>8}  {'shared':>8}  {'own':>8}"
    return "\n".join(
        [head, *(f"{name:{width}}  " + "  ".join(f"{s:>8}" for s in found[name]) for name in found)]
    )


def _build(stage: str, name: str, parent: str, base: str, network: str) -> None:
    """Build one image on `parent`, unless it exists and stands on the same `base`."""
    label = f'{{{{index .Config.Labels "{BASE_LABEL}"}}}}'
    known = subprocess.run(
        ["docker", "image", "inspect", "--format", label, name], capture_output=True, text=True
    )
    if known.returncode == 0 and known.stdout.strip() == base:
        return
    print(f"building {name}", end=" ", flush=True)
    started = time.monotonic()
    options = ["--tag", name, "--label", f"{BASE_LABEL}={base}"]
    if parent:
        options += ["--build-arg", f"BASE_IMAGE={parent}"]
    if network:
        options += ["--network", network]
    what = f"the image of {stage}"
    if not parent:
        what += ", on the official Python (containers/offline.sh does without registries),"
    _docker("build", *options, "-", what=what, given=images.archive(stage))
    print(f"{time.monotonic() - started:.0f} s", flush=True)


def _docker(*words: str, what: str = "", given: bytes | None = None) -> str:
    """What a docker command prints; `what` it is to make, what it is `given` to read."""
    try:
        run = subprocess.run(
            ["docker", *words], input=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
    except FileNotFoundError:
        raise ValueError("there is no docker; install it, or see docs/containers.md") from None
    told = run.stdout.decode(errors="replace").strip()
    if run.returncode == 0:
        return told
    if "daemon" in told and "connect" in told.lower():
        raise ValueError(
            "no docker daemon answers; start docker's service, or run this by containers/offline.sh"
        )
    last = "\n  ".join(told.splitlines()[-LAST_LINES:])
    raise ValueError(f"{what or ' '.join(words)} failed:\n  {last}")


def _only(stages: Sequence[str]) -> str:
    if len(stages) != 1:
        raise ValueError("--context writes the archive of one stage; name it")
    return stages[0]


if __name__ == "__main__":
    main()
