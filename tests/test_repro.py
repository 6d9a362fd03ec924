"""The whole pipeline on tiny sizes, in clones of what lies in the working tree."""

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import stages
import yaml
from clones import call, surroundings

from pipeline import settings

pytestmark = pytest.mark.slow


def figures(clone: Path) -> dict[str, bytes]:
    """The metrics files, by their paths."""
    files = sorted(clone.glob("outputs/**/metrics.json"))
    return {file.relative_to(clone).as_posix(): file.read_bytes() for file in files}


def test_all_stages_run_and_then_there_is_nothing_to_do(origin):
    assert {Path(path).parts[1] for path in figures(origin)} == {*stages.STAGES} - {"acquire"}
    assert (origin / "outputs/report/report.html").stat().st_size > 10_000

    # The better of two: the machine may have been busy with something else.
    assert min(seconds_of_idle_run(origin) for _ in range(2)) < 5
    assert call(origin, "git", "status", "--porcelain") == ""


def seconds_of_idle_run(clone: Path) -> float:
    started = time.monotonic()
    assert "Data and pipelines are up to date" in call(clone, "dvc", "repro")
    return time.monotonic() - started


def test_git_holds_the_figures_and_none_of_the_data(origin):
    kept = call(origin, "git", "ls-files", "outputs", "raw", "data").split()
    assert set(kept) == set(figures(origin))


def test_fresh_clone_gives_the_same_figures_to_the_last_byte(origin, tmp_path):
    clone = tmp_path / "clone"
    call(origin, "git", "clone", "--quiet", str(origin), str(clone))
    shutil.rmtree(clone / "outputs")

    call(clone, "dvc", "repro")

    assert figures(clone) == figures(origin)
    changed = call(clone, "git", "status", "--porcelain").split("\n")
    assert not [line for line in changed if line.endswith("metrics.json")]


def test_training_that_is_killed_goes_on_to_the_weights_of_one_that_was_not(origin, tmp_path):
    # Its first checkpoint is written long before its last step, however late the signal comes.
    sections = yaml.safe_load((origin / "params.yaml").read_text())
    longer = {"steps": 60, "checkpoint_every": 4}
    sections = settings.overlaid(sections, {"pretrain_teacher": longer})
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(sections))
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    call(origin, *training_command(tmp_path / "params.yaml", whole))

    command = training_command(tmp_path / "params.yaml", killed)
    training = subprocess.Popen(
        command, cwd=origin, env=surroundings(origin), stderr=subprocess.DEVNULL
    )
    while training.poll() is None and not list(killed.glob("checkpoints/*.safetensors")):
        time.sleep(0.01)
    training.send_signal(signal.SIGKILL)
    assert training.wait() == -signal.SIGKILL
    assert not (killed / "teacher").exists()

    told = call(origin, *command)

    assert " 0/60" not in told, "it began again from nothing"
    for name in ("teacher/weights.safetensors", "metrics.json"):
        assert (killed / name).read_bytes() == (whole / name).read_bytes()
    assert list((killed / "checkpoints").iterdir()) == []


def training_command(params: Path, out: Path) -> list[str]:
    return [
        *(sys.executable, "-m", "components.pretrain_teacher.stage"),
        *("--windows", "outputs/regrid/windows.zarr", "--params", str(params)),
        *("--teacher", str(out / "teacher"), "--metrics", str(out / "metrics.json")),
        *("--resume", str(out / "checkpoints")),
    ]
