"""The compiled pipeline in containers on this machine, by Kubeflow's own local runner.

The runner removes containers as they end, and takes one that is gone before it was asked for its
exit status as a success. So the statuses come from the daemon, whose events say how each container
died, and every task must have answered and left its artifacts.
"""

import contextlib
import json
import os
import shlex
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import docker
import yaml
from docker import errors
from docker.types import Mount
from kfp import components, local

from pipeline import images

COMPILED = "nephele.yaml"
ANSWER = "executor_output.json"
LABEL = "nephele.run"
IMAGE_USER = 1000
PATIENCE = 20.0  # s, for the daemon to tell of the last container
GRACE = 2.0  # s, where the runner stopped, which may have nothing to do with a container
PASSED_ON = ("OMP_NUM_THREADS", "MLFLOW_TRACKING_URI")


@dataclass
class Machine:
    """How containers run here.

    Attributes:
        network: as `docker run --network` has it; empty for the daemon's own.
        environment: variables of every container, before those of the compiled file.
        data: a folder that every container finds at `data_path`, read-only.
    """

    network: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    data: Path | None = None
    data_path: str = ""


@dataclass
class Task:
    """One task of a compiled pipeline: its name in DVC, its image, and the names of its outputs."""

    name: str
    image: str
    outputs: list[str]


def run(
    compiled: Path, arguments: Mapping[str, str], output: Path, machine: Machine
) -> dict[str, Path]:
    """Run a compiled pipeline.

    Args:
        compiled: the file.
        arguments: of the pipeline's inputs.
        output: a folder; what the tasks make lies in one below it, named by the time.
        machine: how containers run.

    Returns:
        The paths of dvc.yaml, such as `outputs/regrid/windows.zarr` → where that lies.

    Raises:
        ValueError: no daemon answers, an image is missing, or a container failed.
    """
    expected = tasks(compiled)
    output = output.resolve()
    output.mkdir(parents=True, exist_ok=True)
    with _daemon() as daemon:
        _check_images(daemon, [task.image for task in expected.values()])
        identity = f"local-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
        root = output / identity
        root.mkdir()
        with _deaths(daemon, identity) as deaths:
            failure = _run(compiled, arguments, root, _runner(machine, identity))
            _await(deaths, len(expected), failed=failure is not None)
        _check(expected, deaths, root, failure)
    return {path: place for path, place in _places(expected, root).items() if place.exists()}


def environment(words: Iterable[str]) -> dict[str, str]:
    """Variables from words such as `NAME=VALUE`.

    Raises:
        ValueError: a word sets nothing.
    """
    pairs = [word.partition("=") for word in words]
    for name, equals, value in pairs:
        if not (name and equals):
            raise ValueError(f"{name + equals + value!r} sets nothing; expected NAME=VALUE")
    return {name: value for name, _, value in pairs}


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
            name=environment["KFP_TASK"],
            image=container["image"],
            outputs=list(component["outputDefinitions"]["artifacts"]),
        )
    return found


def link(places: Mapping[str, Path], output: Path) -> None:
    """Links below `output` by the names that DVC has for what lies elsewhere."""
    for path, place in places.items():
        name = output / path
        name.parent.mkdir(parents=True, exist_ok=True)
        name.unlink(missing_ok=True)
        name.symlink_to(os.path.relpath(place, name.parent))


def _places(expected: Mapping[str, Task], root: Path) -> dict[str, Path]:
    (run_folder,) = root.glob("nephele-*")
    spelt = flags()
    return {
        spelt[task.name][output]: run_folder / folder / output
        for folder, task in expected.items()
        for output in task.outputs
    }


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


@contextlib.contextmanager
def _daemon() -> Iterator[docker.DockerClient]:
    try:
        daemon = docker.from_env()
        daemon.ping()
    except errors.DockerException as error:
        raise ValueError(
            f"no docker daemon answers ({error}); start docker's service, or set DOCKER_HOST"
        ) from None
    with contextlib.closing(daemon):
        yield daemon


