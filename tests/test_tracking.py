import multiprocessing
import threading
from dataclasses import dataclass
from pathlib import Path

import mlflow
import PIL.Image
import pytest
import tracked

from components import machine, tracking
from components.execution import flat, requirements
from components.fingerprints import fingerprint


@dataclass(frozen=True)
class Network:
    channels: int
    multipliers: list[int]


@dataclass(frozen=True)
class Params:
    seed: int
    network: Network


PARAMS = Params(seed=3, network=Network(channels=64, multipliers=[1, 2]))


@pytest.fixture
def store(tmp_path, monkeypatch):
    """An empty folder to be in, with no tracking server in the surroundings."""
    tracked.enter(tmp_path, monkeypatch)
    mlflow.set_tracking_uri(tracking.tracking_uri())
    return tmp_path


def runs():
    return mlflow.search_runs(search_all_experiments=True, output_format="list")


def only_run():
    (run,) = runs()
    return run


def test_run_holds_parameters_curves_pictures_and_fingerprints(store, monkeypatch):
    monkeypatch.setenv("DVC_STAGE", "distill_student@control")
    monkeypatch.setenv("DVC_EXP_NAME", "oaken-mist")
    picture = store / "map.png"
    PIL.Image.new("RGB", (400, 300), "teal").save(picture)

    with tracking.run("distill_student", PARAMS) as log:
        for step in range(1, 1201):
            log.metrics(step, loss=1 / step)
        log.picture("samples", picture, step=400)
        log.artifact(picture)
        log.outputs(student=picture)

    run = only_run()
    client = mlflow.MlflowClient()
    curve = client.get_metric_history(run.info.run_id, "loss")
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "distill_student@control oaken-mist"
    assert run.data.params == {
        "seed": "3",
        "network.channels": "64",
        "network.multipliers": "[1, 2]",
    }
    assert sorted(point.step for point in curve) == list(range(1, 1201))
    assert run.data.tags["output.student"] == fingerprint(picture)
    assert run.data.tags["DVC_EXP_NAME"] == "oaken-mist"
    names = [file.path for file in client.list_artifacts(run.info.run_id, "images")]
    assert [name.split("+timestamp")[0] for name in names] == ["images/samples+step+400"] * 2


def test_more_and_longer_parameters_than_one_request_takes_are_all_kept(store):
    with tracking.run("report", {f"p{i}": i for i in range(250)} | {"long": "x" * 9000}) as log:
        log.metrics(0, crps=1.0)
    params = only_run().data.params
    assert len(params) == 251
    assert params["p249"] == "249"


def test_failed_stage_leaves_a_failed_run_and_its_own_exception(store):
    with pytest.raises(RuntimeError, match="diverged"), tracking.run("verify", PARAMS):
        raise RuntimeError("diverged")
    assert only_run().info.status == "FAILED"


def test_run_of_the_surroundings_is_continued(store, monkeypatch):
    with tracking.run("outer", {"seed": 9}):
        pass
    outer = only_run().info.run_id
    monkeypatch.setenv("MLFLOW_RUN_ID", outer)
    with tracking.run("regrid", PARAMS) as log:
        log.metrics(1, frames=12)
    assert only_run().data.metrics == {"frames": 12}
    assert only_run().data.params["seed"] == "9"


def test_without_mlflow_nothing_happens(store, monkeypatch):
    monkeypatch.setattr(tracking, "available", lambda: False)
    with tracking.run("train", PARAMS) as log:
        log.metrics(1, loss=0.5)
        log.artifact(store)
        log.inputs(windows=store / "nowhere")
    assert list(store.iterdir()) == []
    assert not [thread for thread in threading.enumerate() if thread.name == "tracking"]


def _one_of_many(folder):
    import os

    os.chdir(folder)
    with tracking.run("train", PARAMS) as log:
        log.metrics(1, loss=0.5)


