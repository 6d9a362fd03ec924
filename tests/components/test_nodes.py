"""A training stage on several nodes, as its container on a cluster asks for them."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import kubernetes_cluster
import pytest
import yaml
from safetensors.torch import load_file

from components import nodes

SECRET = {"secretKeyRef": {"name": "nephele-s3", "key": "access_key"}}
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": kubernetes_cluster.POD, "uid": "0f6a3c1e-87c4-4d0f-9d4e-000000000001"},
    "spec": {
        "tolerations": [{"key": "gpu", "operator": "Exists"}],
        "volumes": [
            {"name": "kfp-launcher", "emptyDir": {}},
            {"name": "nephele-shared", "persistentVolumeClaim": {"claimName": "nephele-shared"}},
        ],
        "containers": [
            {"name": "wait", "image": "argoexec"},
            {
                "name": "main",
                "image": "ghcr.io/someone/nephele/pretrain_teacher:1",
                "env": [
                    {"name": "AWS_ACCESS_KEY_ID", "valueFrom": SECRET},
                    {"name": "KFP_TASK", "value": "pretrain_teacher"},
                    {
                        "name": "KFP_RUN_ID",
                        "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['run']"}},
                    },
                ],
                "resources": {"limits": {"cpu": "2", "memory": "8Gi"}},
                "volumeMounts": [
                    {"name": "kfp-launcher", "mountPath": "/kfp-launcher"},
                    {"name": "nephele-shared", "mountPath": "/shared"},
                ],
            },
        ],
    },
}


@pytest.fixture
def cluster(tmp_path):
    with kubernetes_cluster.running(POD, tmp_path / "kubeconfig") as cluster:
        yield cluster


def start(tmp_path, origin, count=2, **variables) -> subprocess.Popen:
    """The stage's container, on what the tiny repository has."""
    shared = tmp_path / "shared"
    shared.mkdir(exist_ok=True)
    given = {
        "KUBECONFIG": str(tmp_path / "kubeconfig"),
        nodes.SHARED: str(shared),
        nodes.RUNTIME: "torch-distributed",
        nodes.POD: kubernetes_cluster.POD,
        nodes.NAMESPACE: kubernetes_cluster.NAMESPACE,
        "KFP_RUN_ID": "run-1",
        "OMP_NUM_THREADS": "1",
        "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/mlflow.db",
        "NEPHELE_SPOOL": str(tmp_path / "spool"),
        "PYTHONPATH": os.pathsep.join(sys.path),
        **variables,
    }
    paths = {
        "windows": origin / "outputs/regrid/windows.zarr",
        "params": origin / "params.yaml",
        "teacher": tmp_path / "made/teacher",
        "metrics": tmp_path / "made/metrics.json",
    }
    words = [word for flag, path in paths.items() for word in (f"--{flag}", str(path))]
    return subprocess.Popen(
        [sys.executable, "-m", "components.pretrain_teacher.stage", *words, "--nodes", str(count)],
        env=os.environ | given,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_nodes_make_the_teacher_that_one_process_makes(tmp_path, origin, cluster):
    """Kubernetes is away for a moment while they train."""
    cluster.fails = 1
    stage = start(tmp_path, origin)
    _, messages = stage.communicate()
    assert stage.returncode == 0, messages
    assert "no answer from Kubernetes" in messages

    made = load_file(tmp_path / "made/teacher/weights.safetensors")
    alone = load_file(origin / "outputs/pretrain_teacher/teacher/weights.safetensors")
    assert made.keys() == alone.keys()
    for name, weights in made.items():
        assert (weights - alone[name]).abs().max() < 5e-4, name
    figures, expected = (
        json.loads((folder / "metrics.json").read_text())
        for folder in (tmp_path / "made", origin / "outputs/pretrain_teacher")
    )
    assert figures["steps"] == expected["steps"]
    assert figures["loss"] == pytest.approx(expected["loss"], rel=1e-3)
    left = [path for path in (tmp_path / "shared").rglob("*") if path.is_file()]
    assert left == []
    assert not cluster.deleted


def test_nodes_get_what_the_container_has(tmp_path, origin, cluster):
    cluster.idle = True
    stage = start(tmp_path, origin, count=3)
    deadline = time.monotonic() + 60
    while not cluster.jobs and time.monotonic() < deadline:
        time.sleep(0.1)
    stage.send_signal(signal.SIGTERM)
    _, messages = stage.communicate(timeout=30)
    assert stage.returncode == 128 + signal.SIGTERM, messages
    ((name, job),) = cluster.jobs.items()
    assert cluster.deleted == [name]
    assert not (tmp_path / "made/teacher").exists()

    (owner,) = job["metadata"]["ownerReferences"]
    assert owner["uid"] == POD["metadata"]["uid"]
    trainer = job["spec"]["trainer"]
    main = POD["spec"]["containers"][1]
    assert trainer["image"] == main["image"]
    assert (trainer["numNodes"], trainer["numProcPerNode"]) == (3, 1)
    assert trainer["resourcesPerNode"] == main["resources"]
    assert trainer["env"] == [
        {"name": "AWS_ACCESS_KEY_ID", "valueFrom": SECRET},
        {"name": "KFP_TASK", "value": "pretrain_teacher"},
        {"name": "KFP_RUN_ID", "value": "run-1"},
    ]
    (patch,) = job["spec"]["runtimePatches"]
    (replicated,) = patch["trainingRuntimeSpec"]["template"]["spec"]["replicatedJobs"]
    pod = replicated["template"]["spec"]["template"]["spec"]
    assert pod["volumes"] == POD["spec"]["volumes"][1:]
    assert pod["containers"][0]["volumeMounts"] == main["volumeMounts"][1:]
    assert pod["tolerations"] == POD["spec"]["tolerations"]


def test_accelerators_are_a_process_each():
    main = POD["spec"]["containers"][1]
    limits = main["resources"]["limits"] | {"nvidia.com/gpu": "4"}
    with_gpus = {**POD["spec"], "containers": [main | {"resources": {"limits": limits}}]}
    job = nodes.train_job(
        "n",
        POD | {"spec": with_gpus},
        "components.x.stage",
        {"params": '{"a": "$(b)"}'},
        2,
        "torch",
    )
    assert job["spec"]["trainer"]["numProcPerNode"] == 4
    assert job["spec"]["trainer"]["args"][-2:] == ["--params", '{"a": "$$(b)"}']


def test_a_training_that_fails_there_fails_here(tmp_path, origin, cluster):
    copy = tmp_path / "origin"
    shutil.copytree(origin / "outputs/regrid", copy / "outputs/regrid")
    sections = yaml.safe_load((origin / "params.yaml").read_text())
    sections["pretrain_teacher"]["batch_size"] = 3  # of which two nodes cannot have as much each
    (copy / "params.yaml").write_text(yaml.safe_dump(sections))
    stage = start(tmp_path, copy)
    _, messages = stage.communicate()
    assert stage.returncode == 1
    (name,) = cluster.jobs
    assert f"pretrain_teacher: TrainJob {name} has failed: nodes ended with [1, 1]" in messages
    assert f"kubectl logs -l jobset.sigs.k8s.io/jobset-name={name}" in messages
    assert not cluster.deleted  # its pods' logs would go with it
    assert not (tmp_path / "made/teacher").exists()


def test_a_cluster_that_refuses_is_told_of(tmp_path, origin, cluster):
    cluster.refuses = True
    stage = start(tmp_path, origin)
    _, messages = stage.communicate()
    assert stage.returncode == 1
    assert "Kubernetes says 403 Forbidden" in messages
    assert "apply docs/kubeflow/trainer.yaml" in messages
    assert "Traceback" not in messages


def test_a_cluster_that_does_not_answer_is_told_of(tmp_path, origin):
    with kubernetes_cluster.running(POD, tmp_path / "kubeconfig"):
        pass
    stage = start(tmp_path, origin)
    _, messages = stage.communicate()
    assert stage.returncode == 1
    assert "pretrain_teacher: Kubernetes does not answer" in messages
    assert "Traceback" not in messages


def test_a_pipeline_without_a_claim_has_no_nodes(tmp_path, origin):
    stage = start(tmp_path, origin, **{nodes.SHARED: ""})
    _, messages = stage.communicate()
    assert stage.returncode == 1
    assert "--nodes 2, expected 1 here" in messages
