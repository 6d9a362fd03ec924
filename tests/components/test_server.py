"""A registered student, served by MLflow to clients that know nothing of Nephele."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import small

from components import registry, tracking
from components.serving import Forecaster
from components.training import save
from nephele.evaluation.succession import KEYS

MODEL = "models:/nephele-student@champion"
SIZE = small.SHAPE.size
PATIENCE = 60  # s until the server answers

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("serving")]


@pytest.fixture(scope="module")
def student():
    return small.model("student")


@pytest.fixture(scope="module")
def environment(student, tmp_path_factory):
    """What a client of the registry needs to know: where it is. Not where Nephele is."""
    store = tmp_path_factory.mktemp("store")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(store)
        for name in ("MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID"):
            patch.delenv(name, raising=False)
        save(store / "model", student)
        rows = [(f"S{storm}", "2001-08-01T00:00", 3, 270.0, 8.0) for storm in range(5)]
        pd.DataFrame(rows, columns=[*KEYS, "student"]).to_csv("table.csv", index=False)
        with tracking.run("report", {}) as log:
            files = registry.contents(store / "model", store / "table.csv")
            log.call("components.registry:register", files, tags={}, description="")
        uri = tracking.tracking_uri()
    shutil.rmtree(store / "model")
    known = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    path = f"{Path(sys.executable).parent}{os.pathsep}{known['PATH']}"
    return known | {"MLFLOW_TRACKING_URI": uri, "PATH": path, "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def server(environment, tmp_path_factory):
    """The address of a server that was started far from the repository."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("elsewhere")
    command = ["mlflow", "models", "serve", "-m", MODEL, "--env-manager", "local"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(process, address, folder / "log")
        yield address
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def _wait(process, address, log):
    started = time.monotonic()
    while time.monotonic() - started < PATIENCE and process.poll() is None:
        try:
            urllib.request.urlopen(f"{address}/ping", timeout=1)
            return
        except OSError:
            time.sleep(0.2)
    pytest.fail(log.read_text())


def ask(server, history, name="history", **params):
    """The status and what the server answers."""
    body = json.dumps({"inputs": {name: np.asarray(history).tolist()}, "params": params})
    request = urllib.request.Request(
        f"{server}/invocations", body.encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def frames(samples=1, history=4):
    """K, smooth, different from sample to sample."""
    count = samples * history * SIZE * SIZE
    values = 260 + 30 * np.sin(np.linspace(0, 20, count))
    return values.reshape(samples, history, SIZE, SIZE).astype(np.float32)


@pytest.mark.parametrize("samples", [1, 3])
def test_frames_in_kelvin_bring_the_models_own_ensemble_of_the_same_seed(server, student, samples):
    status, answer = ask(server, frames(samples), members=3, seed=5)
    assert status == 200
    given = np.array(answer["predictions"])
    assert given.shape == (samples, 3, 8, SIZE, SIZE)
    own, other = (
        Forecaster(student).predict({"history": frames(samples)}, {"members": 3, "seed": seed})
        for seed in (5, 6)
    )
    # K; another process may sum in another order, and bf16 makes that visible.
    assert np.sqrt(np.mean((given - own) ** 2)) < 0.1
    assert np.sqrt(np.mean((given - other) ** 2)) > 1


def test_without_params_the_server_gives_the_usual_members(server):
    _, answer = ask(server, frames())
    assert np.shape(answer["predictions"]) == (1, 8, 8, SIZE, SIZE)


HOLE = frames()
HOLE[0, 1, 2, 3] = np.nan


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"history": frames(history=3)}, "Shape of input (1, 3, 32, 32) does not match expected"),
        ({"history": frames()[0]}, "Shape of input (4, 32, 32) does not match expected"),
        ({"history": frames() - 273.15}, "as if they were °C; expected brightness temperatures"),
        ({"history": frames() / 340}, "as if they were scaled to 0…1; expected"),
        ({"history": HOLE}, "NaN or infinite, the first in sample 0, frame 1, y 2, x 3"),
        ({"history": HOLE.astype(object).tolist()}, "1 of the 4096 values in history are NaN"),
        ({"history": frames(), "name": "frames"}, "missing inputs ['history']"),
        ({"history": frames(), "members": 0}, "members is 0; expected a whole number from 1 to"),
        ({"history": frames(), "members": 10**6}, "expected a whole number from 1 to"),
        ({"history": frames(3), "members": 64}, "192 forecasts; expected at most 128 in a request"),
        ({"history": frames(), "members": 2.5}, "convert `<class 'float'>` to `DataType.long`"),
        ({"history": frames(), "seed": -1}, "seed is -1; expected a whole number from 0 to"),
        ({"history": [["warm"]]}, "could not convert string to float"),
    ],
    ids=[
        "three frames",
        "no batch",
        "celsius",
        "scaled",
        "nan",
        "nan among objects",
        "another name",
        "no members",
        "too many members",
        "too many members together",
        "half a member",
        "negative seed",
        "text",
    ],
)
def test_a_clients_mistake_is_answered_by_400_and_a_sentence_about_it(server, asked, sentence):
    status, answer = ask(server, **asked)
    assert status == 400
    assert sentence in answer["message"]
    assert len(answer["message"]) < 2500  # the request's data are not all in front of it


def test_the_model_brings_all_its_sources_with_it(environment, tmp_path):
    (tmp_path / "here").mkdir()
    code = (
        "import mlflow, sys\n"
        f"model = mlflow.pyfunc.load_model({MODEL!r}, dst_path='here')\n"
        "for name, module in list(sys.modules.items()):\n"
        "    if name.split('.')[0] in ('nephele', 'components'): print(module.__file__)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    files = [Path(line) for line in run.stdout.split()]
    assert len(files) > 20
    assert all(file.is_relative_to(tmp_path / "here") for file in files)
    sizes = [file.stat().st_size for file in (tmp_path / "here" / "code").rglob("*")]
    assert sum(sizes) < 2e6
