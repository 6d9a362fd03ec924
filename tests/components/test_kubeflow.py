"""What the container of a stage answers to Kubeflow, on the text that its launcher passes."""

import json

import pytest
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from components import kubeflow
from components.fingerprints import fingerprint

FIGURES = {
    "crps": {"student": {"3": 7.1, "mean": 11.3}, "control": {"3": 7.0, "mean": 11.1}},
    "gap_closed": {"student": {"mean": None}},
    "counts": {"test": {"storms": 18}},
    "loss": float("inf"),
    "cka": {"student": {"encoder": {"sst": 0.5}, "mean": 0.25}},
    "dropped": [],
}


@pytest.fixture
def executor_input(tmp_path):
    def artifact(name, kind):
        uri = (tmp_path / name).as_posix()
        return {
            "artifacts": [{"name": name, "type": {"schemaTitle": f"system.{kind}"}, "uri": uri}]
        }

    outputs = {
        "artifacts": {"metrics": artifact("metrics", "Metrics"), "student": artifact("s", "Model")},
        "outputFile": str(tmp_path / "executor" / "output.json"),
    }
    return json.dumps({"inputs": {}, "outputs": outputs})


@pytest.fixture
def written(tmp_path):
    (tmp_path / "metrics").write_text(json.dumps(FIGURES))
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "weights").write_bytes(b"0101")
    return {"metrics": tmp_path / "metrics", "student": tmp_path / "s"}


def test_answer_names_every_artifact_with_its_fingerprint(executor_input, written, tmp_path):
    kubeflow.write_output(executor_input, written)
    answer = json.loads((tmp_path / "executor" / "output.json").read_text())["artifacts"]
    assert answer.keys() == {"metrics", "student"}
    for name, path in written.items():
        (artifact,) = answer[name]["artifacts"]
        assert artifact["uri"] == str(path)
        assert artifact["metadata"]["sha256"] == fingerprint(path)


def test_metrics_show_the_figures_that_are_no_curve(executor_input, written, tmp_path):
    kubeflow.write_output(executor_input, written)
    answer = json.loads((tmp_path / "executor" / "output.json").read_text())["artifacts"]
    shown = answer["metrics"]["artifacts"][0]["metadata"]
    assert {name: value for name, value in shown.items() if name != "sha256"} == {
        "crps.student.mean": 11.3,
        "crps.control.mean": 11.1,
        "counts.test.storms": 18,
        "cka.student.mean": 0.25,
    }


def test_page_shows_no_more_figures_than_its_database_takes():
    shown = kubeflow.headline({f"figure_{number}": number for number in range(500)})
    assert shown == {f"figure_{number}": number for number in range(kubeflow.MOST)}


def test_model_says_what_it_is(executor_input, written, tmp_path):
    described = {"kind": "student", "sampler": "ddim", "steps": 5, "mode": "edm", "shape": {}}
    (tmp_path / "s" / "model.json").write_text(json.dumps(described))
    kubeflow.write_output(executor_input, written)
    answer = json.loads((tmp_path / "executor" / "output.json").read_text())["artifacts"]
    shown = answer["student"]["artifacts"][0]["metadata"]
    told = {name: value for name, value in shown.items() if name != "sha256"}
    assert told == {name: value for name, value in described.items() if name != "shape"}


def test_answer_is_an_executor_output_to_the_letter(executor_input, written, tmp_path):
    kubeflow.write_output(executor_input, written)
    text = (tmp_path / "executor" / "output.json").read_text()
    parsed = json_format.Parse(text, pipeline_spec_pb2.ExecutorOutput())
    assert json_format.MessageToDict(parsed) == json.loads(text)


@pytest.mark.parametrize("text", ["no JSON", "{}", '{"outputs": {"artifacts": {}}}'])
def test_input_that_is_not_of_kubeflow_is_refused(text, written):
    with pytest.raises(ValueError, match="expected Kubeflow's ExecutorInput"):
        kubeflow.write_output(text, written)
