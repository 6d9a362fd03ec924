"""Manifests, held to the schemas of Kubernetes and of Kubeflow's own kinds."""

import json
import re
import sys
from pathlib import Path

import jsonschema
import kubernetes_validate
import pytest
import yaml
from google.protobuf import json_format
from kfp.kubernetes import kubernetes_executor_config_pb2
from kfp.pipeline_spec import pipeline_spec_pb2

from components import nodes
from nephele import parameter_file, typed
from nephele.cluster import KubeflowParams
from nephele.params import KUBEFLOW
from pipeline import graph
from pipeline.__main__ import main

ROOT = Path(__file__).parents[1]
FILE = yaml.safe_load((ROOT / "params.yaml").read_text())
FILES = sorted((ROOT / "docs" / "kubeflow").glob("*.yaml"))
KUBERNETES = "1.33"
SUBDOMAIN = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"
TEXT = {"type": "string"}


def custom(kind: str, spec: dict) -> dict:
    """The schema of one of Kubeflow's kinds, by what its resource definitions (2.17) allow.

    A server that knows no field drops it in silence; here it is an error.
    """
    metadata = {
        "type": "object",
        "properties": {"name": TEXT | {"pattern": SUBDOMAIN, "maxLength": 253}, "namespace": TEXT},
        "required": ["name"],
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {
            "apiVersion": {"const": "pipelines.kubeflow.org/v2beta1"},
            "kind": {"const": kind},
            "metadata": metadata,
            "spec": spec,
        },
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "additionalProperties": False,
    }


TAGS = {"type": "object", "additionalProperties": TEXT}
SCHEMAS = {
    "Pipeline": custom(
        "Pipeline",
        {
            "type": "object",
            "properties": {"description": TEXT, "displayName": TEXT, "tags": TAGS},
            "additionalProperties": False,
        },
    ),
    "PipelineVersion": custom(
        "PipelineVersion",
        {
            "type": "object",
            "properties": {
                "codeSourceURL": TEXT,
                "description": TEXT,
                "displayName": TEXT,
                "pipelineName": TEXT | {"pattern": SUBDOMAIN},
                "pipelineSpec": {"type": "object"},
                "pipelineSpecURI": TEXT,
                "platformSpec": {"type": "object"},
                "tags": TAGS,
                "versionName": TEXT | {"pattern": SUBDOMAIN, "maxLength": 253},
            },
            "required": ["pipelineSpec", "pipelineName"],
            "additionalProperties": False,
        },
    ),
}


@pytest.fixture(scope="module")
def manifests(tmp_path_factory) -> dict[str, dict]:
    """The manifests of the pipeline, by their kinds."""
    output = tmp_path_factory.mktemp("manifests") / "nephele.yaml"
    graph.write_manifest(FILE, output, "kubeflow")
    return {found["kind"]: found for found in yaml.safe_load_all(output.read_text())}


@pytest.mark.parametrize("kind", SCHEMAS)
def test_manifest_of_the_pipeline_is_of_its_kind(kind, manifests):
    assert manifests.keys() == SCHEMAS.keys()
    jsonschema.validate(manifests[kind], SCHEMAS[kind])
    assert manifests[kind]["metadata"]["namespace"] == "kubeflow"


def test_version_belongs_to_the_pipeline_and_is_named_by_the_content(manifests, tmp_path):
    version = manifests["PipelineVersion"]
    assert version["spec"]["pipelineName"] == manifests["Pipeline"]["metadata"]["name"]
    graph.write(FILE, tmp_path / "compiled.yaml")
    assert version["metadata"]["name"] == graph.version(tmp_path / "compiled.yaml")


def test_manifest_and_compiled_file_hold_the_same_pipeline(manifests, tmp_path):
    graph.write(FILE, tmp_path / "compiled.yaml")
    spec, platform = yaml.safe_load_all((tmp_path / "compiled.yaml").read_text())
    assert manifests["PipelineVersion"]["spec"]["pipelineSpec"] == spec
    assert manifests["PipelineVersion"]["spec"]["platformSpec"] == platform


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_manifest_of_the_documentation_fits_the_schemas_of_kubernetes(file):
    for manifest in yaml.safe_load_all(file.read_text()):
        if manifest["apiVersion"].startswith("kind.x-k8s.io/"):
            continue
        kubernetes_validate.validate(manifest, KUBERNETES, strict=True)


def test_schemas_find_what_is_wrong():
    (service,) = (
        manifest
        for manifest in yaml.safe_load_all((ROOT / "docs/kubeflow/mlflow.yaml").read_text())
        if manifest["kind"] == "Service"
    )
    service["spec"]["prots"] = service["spec"].pop("ports")
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(service, KUBERNETES, strict=True)


