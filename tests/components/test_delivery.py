import json
import multiprocessing
import shutil

import boto3
import botocore.exceptions
import mlflow
import numpy as np
import PIL.Image
import pytest
import tracked
import urllib3
from mlflow.exceptions import RestException
from moto.server import ThreadedMotoServer

from components import mlflow_run, sync, tracking
from components.delivery import Delivery, Unreachable
from components.fingerprints import fingerprint
from components.journal import FILES, RECORDS, STATE, Journal, State, folder, journals

CALLED = []


def registered(client, run, files, **arguments):
    """What another module has done in its turn."""
    CALLED.append((run, {name: path.read_text() for name, path in files.items()}, arguments))


@pytest.fixture
def uri(empty, tmp_path, monkeypatch):
    """A new database, and a courier that never starts: all that is told stays in the journal."""
    tracked.enter(tmp_path, monkeypatch)
    shutil.copy(empty, tmp_path)
    monkeypatch.setattr(tracking, "Courier", NoCourier)
    monkeypatch.setattr(mlflow_run, "TARGETS", (f"{__name__}:registered",))
    CALLED.clear()
    return tracking.tracking_uri()


class NoCourier:
    def __init__(self, journal, uri):
        self.journal = journal

    def end(self):
        self.journal.close()


def everything(folder):
    """A stage that tells something of every kind."""
    picture = folder / "map.png"
    PIL.Image.new("RGB", (600, 300), "teal").save(picture)
    model = folder / "model"
    model.mkdir(exist_ok=True)
    (model / "weights").write_text("1 2 3")
    with tracking.run("train", {"train": {"seed": 3, "network": {"channels": [1, 2]}}}) as log:
        for step in range(1, 1201):
            log.metrics(step, loss=1 / step, speed=2.0)
        log.inputs(windows=picture)
        for step in (200, 400):
            log.picture("forecast", picture, step)
        log.picture("data/map", picture)
        log.artifact(picture, "pages")
        log.artifact(model)
        log.tags(colour="blue")
        log.note("# A run")
        log.model("student", model, "json", {"history": (-1, 4, 8, 8)}, (-1, 5, 8, 8))
        log.call(f"{__name__}:registered", {"weights": model / "weights"}, storms=["a"])
        log.outputs(model=model)
    return picture, model


def deliver(uri):
    (place,) = journals(folder())
    journal = Journal.opened(place)
    delivery = Delivery(journal, uri)
    delivery.advance()
    return journal, delivery


def found(uri):
    """All that MLflow has of the only run."""
    (run,) = tracked.runs(uri)
    client = tracked.client(uri)
    metrics = {
        name: sorted((p.step, p.value, p.timestamp) for p in history)
        for name in run.data.metrics
        for history in [client.get_metric_history(run.info.run_id, name)]
    }
    models = client.search_logged_models([run.info.experiment_id])
    return {
        "info": (run.info.status, run.info.start_time, run.info.end_time, run.info.run_name),
        "params": run.data.params,
        "tags": run.data.tags,
        "metrics": metrics,
        "artifacts": tracked.artifacts(uri, run.info.run_id),
        "datasets": [(i.dataset.name, i.dataset.digest) for i in run.inputs.dataset_inputs],
        "models": [(m.name, m.status, m.tags["fingerprint"]) for m in models],
        "outputs": [m.model_id for m in run.outputs.model_outputs],
    }


def test_every_kind_of_record_arrives_as_it_was_told(uri, tmp_path, monkeypatch):
    monkeypatch.setitem(tracking.CONTEXTS, ("train", "windows"), ("train", "validation"))
    picture, model = everything(tmp_path)
    journal, delivery = deliver(uri)
    told = {record.kind: record.values for record in journal.records()}
    there = found(uri)

    assert delivery.finished
    assert there["info"] == ("FINISHED", told["begin"]["time"], told["end"]["time"], "train")
    assert there["params"] == {"train.seed": "3", "train.network.channels": "[1, 2]"}
    assert [step for step, _, _ in there["metrics"]["loss"]] == list(range(1, 1201))
    assert [value for _, value, _ in there["metrics"]["loss"]] == [1 / n for n in range(1, 1201)]
    assert there["tags"]["input.windows"] == fingerprint(picture)
    assert there["tags"]["output.model"] == fingerprint(model)
    assert there["tags"]["mlflow.note.content"] == "# A run"
    assert there["datasets"] == [
        (f"windows ({context})", fingerprint(picture)[:36]) for context in ("train", "validation")
    ]
    stepped = [name for name in there["artifacts"] if name.startswith("images/forecast+step+")]
    assert len(stepped) == 4  # two steps, each whole and small
    rest = [name for name in there["artifacts"] if name not in stepped]
    assert rest == ["pages/map.png", "pictures/data/map.png", "weights"]
    assert [(name, status) for name, status, _ in there["models"]] == [("student", "READY")]
    assert there["models"][0][2] == fingerprint(model)
    assert len(there["outputs"]) == 1
    (run,) = tracked.runs(uri)
    assert [(run.info.run_id, {"weights": "1 2 3"}, {"storms": ["a"]})] == CALLED


