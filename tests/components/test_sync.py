"""A real MLflow server is killed and started again; what stages told it meanwhile is not lost."""

import os
import signal
import subprocess
import sys
import time

import mlflow_server
import pytest
import tracked

from components import sync, tracking
from components.fingerprints import fingerprint
from components.journal import folder, journals

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("mlflow server")]

TRAINING = """
import sys, time
from pathlib import Path
from components import courier, tracking
with tracking.run("train", {"train": {"seed": 3}}) as log:
    log.inputs(script=Path(sys.argv[1]))
    for step in range(int(sys.argv[2])):
        log.metrics(step, loss=1 / (step + 1))
        if step % 50 == 0:
            print(step, flush=True)
        time.sleep(0.01)
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = mlflow_server.Server(tmp_path_factory.mktemp("server"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def place(tmp_path, monkeypatch, server):
    return tracked.enter(tmp_path, monkeypatch, server.uri)


def start(place, steps):
    """A training in a process of its own."""
    (place / "train.py").write_text(f"{TRAINING}# {place}\n")
    root = os.path.dirname(os.path.dirname(tracking.__file__))
    return subprocess.Popen(
        [sys.executable, "train.py", "train.py", str(steps)],
        env=os.environ | {"PYTHONPATH": f"{root}/src:{root}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(process, step):
    for line in process.stdout:
        if int(line) >= step:
            return


def of_this_test(server, place):
    digest = fingerprint(place / "train.py")
    return [run for run in tracked.runs(server.uri) if run.data.tags["input.script"] == digest]


def test_server_killed_in_mid_training_has_every_point_once_after_sync(place, server, capsys):
    process = start(place, 1500)
    wait_for(process, 800)  # the first records have been delivered after 5 s
    server.kill()
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "the stage goes on without it" in errors
    assert "Traceback" not in errors
    assert len(journals(folder())) == 1

    assert sync.sync(folder()) == 1
    assert "try again when it answers" in capsys.readouterr().out
    server.start()
    assert sync.sync(folder()) == 0
    assert "records delivered to run" in capsys.readouterr().out
    assert sync.sync(folder()) == 0
    (run,) = of_this_test(server, place)
    assert run.info.status == "FINISHED"
    assert run.data.params == {"train.seed": "3"}
    assert tracked.steps(server.uri, run.info.run_id, "loss") == list(range(1500))


def test_killed_stage_is_left_alone_while_it_lives_and_then_ended_as_killed(place, server, capsys):
    process = start(place, 10_000)
    wait_for(process, 300)
    assert sync.sync(folder()) == 0
    assert "left alone" in capsys.readouterr().out
    before = time.time()
    process.send_signal(signal.SIGKILL)
    process.communicate()

    assert sync.sync(folder()) == 0
    assert "ended as killed" in capsys.readouterr().out
    (run,) = of_this_test(server, place)
    steps = tracked.steps(server.uri, run.info.run_id, "loss")
    assert run.info.status == "KILLED"
    assert run.info.end_time / 1000 == pytest.approx(before, abs=0.5)  # not that of the sync
    assert len(steps) > 300
    assert steps == list(range(len(steps)))
    assert journals(folder()) == []


def test_run_of_the_surroundings_is_continued_not_ended_and_not_rivalled(
    place, server, monkeypatch
):
    client = tracked.client(server.uri)
    experiment = client.create_experiment("kubeflow's own")
    outer = client.create_run(experiment, run_name="train").info.run_id
    monkeypatch.setenv("MLFLOW_RUN_ID", outer)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", experiment)
    before = len(tracked.runs(server.uri))
    with tracking.run("train", {"train": {"seed": 3}, "role": "control"}) as log:
        log.metrics(1, loss=0.5)
    run = client.get_run(outer)
    assert run.info.status == "RUNNING"  # the launcher ends it, when the container has
    assert run.data.metrics == {"loss": 0.5}
    # The launcher writes the task's arguments in its own spelling, all in one request.
    assert run.data.params == {"train.seed": "3"}
    client.log_param(outer, "role", '"control"')
    assert len(tracked.runs(server.uri)) == before


def test_sync_says_so_where_there_is_nothing(place, capsys):
    assert sync.sync(folder()) == 0
    assert "nothing to deliver" in capsys.readouterr().out


def test_command_delivers_and_ends_with_status_one_where_it_could_not(place, server, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{mlflow_server.free_port()}")
    with tracking.run("train", {"train": {"seed": 3}}):
        pass
    root = os.path.dirname(os.path.dirname(tracking.__file__))

    def command(uri):
        environment = {"PYTHONPATH": f"{root}/src:{root}", "MLFLOW_TRACKING_URI": uri}
        arguments = [sys.executable, "-m", "components.tracking", "sync"]
        return subprocess.run(arguments, env=os.environ | environment, capture_output=True)

    assert command(os.environ["MLFLOW_TRACKING_URI"]).returncode == 1
    assert command(server.uri).returncode == 0
    assert journals(folder()) == []
