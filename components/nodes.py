"""A training on several nodes: Kubeflow's trainer runs the stage there, under torchrun.

The stage's own container asks for them by a TrainJob. They get what it has: image, variables,
resources and claims. What it read and what they write goes through a folder on a claim that all of
them see. Checkpoints stay there, so that a second try goes on where the first stopped.
"""

import logging
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from components import stopping
from components.outputs import whole

log = logging.getLogger(__name__)

# What the pipeline tells a container that may ask for nodes.
SHARED, RUNTIME, POD, NAMESPACE = (
    "NEPHELE_SHARED",
    "NEPHELE_RUNTIME",
    "NEPHELE_POD",
    "NEPHELE_NAMESPACE",
)
GROUP, VERSION, PLURAL = "trainer.kubeflow.org", "v1alpha1", "trainjobs"
CONTAINER, NODE = "main", "node"  # of Kubeflow's pods, and of the trainer's runtimes
PLACED = ("imagePullSecrets", "nodeSelector", "tolerations", "affinity")
EVERY = 5.0  # s between two questions whether it has ended


def train(
    module: str,
    given: Mapping[str, str],
    inputs: Mapping[str, Path],
    outputs: Mapping[str, Path],
    count: int,
) -> None:
    """Run the stage `module` on `count` nodes, and bring its outputs here.

    Told to stop (SIGTERM), it takes the nodes back and leaves by SystemExit.

    Args:
        given: flag → value of the stage's command line.
        inputs, outputs: those flags that are paths.

    Raises:
        ValueError: the pipeline was compiled without a claim for this, or the nodes have failed.
        OSError: the cluster refuses, or does not answer.
    """
    from kubernetes import client, config  # a second to import, and no other training needs it
    from urllib3.exceptions import HTTPError

    told = [os.environ.get(name, "") for name in (SHARED, RUNTIME, POD, NAMESPACE)]
    if not all(told):
        raise ValueError(
            f"--nodes {count}, expected 1 here: several are for a pipeline that was compiled with "
            "kubeflow.trainer.claim (docs/kubeflow.md)"
        )
    shared, runtime, pod_name, namespace = told
    config.load_config()
    api = client.ApiClient()
    jobs = client.CustomObjectsApi(api)
    try:
        pod = client.CoreV1Api(api).read_namespaced_pod(pod_name, namespace)
        described = api.sanitize_for_serialization(pod)
        name = f"nephele-{described['metadata']['uid'][:13]}"
        folder = Path(shared) / name
        try:
            flags = _through(folder, given, inputs, outputs)
            flags |= {"resume": str(Path(shared) / "checkpoints")}
            job = train_job(name, described, module, flags, count, runtime)
            where = GROUP, VERSION, namespace, PLURAL
            jobs.create_namespaced_custom_object(*where, job)
            log.info("TrainJob %s: %s on %d nodes, %s", name, module, count, _how_to_see(name))
            _wait(jobs, where, name)
            for output, path in outputs.items():
                with whole(path) as partial:
                    _copy(folder / "outputs" / output, partial)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except client.ApiException as error:
        raise OSError(
            f"Kubernetes says {error.status} {error.reason} to the service account of this pod; "
            "expected that it may get pods, and create, get and delete trainjobs: apply "
            "docs/kubeflow/trainer.yaml, and install Kubeflow's trainer"
        ) from error
    except HTTPError as error:
        raise OSError(f"Kubernetes does not answer: {error}; try again later") from error


