"""Trainings in processes of their own that are stopped, killed, or run out of room."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

STEPS, EVERY = 12, 4
# Prints each step, and at the end the weights' sum; the step that it is told to takes long. Of
# several processes, the first prints.
TRAINING = """
import json, os, sys, time
from dataclasses import replace
from pathlib import Path
import numpy as np
from components.pretrain_teacher import stage
from components.training import Follower
from known_windows import make_windows
from nephele.learning import processes
from nephele.params import TeacherParams
from tests import small

checkpoint = Path(sys.argv[1])
wait_after, STEPS, EVERY = map(int, sys.argv[2:])

class Log:
    def metrics(self, step, **values):
        if int(os.environ.get("RANK", "0")) == 0:
            print(json.dumps([step, values["loss"]]), flush=True)
        if step == wait_after:
            time.sleep(3)  # a signal comes

    def picture(self, *args):
        pass

windows = make_windows(storms=3, frames=14)
windows = replace(windows, split=np.repeat(["train", "validation", "test"], 3))
training = replace(
    small.TRAINING, steps=STEPS, log_every=1, checkpoint_every=EVERY, picture_every=1000
)
params = TeacherParams(
    **vars(training), network=small.NETWORK, hindsight=False, prediction="edm",
    noise=small.NOISE, weights=small.CAUSAL,
)
with processes.joined():
    assert processes.count() == int(os.environ.get("WORLD_SIZE", "1"))
    model, figures = stage.run(windows, params, Follower(Log(), checkpoint, "mine"))
    processes.leave_to_first()
weights = model.network.state_dict()
print(json.dumps(["sum", sum(float(value.double().sum()) for value in weights.values())]))
"""


def start(checkpoint: Path, wait_after: int = 0, processes: int = 1, **more) -> subprocess.Popen:
    root = Path(__file__).parents[2]
    paths = os.pathsep.join(map(str, (root / "src", root, root / "tests")))
    run = ["-c", TRAINING]
    if processes > 1:
        training = checkpoint.with_suffix(".py")
        training.write_text(TRAINING)
        torchrun = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node")
        run = [*torchrun, str(processes), str(training)]
    return subprocess.Popen(
        [sys.executable, *run, str(checkpoint), *map(str, (wait_after, STEPS, EVERY))],
        env=os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **more,
    )


def told(output: str) -> list:
    return [json.loads(line) for line in output.splitlines() if line.startswith("[")]


def stopped(checkpoint: Path, by: signal.Signals, processes: int = 1) -> tuple[int, str]:
    """Exit status and messages of a training that gets a signal after its seventh step."""
    process = start(checkpoint, wait_after=7, processes=processes)
    assert process.stdout is not None
    while json.loads(process.stdout.readline())[0] != 7:
        pass
    time.sleep(0.2)  # it sleeps now
    process.send_signal(by)
    _, messages = process.communicate(timeout=60)
    return process.returncode, messages


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> list:
    """What a training says that nobody interrupts."""
    output, messages = start(tmp_path_factory.mktemp("whole") / "c.safetensors").communicate()
    assert len(told(output)) == STEPS + 1, messages
    return told(output)


@pytest.mark.parametrize(
    ("by", "status"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGTERM, 143)]
)
def test_a_training_goes_on_where_its_last_checkpoint_is(tmp_path, whole, by, status):
    """SIGKILL loses the steps since step 4; SIGTERM loses none."""
    checkpoint = tmp_path / "c.safetensors"
    code, messages = stopped(checkpoint, by)
    assert code == status
    if by == signal.SIGTERM:
        assert f"told to stop after step 7; {checkpoint} has it" in messages
    output, _ = start(checkpoint).communicate()
    # What was done before is told again, for whoever draws the curves.
    assert told(output) == whole
    assert [path.name for path in tmp_path.iterdir()] == ["c.safetensors"]


def test_two_processes_that_are_told_to_stop_save_what_one_goes_on_from(tmp_path, whole):
    checkpoint = tmp_path / "c.safetensors"

    code, messages = stopped(checkpoint, signal.SIGTERM, processes=2)

    assert code != 0
    assert f"told to stop after step 7; {checkpoint} has it" in messages
    one = told(start(checkpoint).communicate()[0])
    two = told(start(checkpoint, processes=2).communicate()[0])
    assert len(one) == len(two) == STEPS + 1
    for found in (one, two):
        for (step, loss), (expected, other) in zip(found[:-1], whole[:-1], strict=True):
            assert step == expected
            assert loss == pytest.approx(other, rel=1e-3)


def test_a_full_disk_leaves_the_checkpoint_that_was_there(tmp_path, whole):
    checkpoint = tmp_path / "c.safetensors"
    stopped(checkpoint, signal.SIGKILL)
    before = checkpoint.read_bytes()

    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, len(before) // 2))

    process = start(checkpoint, preexec_fn=little_room)
    _, messages = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "the checkpoint of step 8 could not be written" in messages
    assert "that of an earlier step stays there" in messages
    assert checkpoint.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["c.safetensors"]
    assert told(start(checkpoint).communicate()[0]) == whole


def test_a_foreign_checkpoint_is_refused_by_name(tmp_path):
    (tmp_path / "c.safetensors").write_bytes(b"somebody else's")
    process = start(tmp_path / "c.safetensors")
    _, messages = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"{tmp_path}/c.safetensors: not a whole checkpoint" in messages