def _check_images(daemon: docker.DockerClient, wanted: list[str]) -> None:
    here = {tag for image in daemon.images.list() for tag in image.tags}
    missing = [name for name in wanted if name not in here and name.count("/") < 2]
    if missing:
        raise ValueError(f"no image {missing[0]} here; build it by `make images`")


def _runner(machine: Machine, identity: str) -> local.DockerRunner:
    given = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    environment = given | {"KFP_RUN_ID": identity, "HOME": "/tmp"} | dict(machine.environment)
    options: dict = {"environment": environment, "labels": {LABEL: identity}}
    if os.getuid() != 0:
        options["user"] = f"{os.getuid()}:{os.getgid()}"  # whose the folder is
    if machine.network:
        options["network_mode"] = machine.network
    if machine.data is not None:
        source = str(machine.data.resolve())
        options["mounts"] = [Mount(machine.data_path, source, type="bind", read_only=True)]
    return local.DockerRunner(**options)


def _run(
    compiled: Path, arguments: Mapping[str, str], root: Path, runner: local.DockerRunner
) -> Exception | None:
    """Run to the end; what the runner raised, if it did."""
    if os.getuid() == 0:
        os.chown(root, IMAGE_USER, IMAGE_USER)
    local.init(runner, pipeline_root=str(root), raise_on_error=True)
    try:
        components.load_component_from_file(str(compiled))(**arguments)
    except Exception as error:  # of whatever kind: a lost task makes the next one fail anyhow
        return error
    return None


@contextlib.contextmanager
def _deaths(daemon: docker.DockerClient, identity: str) -> Iterator[list[tuple[str, int]]]:
    """The image and the exit status of each container of this run, as they die."""
    found: list[tuple[str, int]] = []
    wanted = {"event": "die", "label": f"{LABEL}={identity}"}
    events = daemon.events(filters=wanted, decode=True)

    def listen() -> None:
        with contextlib.suppress(Exception):  # the stream is closed under its reader
            for event in events:
                attributes = event["Actor"]["Attributes"]
                found.append((attributes["image"], int(attributes["exitCode"])))

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    try:
        yield found
    finally:
        events.close()
        listener.join(timeout=PATIENCE)


def _await(deaths: list[tuple[str, int]], containers: int, failed: bool) -> None:
    """Give the daemon time to tell how all containers died, or which one failed."""
    deadline = time.monotonic() + (GRACE if failed else PATIENCE)
    while time.monotonic() < deadline:
        if len(deaths) == containers or any(status for _, status in deaths):
            return
        time.sleep(0.1)


def _check(
    expected: Mapping[str, Task],
    deaths: list[tuple[str, int]],
    root: Path,
    failure: Exception | None,
) -> None:
    answered = [folder.parent.name for folder in root.glob(f"*/*/{ANSWER}")]
    missing = {folder: task for folder, task in expected.items() if folder not in answered}
    for image, status in deaths:
        if status != 0:
            names = [task.name for task in missing.values() if task.image == image]
            raise ValueError(f"{' or '.join(names) or image} ended with exit status {status}")
    if failure is not None:
        raise ValueError(f"the local runner stopped: {failure}") from failure
    if missing:
        names = [task.name for task in missing.values()]
        raise ValueError(f"{', '.join(names)} ended without an answer to Kubeflow")
    if len(deaths) != len(expected):
        raise ValueError(
            f"docker told of {len(deaths)} containers, expected {len(expected)}; run it again"
        )
    for folder in answered:
        _check_artifacts(next(root.glob(f"*/{folder}/{ANSWER}")), expected[folder])


def _check_artifacts(answer: Path, task: Task) -> None:
    told = json.loads(answer.read_text())["artifacts"]
    for name in task.outputs:
        places = [Path(artifact["uri"]) for artifact in told.get(name, {}).get("artifacts", ())]
        if not places or not all(place.exists() for place in places):
            raise ValueError(f"{task.name} left no {name}, though it ended well")