def train_job(
    name: str,
    pod: Mapping[str, Any],
    module: str,
    flags: Mapping[str, str],
    count: int,
    runtime: str,
) -> dict[str, Any]:
    """A TrainJob (trainer.kubeflow.org/v1alpha1) whose nodes are like the container of `pod`.

    It goes when the pod goes. Secrets stay references; what else the container's variables say is
    said as it is here, since the nodes' pods have other names and labels.
    """
    spec = pod["spec"]
    main = next(each for each in spec["containers"] if each["name"] == CONTAINER)
    claims = [each for each in spec.get("volumes", []) if "persistentVolumeClaim" in each]
    names = {each["name"] for each in claims}
    resources = main.get("resources", {})
    accelerators = sum(int(n) for what, n in resources.get("limits", {}).items() if "/" in what)
    patch = {
        "volumes": claims,
        "containers": [
            {
                "name": NODE,
                "volumeMounts": [m for m in main.get("volumeMounts", []) if m["name"] in names],
            }
        ],
        **{key: spec[key] for key in PLACED if key in spec},
    }
    words = [word for flag, text in flags.items() for word in (f"--{flag}", _literal(text))]
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "TrainJob",
        "metadata": {
            "name": name,
            "ownerReferences": [
                {
                    "apiVersion": "v1",
                    "kind": "Pod",
                    "name": pod["metadata"]["name"],
                    "uid": pod["metadata"]["uid"],
                }
            ],
        },
        "spec": {
            "runtimeRef": {"name": runtime},
            "trainer": {
                "image": main["image"],
                # The trainer says by variables how many there are and where they meet.
                "command": ["python", "-m", "torch.distributed.run"],
                "args": ["-m", module, *words],
                "env": [_variable(each) for each in main.get("env", [])],
                "numNodes": count,
                "numProcPerNode": max(1, accelerators),
                "resourcesPerNode": resources,
            },
            "runtimePatches": [
                {
                    "manager": "nephele.stage/nodes",
                    "trainingRuntimeSpec": {
                        "template": {
                            "spec": {
                                "replicatedJobs": [
                                    {
                                        "name": NODE,
                                        "template": {"spec": {"template": {"spec": patch}}},
                                    }
                                ]
                            }
                        }
                    },
                }
            ],
        },
    }


def _through(
    folder: Path, given: Mapping[str, str], inputs: Mapping[str, Path], outputs: Mapping[str, Path]
) -> dict[str, str]:
    """The flags as the nodes get them; inputs are copied into the folder."""
    flags = dict(given)
    for name, path in inputs.items():
        copy = folder / "inputs" / name / path.name
        _copy(path, copy)
        flags[name] = str(copy)
    return flags | {name: str(folder / "outputs" / name) for name in outputs}


def _wait(jobs: Any, where: Sequence[str], name: str) -> None:
    """Until the job has ended; one that is not waited for any longer is taken back.

    One that has failed stays, with what its nodes wrote, until the stage's own pod goes.

    Raises:
        ValueError: it has failed.
    """
    from kubernetes.client import ApiException
    from urllib3.exceptions import HTTPError

    ended: dict[str, Any] = {}
    with stopping.heeded() as told_to_stop:
        try:
            while not ended:
                time.sleep(EVERY)
                if told_to_stop():
                    log.warning("told to stop; the nodes of %s save a checkpoint and go", name)
                    raise SystemExit(stopping.STATUS)
                try:
                    status = jobs.get_namespaced_custom_object(*where, name).get("status", {})
                except (ApiException, HTTPError) as error:
                    if getattr(error, "status", 500) < 500:
                        raise
                    log.warning("no answer from Kubernetes (%s); asking again", error)
                    continue
                ended = {
                    each["type"]: each
                    for each in status.get("conditions", [])
                    if each["status"] == "True" and each["type"] in ("Complete", "Failed")
                }
        finally:
            if not ended:
                try:
                    jobs.delete_namespaced_custom_object(*where, name)
                except (ApiException, HTTPError) as error:
                    log.warning("TrainJob %s was not taken back: %s", name, error)
    if failed := ended.get("Failed"):
        reason = failed.get("message") or failed.get("reason", "no reason given")
        raise ValueError(f"TrainJob {name} has failed: {reason}; {_how_to_see(name)} says why")


def _variable(entry: Mapping[str, Any]) -> dict[str, Any]:
    """A variable of the container, for a container of another pod."""
    source = entry.get("valueFrom", {})
    if "secretKeyRef" in source or "configMapKeyRef" in source:
        return dict(entry)
    name = entry["name"]
    return {"name": name, "value": _literal(os.environ.get(name, entry.get("value", "")))}


def _literal(text: str) -> str:
    """Text that Kubernetes leaves as it is: it puts variables in the place of `$(…)`."""
    return text.replace("$(", "$$(")


def _how_to_see(name: str) -> str:
    return f"kubectl logs -l jobset.sigs.k8s.io/jobset-name={name} --all-containers"


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copyfile(source, target)
