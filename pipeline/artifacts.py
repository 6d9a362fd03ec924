"""What a compiled pipeline makes, by the names that DVC has for it."""

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from pipeline import images
from pipeline.cluster import TASK


@dataclass
class Task:
    """One task of a compiled pipeline: its name in DVC, its image, and the names of its outputs."""

    name: str
    image: str
    outputs: list[str]


def tasks(compiled: Path) -> dict[str, Task]:
    """The tasks of a compiled pipeline, by the names of their components."""
    pipeline = next(yaml.safe_load_all(compiled.read_text()))
    found = {}
    for task in pipeline["root"]["dag"]["tasks"].values():
        component = pipeline["components"][task["componentRef"]["name"]]
        executor = pipeline["deploymentSpec"]["executors"][component["executorLabel"]]
        container = executor["container"]
        environment = {entry["name"]: entry["value"] for entry in container["env"]}
        found[task["componentRef"]["name"].removeprefix("comp-")] = Task(
            name=environment[TASK],
            image=container["image"],
            outputs=list(component["outputDefinitions"]["artifacts"]),
        )
    return found


def places(expected: Mapping[str, Task], root: Path) -> dict[str, Path]:
    """The paths of dvc.yaml, such as `outputs/regrid/windows.zarr` → where that lies in `root`.

    Args:
        expected: the tasks of the compiled file, by the names of their components.
        root: where Kubeflow's local runner has put one run.
    """
    (run_folder,) = root.glob("nephele-*")
    spelt = flags()
    return {
        spelt[task.name][output]: run_folder / folder / output
        for folder, task in expected.items()
        for output in task.outputs
    }


def link(places: Mapping[str, Path], output: Path) -> None:
    """Links below `output` by the names that DVC has for what lies elsewhere."""
    for path, place in places.items():
        name = output / path
        name.parent.mkdir(parents=True, exist_ok=True)
        name.unlink(missing_ok=True)
        name.symlink_to(os.path.relpath(place, name.parent))


def flags() -> dict[str, dict[str, str]]:
    """Stage of dvc.yaml, such as `distill_student@control` → flag → value."""
    found = {}
    for stage, entry in yaml.safe_load((images.ROOT / "dvc.yaml").read_text())["stages"].items():
        for role in entry.get("matrix", {}).get("role", [""]):
            words = shlex.split(entry["cmd"].replace("${item.role}", role))
            pairs = zip(words[3::2], words[4::2], strict=True)
            name = f"{stage}@{role}" if role else stage
            found[name] = {flag.removeprefix("--"): value for flag, value in pairs}
    return found