def test_server_of_the_documentation_has_the_version_that_the_stages_speak_to():
    told = re.search(r"mlflow==(\S+)", (ROOT / "docs/kubeflow/mlflow.yaml").read_text())
    pinned = re.search(r"^mlflow==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert told
    assert pinned
    assert told[1] == pinned[1]


def compiled(folder: Path, **kubeflow) -> tuple[dict, dict[str, dict]]:
    """The pipeline with changes of its section, and what the platform adds to the executors."""
    sections = FILE | {KUBEFLOW: FILE[KUBEFLOW] | kubeflow}
    graph.write(sections, folder / "compiled.yaml")
    spec, platform = yaml.safe_load_all((folder / "compiled.yaml").read_text())
    json_format.ParseDict(spec, pipeline_spec_pb2.PipelineSpec())
    added = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    for settings in added.values():
        json_format.ParseDict(settings, kubernetes_executor_config_pb2.KubernetesExecutorConfig())
    return spec, added


def test_stage_gets_the_resources_and_the_time_that_the_parameters_say(tmp_path):
    spec, added = compiled(tmp_path)
    section = typed.sections(FILE, {KUBEFLOW: KubeflowParams})[KUBEFLOW]
    for label, executor in spec["deploymentSpec"]["executors"].items():
        stage = re.sub(r"_\d+$", "", label.removeprefix("exec-").replace("-", "_"))
        wanted = section.resources(stage)
        asked = executor["container"]["resources"]
        assert asked["resourceCpuLimit"] == asked["resourceCpuRequest"] == f"{wanted.cpu:g}"
        assert asked["resourceMemoryLimit"] == asked["resourceMemoryRequest"] == wanted.memory
        assert "accelerator" not in asked
        assert float(added[label]["activeDeadlineSeconds"]) == wanted.hours * 3600
    assert section.resources("pretrain_teacher").hours > section.resources("regrid").hours


def test_training_on_a_gpu_is_one_line_of_an_overlay(tmp_path):
    spec, _ = compiled(tmp_path, stages={"pretrain_teacher": {"accelerators": 1}})
    executors = spec["deploymentSpec"]["executors"]
    found = {
        label: executor["container"]["resources"]["accelerator"]
        for label, executor in executors.items()
        if "accelerator" in executor["container"]["resources"]
    }
    expected = {"resourceCount": "1", "resourceType": "nvidia.com/gpu"}
    assert {
        label: {key: told[key] for key in expected} for label, told in found.items()
    } == {"exec-pretrain-teacher": expected}  # fmt: skip


@pytest.mark.parametrize("caching", [True, False])
def test_caching_and_retries_are_said_of_every_task(caching, tmp_path):
    spec, _ = compiled(tmp_path, caching=caching)
    for task in spec["root"]["dag"]["tasks"].values():
        assert task["cachingOptions"].get("enableCache", False) is caching
        assert task["retryPolicy"] == {
            "maxRetryCount": 2,
            "backoffDuration": "30s",
            "backoffFactor": 2.0,
            "backoffMaxDuration": "600s",
        }


def test_archive_is_mounted_where_it_is_read_and_nowhere_else(tmp_path):
    _, added = compiled(tmp_path, data={"claim": "nephele-archive", "path": "/archive"})
    mounted = {label: settings["pvcMount"] for label, settings in added.items()
               if "pvcMount" in settings}  # fmt: skip
    assert mounted.keys() == {"exec-acquire"}
    (mount,) = mounted["exec-acquire"]
    assert (mount["constant"], mount["mountPath"]) == ("nephele-archive", "/archive")
    assert not any("pvcMount" in settings for settings in compiled(tmp_path)[1].values())


def test_archive_on_a_volume_is_read_anew_in_every_run(tmp_path):
    spec, _ = compiled(tmp_path, data={"claim": "nephele-archive", "path": "/archive"})
    cached = {
        name: task["cachingOptions"].get("enableCache", False)
        for name, task in spec["root"]["dag"]["tasks"].items()
    }
    assert [name for name, is_cached in cached.items() if not is_cached] == ["acquire"]


def test_journals_of_all_stages_are_kept_on_a_volume_where_there_is_one(tmp_path):
    spec, added = compiled(tmp_path, journals={"claim": "nephele-journals", "path": "/journals"})
    for label, executor in spec["deploymentSpec"]["executors"].items():
        (mount,) = added[label]["pvcMount"]
        assert (mount["constant"], mount["mountPath"]) == ("nephele-journals", "/journals")
        assert {"name": "NEPHELE_SPOOL", "value": "/journals"} in executor["container"]["env"]
    assert "NEPHELE_SPOOL" not in json.dumps(compiled(tmp_path)[0])


def test_trainings_alone_may_ask_for_nodes_and_share_a_volume_with_them(tmp_path):
    shared = {"nodes": 2, "claim": "nephele-shared", "path": "/shared", "runtime": "mine"}
    spec, added = compiled(tmp_path, trainer=shared)
    for label, executor in spec["deploymentSpec"]["executors"].items():
        variables = {entry["name"]: entry["value"] for entry in executor["container"]["env"]}
        fields = {field["name"]: field["fieldPath"] for field in added[label]["fieldPathAsEnv"]}
        if not label.startswith(("exec-pretrain-teacher", "exec-distill-student")):
            assert "pvcMount" not in added[label]
            assert nodes.SHARED not in variables
            continue
        (mount,) = added[label]["pvcMount"]
        assert (mount["constant"], mount["mountPath"]) == ("nephele-shared", "/shared")
        assert (variables[nodes.SHARED], variables[nodes.RUNTIME]) == ("/shared", "mine")
        assert fields[nodes.POD] == "metadata.name"
        assert fields[nodes.NAMESPACE] == "metadata.namespace"
    asked = {
        name: task["inputs"]["parameters"]["nodes"]["runtimeValue"]["constant"]
        for name, task in spec["root"]["dag"]["tasks"].items()
        if "nodes" in task["inputs"]["parameters"]
    }
    assert asked == {"pretrain-teacher": 2, "distill-student": 2, "distill-student-2": 2}


def test_nodes_without_a_volume_are_refused(tmp_path):
    alone = {"nodes": 2, "claim": None, "path": "/shared", "runtime": "torch-distributed"}
    with pytest.raises(ValueError, match=r"trainer\.nodes = 2, expected trainer\.claim too"):
        compiled(tmp_path, trainer=alone)


def test_tracking_server_is_a_plain_variable_and_secrets_may_be_missing(tmp_path):
    spec, added = compiled(tmp_path, tracking_uri="http://mlflow.kubeflow:5000")
    for label, executor in spec["deploymentSpec"]["executors"].items():
        variables = {entry["name"]: entry["value"] for entry in executor["container"]["env"]}
        assert variables["MLFLOW_TRACKING_URI"] == "http://mlflow.kubeflow:5000"
        (secret,) = added[label]["secretAsEnv"]
        assert secret["secretName"] == "nephele-s3"
        assert secret["optional"]


def test_compiling_twice_gives_the_same_bytes(tmp_path):
    graph.write(FILE, tmp_path / "one.yaml")
    graph.write(FILE, tmp_path / "two.yaml")
    assert (tmp_path / "one.yaml").read_bytes() == (tmp_path / "two.yaml").read_bytes()


@pytest.mark.parametrize(
    ("options", "kinds"), [([], [None, None]), (["--kubernetes"], ["Pipeline", "PipelineVersion"])]
)
def test_command_compiles_the_parameters_with_their_overlays(options, kinds, tmp_path, monkeypatch):
    overlay, output = tmp_path / "overlay.yaml", tmp_path / "folder" / "nephele.yaml"
    overlay.write_text(yaml.safe_dump({"verify": {"members": 3}}))
    words = ["compile", str(overlay), "--params", str(ROOT / "params.yaml"), "--output"]
    monkeypatch.setattr(sys, "argv", ["pipeline", *words, str(output), *options])
    main()
    documents = [*yaml.safe_load_all(output.read_text())]
    assert [document.get("kind") for document in documents] == kinds
    assert '\\"members\\": 3' in json.dumps(documents)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"stages": {"regird": {"cpu": 1}}}, "kubeflow.stages.regird is no stage, expected one of"),
        ({"stages": {"regrid": {"memory": "4 GB"}}}, "kubeflow.stages.regrid.memory = '4 GB'"),
        ({"stages": {"regrid": {"memroy": "4Gi"}}}, "kubeflow.stages.regrid.memroy = '4Gi'"),
        ({"secrets": {"s": {"run": "MLFLOW_RUN_ID"}}}, "secrets.s sets MLFLOW_RUN_ID, which"),
        ({"registry": None}, "kubeflow.registry = None"),
    ],
)
def test_what_a_cluster_cannot_give_is_named(change, told):
    sections = FILE | {KUBEFLOW: FILE[KUBEFLOW] | change}
    with pytest.raises(ValueError, match=re.escape(told)):
        parameter_file.check(sections, "file")
