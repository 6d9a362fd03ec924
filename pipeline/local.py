"""The compiled pipeline in containers on this machine, by Kubeflow's own local runner.

The runner removes containers as they end, and takes one that is gone before it was asked for its
exit status as a success. So the statuses come from the daemon, whose events say how each container
died, and every task must have answered and left its artifacts.
"""

import contextlib
import json
import os
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import docker
from docker import errors
from docker.types import Mount
from kfp import components, local

from pipeline.artifacts import Task, places, tasks

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
        with _deaths(daemon, identity) as deaths, ending(daemon, identity):
            failure = _run(compiled, arguments, root, _runner(machine, identity))
            _await(deaths, len(expected), failed=failure is not None)
        check(expected, deaths, root, failure)
    return {path: place for path, place in places(expected, root).items() if place.exists()}


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
    ours = {"KFP_RUN_ID": identity, "KFP_RUN_NAME": identity, "HOME": "/tmp"}
    environment = given | ours | dict(machine.environment)
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


@contextlib.contextmanager
def ending(daemon: docker.DockerClient, identity: str) -> Iterator[None]:
    """Let no container of this run outlive the block, which Ctrl-C may cut short."""
    try:
        yield
    finally:
        wanted = {"label": f"{LABEL}={identity}"}
        for container in daemon.containers.list(all=True, filters=wanted, ignore_removed=True):
            with contextlib.suppress(errors.APIError):  # it has just ended
                container.remove(force=True)


def _await(deaths: list[tuple[str, int]], containers: int, failed: bool) -> None:
    """Give the daemon time to tell how all containers died, or which one failed."""
    deadline = time.monotonic() + (GRACE if failed else PATIENCE)
    while time.monotonic() < deadline:
        if len(deaths) == containers or any(status for _, status in deaths):
            return
        time.sleep(0.1)


def check(
    expected: Mapping[str, Task],
    deaths: list[tuple[str, int]],
    root: Path,
    failure: Exception | None,
) -> None:
    """Be sure that all went well.

    Args:
        expected: the tasks, by the names of their components.
        deaths: the image and the exit status of each container.
        root: where the tasks have written.
        failure: what the runner raised.

    Raises:
        ValueError: it did not; which stage it was.
    """
    answered = {folder.parent.name for folder in root.glob(f"*/*/{ANSWER}")}
    missing = {folder: task for folder, task in expected.items() if folder not in answered}
    unanswered = {
        image: " or ".join(task.name for task in missing.values() if task.image == image)
        for image, _ in deaths
    }
    for image, status in deaths:
        if status != 0:
            raise ValueError(f"{unanswered[image] or image} ended with exit status {status}")
    for image, names in unanswered.items():
        ended = sum(other == image for other, _ in deaths)
        if ended > sum(expected[folder].image == image for folder in answered):
            raise ValueError(f"{names} ended without an answer to Kubeflow")
    if failure is not None:
        raise ValueError(f"the local runner stopped: {failure}") from failure
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