def test_model_is_read_back_with_its_signature(uri, tmp_path):
    everything(tmp_path)
    deliver(uri)
    mlflow.set_tracking_uri(uri)
    (output,) = found(uri)["outputs"]
    signature = mlflow.models.get_model_info(f"models:/{output}").signature
    assert signature.inputs.inputs[0].name == "history"
    assert signature.inputs.inputs[0].type == np.dtype("float32")
    assert {option.name for option in signature.params} == set(tracking.OPTIONS)


def test_what_is_delivered_twice_is_there_once(uri, tmp_path):
    everything(tmp_path)
    journal, _ = deliver(uri)
    once = found(uri)
    # It died each time before it could note anything, even the run.
    for state in (State(), State(journal.state.run, 0)):
        journal.state = state
        Delivery(journal, uri).advance()
        assert found(uri) == once


def test_record_that_the_server_refuses_is_left_out_and_told_and_the_rest_arrives(uri, caplog):
    with tracking.run("train", {"seed": 3}) as log:
        log.metrics(1, good=1.0)
        log.metrics(1, **{"no:such^name": 1.0})
        log.metrics(2, good=2.0)
        log.call(f"{__name__}:nowhere", {})
    _, delivery = deliver(uri)
    assert delivery.finished
    assert found(uri)["metrics"].keys() == {"good"}
    assert [step for step, _, _ in found(uri)["metrics"]["good"]] == [1, 2]
    assert len([r for r in caplog.records if "refuses" in r.getMessage()]) == 2


def test_store_that_lost_the_run_gets_all_of_it_again(uri, tmp_path):
    everything(tmp_path)
    journal, _ = deliver(uri)
    other = f"sqlite:///{tmp_path}/other.db"
    Delivery(journal, other).advance()
    (run,) = tracked.runs(other)
    assert tracked.steps(other, run.info.run_id, "loss") == list(range(1, 1201))


def test_delivery_goes_on_where_it_stopped(uri, monkeypatch):
    with tracking.run("train", {"seed": 3}) as log:
        log.metrics(1, loss=1.0)
        log.tags(colour="blue")
        log.metrics(2, loss=2.0)
    journal = Journal.opened(journals(folder())[0])
    delivery = Delivery(journal, uri)

    def away(*_):
        raise ConnectionError("gone")

    with monkeypatch.context() as patch:
        patch.setattr("components.mlflow_run.Run.tags", away)
        with pytest.raises(Unreachable, match="gone"):
            delivery.advance()
    delivered = delivery.delivered
    delivery.advance()
    assert delivery.delivered == sum(1 for _ in journal.records())
    assert 0 < delivered < delivery.delivered or delivered == 0
    assert [step for step, _, _ in found(uri)["metrics"]["loss"]] == [1, 2]


def _sync(spool, uri):
    sync.sync(spool, uri)


def test_two_processes_that_sync_at_once_deliver_everything_once(uri, tmp_path):
    for seed in range(3):
        with tracking.run("train", {"seed": seed}) as log:
            for step in range(600):
                log.metrics(step, loss=0.5)
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=_sync, args=(folder(), uri)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    assert len(tracked.runs(uri)) == 3
    for run in tracked.runs(uri):
        assert run.info.status == "FINISHED"
        assert tracked.steps(uri, run.info.run_id, "loss") == list(range(600))
    assert journals(folder()) == []


