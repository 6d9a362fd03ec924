"""The pipeline submitted by kfp.Client to a loopback server that runs it; against `dvc repro`."""

import json
import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from clones import surroundings
from kubeflow_executor import Executor
from kubeflow_server import Kubeflow, Refused, parse, serving

from nephele import params
from pipeline import artifacts, graph, submission

ROOT = Path(__file__).parents[1]
FILE = yaml.safe_load((ROOT / "params.yaml").read_text())
pytestmark = pytest.mark.slow


@dataclass
class Ended:
    """A run that has ended: what the command printed, and the tasks by their names in DVC."""

    kubeflow: Kubeflow
    code: int
    printed: str
    told: str
    identity: str

    def tasks(self, origin: Path) -> dict:
        compiled = yaml.safe_load_all(next(iter(self.kubeflow.files.values())))
        (origin.parent / "compiled.yaml").write_text(yaml.safe_dump(next(compiled)))
        names = artifacts.tasks(origin.parent / "compiled.yaml")
        executions = self.kubeflow.executions[self.identity]
        return {names[folder].name: execution for folder, execution in executions.items()}


def submit(clone: Path, host: str, *words: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "pipeline", "submit", "--host", host, *words]
    return subprocess.run(
        command, cwd=clone, env=surroundings(clone), capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def server(origin, tmp_path_factory):
    """A server that runs the sources of `origin`, and its address."""
    paths = os.pathsep.join([str(origin / "src"), str(origin)])
    variables = surroundings(origin) | {"PYTHONPATH": paths}
    kubeflow = Kubeflow(Executor(tmp_path_factory.mktemp("kubeflow"), variables))
    with serving(kubeflow) as host:
        yield kubeflow, host


def ended(server, origin: Path, *words: str) -> Ended:
    kubeflow, host = server
    before = set(kubeflow.runs)
    run = submit(origin, host, "--wait", *words)
    (identity,) = kubeflow.runs.keys() - before
    return Ended(kubeflow, run.returncode, run.stdout, run.stderr, identity)


@pytest.fixture(scope="module")
def first(server, origin) -> Ended:
    """The whole pipeline."""
    return ended(server, origin, "--experiment", "typhoons", "--run-name", "first")


def test_run_ends_well_and_its_link_is_printed(first, server):
    assert first.code == 0, first.told + "".join(
        task.told for task in first.kubeflow.executions[first.identity].values()
    )
    assert first.printed == f"{server[1]}/#/runs/details/{first.identity}\n"
    run = first.kubeflow.runs[first.identity]
    assert run["display_name"] == "first"
    (experiment,) = first.kubeflow.experiments.values()
    assert experiment["display_name"] == "typhoons"
    assert run["experiment_id"] == experiment["experiment_id"]


def test_kubeflow_makes_what_dvc_makes_to_the_last_byte(first, origin):
    flags, compared = artifacts.flags(), 0
    for name, task in first.tasks(origin).items():
        for output, artifact in task.artifacts.items():
            by_dvc = files(origin / flags[name][output])
            by_kubeflow = files(first.kubeflow.executor.path(artifact))
            assert by_dvc.keys() == by_kubeflow.keys(), (name, output)
            different = [file for file in by_dvc if by_dvc[file] != by_kubeflow[file]]
            assert different == [], (name, output)
            compared += len(by_dvc)
    assert compared > 100


def files(place: Path) -> dict[str, bytes]:
    found = [place] if place.is_file() else [file for file in place.rglob("*") if file.is_file()]
    return {file.relative_to(place).as_posix(): file.read_bytes() for file in found}


def test_page_of_the_run_has_scores_heat_map_report_and_summary(first, origin):
    shown = {
        (name, output): artifact
        for name, task in first.tasks(origin).items()
        for output, artifact in task.artifacts.items()
    }
    scores = json.loads((origin / "outputs/verify/metrics.json").read_text())
    metadata = dict(shown["verify", "metrics"].metadata)
    assert metadata["crps.student.mean"] == scores["crps"]["student"]["mean"]
    model = dict(shown["distill_student@control", "student"].metadata)
    assert model["kind"] == "control"
    kinds = {key: artifact.type.schema_title for key, artifact in shown.items()}
    assert kinds["verify", "metrics"] == "system.Metrics"
    assert kinds["verify", "summary"] == "system.Markdown"
    assert kinds["export_causal_matrix", "page"] == "system.HTML"
    assert kinds["report", "report"] == "system.HTML"
    assert kinds["distill_student@distilled", "student"] == "system.Model"
    assert kinds["regrid", "windows"] == "system.Dataset"


def test_changed_section_is_an_argument_and_runs_only_what_reads_it(
    first, server, origin, tmp_path
):
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text(yaml.safe_dump({"report": {"forecasts": 2}}))
    second = ended(server, origin, str(overlay))
    assert second.code == 0, second.told
    states = {name: task.state for name, task in second.tasks(origin).items()}
    assert states.pop("report") == "SUCCEEDED"
    assert set(states.values()) == {"SKIPPED"}
    assert len(second.kubeflow.versions) == 1
    assert len(second.kubeflow.pipelines) == 1


def test_run_that_fails_fails_the_command_and_names_the_task(first, server, origin, tmp_path):
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text(yaml.safe_dump({"acquire": {"source": "digital_typhoon"}}))
    failed = ended(server, origin, str(overlay))
    assert failed.code == 1
    assert "pipeline submit: the run failed: acquire; see http://127.0.0.1:" in failed.told
    states = {name: task.state for name, task in failed.tasks(origin).items()}
    assert states.pop("acquire") == "FAILED"
    assert set(states.values()) == {"PENDING"}


def test_containers_know_their_run_and_their_task_and_no_rival_run(first):
    spec, added = parse(next(iter(first.kubeflow.files.values())))
    for label, executor in spec.deployment_spec["executors"].items():
        variables = {entry["name"] for entry in executor["container"]["env"]}
        assert {"KFP_TASK", "NEPHELE_GIT_REVISION"} <= variables
        assert not variables & {"MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID"}
        assert {entry["name"] for entry in added[label]["fieldPathAsEnv"]} == {
            "KFP_RUN_ID",
            "KFP_RUN_NAME",
        }


def test_server_that_is_not_there_is_one_sentence():
    with pytest.raises(
        ValueError, match=r"^no Kubeflow Pipelines at http://127.0.0.1:9 \("
    ) as told:
        submission.submit(FILE, FILE, submission.Target("http://127.0.0.1:9", None), "nephele")
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("host", ["not a url", "http://", "/8080"])
def test_host_that_is_no_address_is_refused_before_anything_warns(host, recwarn):
    with pytest.raises(ValueError, match="is no address, expected one such as http://127"):
        submission.submit(FILE, FILE, submission.Target(host, None), "nephele")
    assert [*recwarn] == []


class Closed(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_error(401)

    def log_message(self, *words: object) -> None:
        pass


def test_server_that_wants_credentials_is_one_sentence_at_once():
    with HTTPServer(("127.0.0.1", 0), Closed) as server:
        threading.Thread(target=server.serve_forever).start()
        host = f"http://127.0.0.1:{server.server_port}"
        with pytest.raises(ValueError, match=r"refuses \(401 .* where credentials come from$"):
            submission.submit(FILE, FILE, submission.Target(host, None), "nephele")
        server.shutdown()


@pytest.fixture
def idle(tmp_path):
    """A server to which nothing that can run is brought."""
    with serving(Kubeflow(Executor(tmp_path, {}))) as host:
        yield submission.Target(host, None)


def test_argument_that_the_pipeline_does_not_have_is_refused_in_one_sentence(idle, monkeypatch):
    others = {"NAME": graph.NAME, "write": graph.write, "version": graph.version}
    wrong = SimpleNamespace(arguments=lambda sections: {"verification_params": "{}"}, **others)
    monkeypatch.setattr(submission, "graph", wrong)
    with pytest.raises(ValueError, match=r"refuses: parameter\(s\) provided are not required"):
        submission.submit(FILE, FILE, idle, "nephele")


def test_name_of_a_version_is_that_of_its_content(tmp_path):
    def version(**changes) -> str:
        graph.write(FILE | changes, tmp_path / "compiled.yaml")
        return graph.version(tmp_path / "compiled.yaml")

    kubeflow = FILE[params.KUBEFLOW]
    assert version() == version()
    assert version(kubeflow=kubeflow | {"registry": "example.org"}) != version()


BROKEN = {
    "no such field": lambda spec: spec["root"].update(tasks={}),
    "schema version": lambda spec: spec.update(schemaVersion="2.0.0"),
    "name": lambda spec: spec["pipelineInfo"].update(name="Nephele"),
    "root": lambda spec: spec.pop("root"),
    "component": lambda spec: spec["components"].pop("comp-regrid"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_helper_refuses_what_a_server_refuses(what, tmp_path):
    graph.write(FILE, tmp_path / "compiled.yaml")
    spec, platform = yaml.safe_load_all((tmp_path / "compiled.yaml").read_text())
    parse(yaml.safe_dump_all([spec, platform]))
    BROKEN[what](spec)
    with pytest.raises(Refused) as refused:
        parse(yaml.safe_dump_all([spec, platform]))
    assert (refused.value.status, refused.value.code) == (400, 3)
