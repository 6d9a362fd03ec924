"""The registry against a database of its own, reached as the stages reach it."""

import json
import logging
import shutil

import mlflow
import numpy as np
import pandas as pd
import pytest

from components import model_folder, registry, tracking
from components.fingerprints import fingerprint
from components.registry import CHAMPION, NAME
from nephele.evaluation.succession import KEYS

LEADS = (3, 6, 9)
ABOUT = {
    "kind": "student",
    "shape": {"variables": ["sst"], "history": 4, "future": 2, "size": 8},
    "lead_hours": LEADS,
    "trained_on": {"cell_km": 20.0, "spacing_hours": 3},
}
TAGS = {"crps_mean": "8.1", "test_storms": "12", "data": "SYNTHETIC"}


@pytest.fixture
def store(empty, tmp_path, monkeypatch):
    """An empty database in the current folder, as the stages find it."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(empty, tmp_path)
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "NEPHELE_SPOOL"):
        monkeypatch.delenv(name, raising=False)
    yield tmp_path
    mlflow.set_tracking_uri(None)


@pytest.fixture
def client(store):
    return mlflow.MlflowClient(tracking.tracking_uri())


def write_model(folder, weights):
    folder.mkdir()
    (folder / "weights.safetensors").write_text(weights)
    (folder / "model.json").write_text(json.dumps(ABOUT))
    (folder / "requirements.txt").write_text("torch==2.8.0\n")
    return folder


def write_table(path, better=0.0, storms=12):
    rows = [
        (f"S{storm:02d}", "2001-08-01T00:00", lead, 250.0 + storm, 8 + np.sin(storm) - better)
        for storm in range(storms)
        for lead in LEADS
    ]
    pd.DataFrame(rows, columns=[*KEYS, "student"]).to_csv(path, index=False)
    return path


def train(model):
    """The run of a training that logs its model."""
    with tracking.run("distill_student", {}) as log:
        kind, inputs, output = model_folder.served(model)
        log.model(kind, model, model_folder.LOADER, inputs, output)


def report(model, table):
    """The run of a report that has the student registered."""
    with tracking.run("report", {}) as log:
        log.call(
            "components.registry:register",
            registry.contents(model, table),
            tags=TAGS,
            description="Its scores.",
        )


def execute(store, name, better=0.0, weights=None, storms=12):
    """An execution, of which the report alone has a run here."""
    model = write_model(store / name, weights or name)
    report(model, write_table(store / f"{name}.csv", better, storms))


def champion(client):
    return str(client.get_registered_model(NAME).aliases[CHAMPION])


def version(client, number):
    return client.get_model_version(NAME, str(number))


def test_the_first_student_is_the_champion_and_is_told_so(store, client, caplog):
    with caplog.at_level(logging.INFO):
        execute(store, "first")
    said = "nephele-student version 1 is the champion: there was none before"
    assert said in caplog.messages
    assert champion(client) == "1"
    found = version(client, 1)
    assert TAGS.items() <= found.tags.items()
    assert found.tags["succession"] == said
    assert found.description == (
        "Takes 4 frames 3 h apart, the last at the initial time, of 8 × 8 cells of 20 km, in K; "
        "gives an ensemble of 3 frames up to +9 h, in K.\n\n"
        f"Its scores.\n\n**Champion?** {said}"
    )
    run = client.get_run(found.tags["execution"])
    assert run.data.tags["succession"] == said
    assert run.data.tags["registered_as"] == "nephele-student version 1"


def test_a_first_student_of_too_few_storms_is_registered_and_no_champion(store, client):
    execute(store, "toy", storms=4)
    assert client.get_registered_model(NAME).aliases == {}
    assert version(client, 1).tags["succession"] == (
        "nephele-student version 1 is registered; no champion yet: verified on 4 test storms, "
        "expected at least 5"
    )
    execute(store, "first", better=-1.0, storms=5)
    assert champion(client) == "2"


def test_storms_without_a_score_do_not_count_for_the_first(store, client):
    table = write_table(store / "table.csv")
    scores = pd.read_csv(table)
    scores.loc[scores.storm > "S03", "student"] = np.nan
    scores.to_csv(table, index=False)
    report(write_model(store / "model", "weights"), table)
    assert client.get_registered_model(NAME).aliases == {}


def test_a_champion_of_too_few_storms_gives_way_to_a_student_of_enough(store, client):
    execute(store, "toy", storms=2)
    client.set_registered_model_alias(NAME, CHAMPION, "1")
    execute(store, "other toy", better=0.2, storms=2)
    assert champion(client) == "1"
    execute(store, "first", better=-1.0)
    assert champion(client) == "3"
    assert version(client, 3).tags["succession"] == (
        "nephele-student version 3 takes the place of version 1 as champion, which was verified "
        "on 2 test storms, expected at least 5; this one on 12"
    )


def test_a_champion_verified_again_on_too_few_storms_keeps_its_verification(store, client):
    execute(store, "first", weights="same")
    before = version(client, 1).tags
    execute(store, "again", weights="same", storms=2)
    assert version(client, 1).tags == before
    execute(store, "worse", better=-1.0)
    assert champion(client) == "1"


def test_a_better_student_takes_the_place_and_both_are_kept(store, client):
    execute(store, "first")
    execute(store, "second", better=0.2)
    assert champion(client) == "2"
    assert "takes the place of version 1" in version(client, 2).tags["succession"]
    assert "a gain of +0.200 K" in version(client, 2).tags["succession"]
    assert version(client, 1).tags["succession"].endswith("there was none before")


@pytest.mark.parametrize(
    ("challenger", "why"),
    [
        ({"better": -0.2}, "worse: CRPS"),
        ({"better": 0.0}, "not better by more than noise: CRPS"),
        ({"better": 0.2, "storms": 4}, "expected at least 5"),
    ],
    ids=["worse", "the same", "few storms"],
)
def test_a_student_that_is_no_better_is_registered_and_told_why_not(store, client, challenger, why):
    execute(store, "first")
    execute(store, "second", **challenger)
    assert champion(client) == "1"
    assert "version 2 does not take the place of version 1" in version(client, 2).tags["succession"]
    assert why in version(client, 2).tags["succession"]


def test_a_version_leads_to_the_training_that_logged_its_model(store, client):
    model = write_model(store / "model", "weights")
    train(model)
    report(model, write_table(store / "table.csv"))
    run = client.get_run(version(client, 1).run_id)
    assert run.data.tags["stage"] == "distill_student"
    (logged,) = client.search_logged_models([run.info.experiment_id])
    assert version(client, 1).source == f"models:/{logged.model_id}"


def test_a_model_whose_training_is_not_here_is_logged_by_the_report_as_it_lies(store, client):
    execute(store, "first")
    run = client.get_run(version(client, 1).run_id)
    assert run.data.tags["stage"] == "report"
    place = mlflow.artifacts.download_artifacts(f"models:/{NAME}@{CHAMPION}", dst_path="here")
    data = mlflow.models.Model.load(place)
    assert data.signature.inputs.inputs[0].shape == (-1, 4, 8, 8)
    assert data.signature.outputs.inputs[0].shape == (-1, -1, 3, 8, 8)
    names = {path.name for path in (store / "here").rglob("*")}
    assert {"weights.safetensors", "model.json", "serving.py", "ensemble.py"} <= names
    assert "torch==2.8.0" in (store / "here" / "requirements.txt").read_text()


def test_the_same_model_is_one_version_however_often_it_is_reported(store, client):
    execute(store, "first", weights="same")
    execute(store, "again", weights="same")
    assert len(client.search_model_versions(f"name='{NAME}'")) == 1
    said = "the student is known: nephele-student version 1 is the champion already"
    assert client.get_run(version(client, 1).tags["execution"]).data.tags["succession"] == said
    # How it became the champion stays to be read.
    assert version(client, 1).tags["succession"].endswith("there was none before")


def test_a_champion_is_compared_by_its_latest_verification(store, client):
    execute(store, "first", weights="same")
    # The champion verified again, on more storms, where a table of 4 storms was not enough.
    execute(store, "second", better=0.3, storms=4)
    execute(store, "again", weights="same", storms=20)
    execute(store, "third", better=0.3, storms=20)
    assert champion(client) == "3"
    assert "20 windows of 20 storms" in version(client, 3).tags["succession"]


def test_without_the_champions_table_the_alias_stays_and_says_what_to_do(store, client):
    execute(store, "first")
    for table in (store / "mlartifacts").rglob("crps_by_window.csv"):
        table.unlink()
    execute(store, "second", better=0.2)
    assert champion(client) == "1"
    assert "verify it again, or move the alias by hand" in version(client, 2).tags["succession"]


def test_an_alias_moved_by_hand_to_an_unverified_version_stays(store, client):
    execute(store, "first")
    source = version(client, 1).source
    client.create_model_version(NAME, source)
    client.set_registered_model_alias(NAME, CHAMPION, "2")
    execute(store, "third", better=0.2)
    assert champion(client) == "2"
    assert "version 2 has no tag execution" in version(client, 3).tags["succession"]


def test_a_delivery_that_is_repeated_changes_nothing(store, client):
    execute(store, "first")
    execute(store, "second", better=0.2)
    before = {v.version: (v.tags, v.description) for v in client.search_model_versions("")}
    files = {**registry.contents(store / "second", store / "second.csv")}
    run = version(client, 2).tags["execution"]
    registry.register(client, run, files, TAGS, "Its scores.")
    assert {v.version: (v.tags, v.description) for v in client.search_model_versions("")} == before
    assert champion(client) == "2"


class Interrupted(BaseException):
    """As by a signal."""


class FailingClient:
    """A client that is cut short after a number of calls."""

    def __init__(self, client, calls):
        self.client, self.calls = client, calls

    def __getattr__(self, name):
        found = getattr(self.client, name)

        def call(*arguments, **named):
            answer = found(*arguments, **named)
            self.calls -= 1
            if not self.calls:
                raise Interrupted
            return answer

        return call if callable(found) else found


def register(client, run, model, table):
    files = {"model": model, "crps_by_window.csv": table}
    return registry.register(client, run, files, TAGS, "Its scores.")


def logged(client, experiment, model):
    """The training's model, without its files."""
    tags = {"fingerprint": fingerprint(model)}
    found = client.create_logged_model(experiment, "student", tags=tags)
    client.finalize_logged_model(found.model_id, "READY")


