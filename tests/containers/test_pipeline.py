"""The compiled pipeline in containers, from acquire to report, against `dvc repro`."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import stages
import yaml
from clones import call, surroundings, tiny

from nephele import typed
from pipeline import graph, local, settings

MACHINE = local.Machine(network=os.environ.get("NETWORK", ""))
OVERLAY = "experiments/tiny.yaml"


@pytest.fixture(scope="module")
def reproduced(tmp_path_factory) -> Path:
    """A tiny repository in which DVC has run the pipeline."""
    clone = tmp_path_factory.mktemp("dvc") / "nephele"
    tiny(clone)
    call(clone, "dvc", "repro")
    return clone


@pytest.fixture(scope="module")
def ran(built, tmp_path_factory) -> Path:
    """A folder with what the containers made, by the names that DVC has for it."""
    output = tmp_path_factory.mktemp("containers")
    options = ["--network", MACHINE.network] if MACHINE.network else []
    command = ["python", "-m", "pipeline", "run-local", OVERLAY, "--output", str(output), *options]
    call(stages.ROOT, *command)
    return output


@pytest.fixture(scope="module")
def sections() -> dict:
    """The tiny parameters, with nothing tried twice."""
    values = typed.load(str(stages.ROOT / "params.yaml"))
    values = settings.overlaid(values, settings.read(stages.ROOT / OVERLAY))
    return settings.overlaid(values, {"kubeflow": {"retries": {"times": 0}}})


def outputs(repository: Path) -> list[str]:
    """What the stages write, by the lock file of DVC."""
    lock = yaml.safe_load((repository / "dvc.lock").read_text())
    return sorted(out["path"] for stage in lock["stages"].values() for out in stage["outs"])


def files(place: Path) -> dict[str, bytes]:
    """The files of an output, or the one file that it is, by their paths in it."""
    found = [place] if place.is_file() else [file for file in place.rglob("*") if file.is_file()]
    return {file.relative_to(place).as_posix(): file.read_bytes() for file in found}


def test_containers_make_what_dvc_makes_to_the_last_byte(reproduced, ran):
    paths = outputs(reproduced)
    assert {Path(path).parts[1] for path in paths if path != "raw"} == {*stages.STAGES} - {
        "acquire"
    }
    for path in paths:
        by_dvc, by_containers = files(reproduced / path), files(ran / path)
        assert by_dvc, f"{path} is empty"
        assert by_dvc.keys() == by_containers.keys(), path
        assert [name for name in by_dvc if by_dvc[name] != by_containers[name]] == [], path


def test_what_containers_make_belongs_to_whom_runs_them_or_to_the_user_of_the_image(ran):
    owners = {file.stat().st_uid for file in (ran / "outputs/regrid/windows.zarr").rglob("*")}
    assert owners == {os.getuid() or local.IMAGE_USER}


def failing(sections: dict, output: Path, stage: str, script: str) -> Path:
    """The compiled pipeline with a shell script in place of a stage's command."""
    compiled = output / "failing.yaml"
    graph.write(sections, compiled)
    documents = [*yaml.safe_load_all(compiled.read_text())]
    executor = documents[0]["deploymentSpec"]["executors"][f"exec-{stage.replace('_', '-')}"]
    executor["container"] |= {"command": ["sh", "-c", script], "args": []}
    compiled.write_text(yaml.safe_dump_all(documents))
    return compiled


@pytest.mark.parametrize("script", ["exit 3", "sleep 1; exit 3"])
def test_container_that_fails_fails_the_run_by_its_name_however_quickly(
    script, built, sections, tmp_path
):
    compiled = failing(sections, tmp_path, "acquire", script)
    with pytest.raises(ValueError, match="acquire ended with exit status 3"):
        local.run(compiled, graph.arguments(sections), tmp_path, MACHINE)


def test_container_that_does_nothing_is_no_success(built, sections, tmp_path):
    compiled = failing(sections, tmp_path, "acquire", "true")
    with pytest.raises(ValueError, match="acquire"):
        local.run(compiled, graph.arguments(sections), tmp_path, MACHINE)


def test_stage_that_refuses_its_parameters_fails_the_run_by_its_name(built, sections, tmp_path):
    compiled = tmp_path / "nephele.yaml"
    graph.write(sections, compiled)
    wrong = {**sections["regrid"], "no_such_parameter": 1}
    arguments = graph.arguments(sections) | {"regrid_params": json.dumps(wrong)}
    with pytest.raises(ValueError, match="regrid ended with exit status 1"):
        local.run(compiled, arguments, tmp_path, MACHINE)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_command_that_is_stopped_leaves_no_container(sent, built, tmp_path):
    options = ["--network", MACHINE.network] if MACHINE.network else []
    command = [sys.executable, "-m", "pipeline", "run-local", OVERLAY, "--output", str(tmp_path)]
    running = subprocess.Popen(
        [*command, *options], cwd=stages.ROOT, env=surroundings(stages.ROOT),
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # not as in a background
    )  # fmt: skip
    with running:
        deadline = time.monotonic() + 60
        while not labelled() and time.monotonic() < deadline:
            time.sleep(0.2)
        assert labelled(), "no container within a minute"
        running.send_signal(sent)
        _, told = running.communicate(timeout=60)
    assert running.returncode == 128 + sent, told
    assert labelled() == []


def labelled() -> list[str]:
    """The containers of local runs, also those that do not run."""
    words = ["docker", "ps", "--all", "--quiet", "--filter", f"label={local.LABEL}"]
    return subprocess.check_output(words, text=True).split()


def test_surroundings_are_the_same_for_both():
    assert surroundings(stages.ROOT)["OMP_NUM_THREADS"] == "1"
    assert "OMP_NUM_THREADS" in local.PASSED_ON