def test_processes_that_start_together_share_one_new_database(store):
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=_one_of_many, args=(store,)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [run.info.status for run in runs()] == ["FINISHED"] * 3


def test_flat_names_lead_through_dataclasses_and_mappings():
    assert flat({"a": PARAMS, "b": None})["a.network.channels"] == "64"
    assert flat({"b": None}) == {"b": "None"}


def test_requirements_are_exact_versions_without_builds():
    assert any(line.startswith("torch==") for line in requirements())
    assert not [line for line in requirements() if "==" not in line or "+" in line]


def test_fingerprint_of_a_folder_sees_names_and_contents_and_nothing_else(tmp_path):
    def folder(name: str, files: dict[str, str]) -> Path:
        for file, text in files.items():
            path = tmp_path / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path / name

    one = folder("one", {"a": "1", "b/c": "2"})
    same = folder("same", {"b/c": "2", "a": "1"})
    renamed = folder("renamed", {"a": "1", "b/d": "2"})
    changed = folder("changed", {"a": "1", "b/c": "3"})
    assert fingerprint(one) == fingerprint(same)
    assert len({fingerprint(path) for path in (one, renamed, changed)}) == 3


def test_load_of_the_machine_is_a_curve_of_a_stage_that_takes_its_time(store, monkeypatch):
    monkeypatch.setattr(machine, "INTERVAL", 0.05)
    told, metrics = threading.Semaphore(0), tracking.Log.metrics

    def counted(log, step, **values):
        metrics(log, step, **values)
        told.release()

    monkeypatch.setattr(tracking.Log, "metrics", counted)
    with tracking.run("train", PARAMS):
        # However long a busy machine takes for them.
        assert all(told.acquire(timeout=60) for _ in range(3))
    curve = mlflow.MlflowClient().get_metric_history(
        only_run().info.run_id, "system/system_memory_usage_percentage"
    )
    assert [point.step for point in curve] == list(range(len(curve)))
    assert len(curve) > 2
    assert all(0 < point.value < 100 for point in curve)


def test_nothing_that_tracking_raises_ends_a_stage(store, monkeypatch, caplog):
    def broken(*_, **__):
        raise RuntimeError("broken")

    picture = store / "map.png"
    picture.write_bytes(b"no picture")
    with tracking.run("train", PARAMS) as log:
        for step in range(3):
            log.metrics(step, loss="no number")
        log.artifact(None)
        log.model("student", picture, "json", {}, (object(),))
        log.call("components.makers:link", {}, note={1, 2})
        log.metrics(3, loss=0.5)
        monkeypatch.setattr("components.courier.Courier.end", broken)
    assert len([record for record in caplog.records if "not told all" in record.getMessage()]) == 5
    with monkeypatch.context() as patch:
        patch.setattr("components.journal.Journal.new", broken)
        with tracking.run("train", PARAMS) as log:
            log.metrics(1, loss=0.5)


def test_execution_links_the_runs_of_its_stages_and_of_theirs(store):
    data, windows = store / "data", store / "windows"
    for file, stage, inputs in ((data, "acquire", {}), (windows, "regrid", {"data": data})):
        file.write_text(stage)
        with tracking.run(stage, {}) as log:
            log.inputs(**inputs)
            log.outputs(**{file.name: file})
    with tracking.run("report", {}) as log:
        log.inputs(windows=windows)
        log.note("# Scores")
        log.call("components.makers:link", {}, note="# Scores")
    by_name = {run.data.tags["stage"]: run for run in runs()}
    tags = by_name["report"].data.tags
    for stage in ("acquire", "regrid"):
        run = by_name[stage].info
        assert tags[f"stage.{stage}"] == run.run_id
        place = f"(#/experiments/{run.experiment_id}/runs/{run.run_id})"
        assert f"[{stage}]{place}" in tags["mlflow.note.content"]
    assert tags["mlflow.note.content"].startswith("# Scores\n")
    assert by_name["report"].info.experiment_id != by_name["regrid"].info.experiment_id