@pytest.mark.parametrize(
    "error",
    [
        ModuleNotFoundError("No module named 'boto3'"),
        MemoryError(),
        urllib3.exceptions.ProtocolError("Connection broken"),
        botocore.exceptions.NoCredentialsError(),
        ValueError("Invalid endpoint: minio:9000"),
        FileNotFoundError(2, "No such file or directory", "/mnt/store/artifacts"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_upload_that_fails_for_no_fault_of_its_own_is_kept_until_it_arrives(
    uri, tmp_path, monkeypatch, error
):
    file = tmp_path / "page.html"
    file.write_text("page")
    with tracking.run("train", {}) as log:
        log.artifact(file)

    def fail(*_):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr("mlflow.MlflowClient.log_artifact", fail)
        assert sync.sync(folder()) == 1
    assert sync.sync(folder()) == 0
    assert found(uri)["artifacts"] == ["page.html"]


def test_what_is_not_found_is_left_out_as_long_as_its_run_is_there(uri, monkeypatch, caplog):
    with tracking.run("train", {}) as log:
        log.tags(colour="blue")
        log.metrics(1, loss=0.5)

    def missing(*_):
        raise RestException({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "No such model"})

    monkeypatch.setattr("components.mlflow_run.Run.tags", missing)
    assert sync.sync(folder()) == 0
    assert found(uri)["metrics"].keys() == {"loss"}
    assert "No such model" in caplog.text


def test_journal_has_nothing_called_or_read_that_is_not_its_own(uri, tmp_path, caplog):
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_text("do not tell")
    with tracking.run("train", {}) as log:
        log.call("shutil:rmtree", {})
        log.metrics(1, loss=0.5)
    (place,) = journals(folder())
    for kept in ("../../secret", str(secret), f"{FILES}/../../../secret"):
        record = {"kind": "artifact", "time": 1, "kept": kept, "file": "key", "folder": None}
        with (place / RECORDS).open("a") as lines:
            lines.write(json.dumps(record) + "\n")
    with (place / RECORDS).open("a") as lines:
        lines.write('{"kind":"_upload","content":"x"}\n')
    assert sync.sync(folder()) == 0
    assert found(uri)["artifacts"] == []
    assert found(uri)["metrics"].keys() == {"loss"}
    assert len([r for r in caplog.records if "refuses" in r.getMessage()]) == 5


def test_damaged_journal_is_delivered_but_for_its_damage_and_holds_up_no_other(uri, capsys):
    for seed in range(3):
        with tracking.run("train", {"seed": seed}) as log:
            log.metrics(1, loss=0.5)
            log.metrics(2, speed=0.5)
    first, second, _ = journals(folder())
    (first / RECORDS).write_bytes(b"\0" * 10 + (first / RECORDS).read_bytes()[10:])
    lines = (second / RECORDS).read_bytes().splitlines(keepends=True)
    merged = [line.rstrip()[:40] if b"loss" in line else line for line in lines]
    (second / RECORDS).write_bytes(b"".join(merged))  # the loss's line, cut off, and the next
    (second / STATE).write_bytes(b"\0" * 20)
    assert sync.sync(folder()) == 1
    assert f"{first.name}: kept as it is" in capsys.readouterr().out
    assert journals(folder()) == [first]
    metrics = {run.data.params["seed"]: set(run.data.metrics) for run in tracked.runs(uri)}
    assert metrics == {"1": set(), "2": {"loss", "speed"}}
    assert {run.info.status for run in tracked.runs(uri)} == {"FINISHED"}


def test_address_is_kept_and_told_without_its_credentials(uri, monkeypatch, capsys, caplog):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://anna:pass@127.0.0.1:9/mlflow")
    with tracking.run("train", {}):
        pass
    (place,) = journals(folder())
    assert "http://127.0.0.1:9/mlflow" in (place / RECORDS).read_text()
    assert sync.sync(folder(), "http://anna:pass@127.0.0.1:9/mlflow") == 1
    told = capsys.readouterr().out + caplog.text + (place / RECORDS).read_text()
    assert "MLflow at http://127.0.0.1:9/mlflow failed" in told
    assert "anna" not in told
    assert "pass" not in told


@pytest.fixture
def s3(monkeypatch):
    """A store on loopback that speaks S3 (moto), with an empty bucket."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_MAX_ATTEMPTS": "1",
    }.items():
        monkeypatch.setenv(name, value)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    monkeypatch.setenv("MLFLOW_S3_ENDPOINT_URL", address)
    client = boto3.client("s3", endpoint_url=address)
    client.create_bucket(Bucket="runs")
    yield client
    server.stop()


def test_artifact_goes_to_the_store_that_the_server_names_or_waits_for_it(
    uri, s3, tmp_path, monkeypatch, capsys
):
    tracked.client(uri).create_experiment("nephele-stages", "s3://runs/stages")
    page = tmp_path / "page.html"
    page.write_text("page")
    with tracking.run("train", {}) as log:
        log.artifact(page)
        log.metrics(1, loss=0.5)
    page.unlink()
    with monkeypatch.context() as patch:
        patch.setenv("MLFLOW_S3_ENDPOINT_URL", "http://127.0.0.1:9")
        assert sync.sync(folder()) == 1
    assert "127.0.0.1:9" in capsys.readouterr().out
    assert "Contents" not in s3.list_objects_v2(Bucket="runs")

    assert sync.sync(folder()) == 0
    (stored,) = s3.list_objects_v2(Bucket="runs")["Contents"]
    assert stored["Key"].endswith("/artifacts/page.html")
    assert s3.get_object(Bucket="runs", Key=stored["Key"])["Body"].read() == b"page"
    assert found(uri)["metrics"].keys() == {"loss"}