def test_a_registration_that_is_cut_short_anywhere_keeps_its_reason_when_repeated(store, client):
    execute(store, "first")
    experiment = client.get_experiment_by_name("nephele").experiment_id
    for calls in range(1, 100):
        model = write_model(store / f"model {calls}", str(calls))
        logged(client, experiment, model)
        run = client.create_run(experiment).info.run_id
        table = write_table(store / "crps_by_window.csv", 0.1 * calls)
        old = champion(client)
        try:
            register(FailingClient(client, calls), run, model, table)
        except Interrupted:
            register(client, run, model, table)
        else:
            break  # so many calls it does not need
        number = champion(client)
        said = f"{NAME} version {number} takes the place of version {old} as champion, better by"
        assert client.get_run(run).data.tags["succession"].startswith(said)
        assert version(client, number).tags["succession"].startswith(said)
        assert f"**Champion?** {said}" in version(client, number).description
        assert version(client, number).tags["execution"] == run
        assert TAGS.items() <= version(client, number).tags.items()
    assert calls > 15
    assert len(client.search_model_versions(f"name='{NAME}'")) == 1 + calls


def test_a_model_that_another_project_logged_on_the_server_is_left_to_it(store, client):
    model = write_model(store / "model", "weights")
    other = client.create_experiment("elsewhere", (store / "elsewhere").as_uri())
    logged(client, other, model)
    report(model, write_table(store / "table.csv"))
    assert client.get_run(version(client, 1).run_id).data.tags["stage"] == "report"
