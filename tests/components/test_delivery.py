import multiprocessing

import mlflow
import numpy as np
import PIL.Image
import pytest
import tracked

from components import sync, tracking
from components.delivery import Delivery, Unreachable
from components.fingerprints import fingerprint
from components.journal import Journal, State, folder, journals

CALLED = []


def registered(client, run, files, **arguments):
    """What another module has done in its turn."""
    CALLED.append((run, {name: path.read_text() for name, path in files.items()}, arguments))


@pytest.fixture
def uri(tmp_path, monkeypatch):
    """A new database, and a courier that never starts: all that is told stays in the journal."""
    tracked.enter(tmp_path, monkeypatch)
    monkeypatch.setattr(tracking, "Courier", NoCourier)
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
