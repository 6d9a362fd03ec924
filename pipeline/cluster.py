"""What each task asks of the cluster: image, resources, patience, retries, secrets, data.

All of it is from the section `kubeflow` of the parameters. Variables of the environment and
labels are no part of Kubeflow's cache keys, so they may say which run and which commit this is.
"""

from kfp import dsl, kubernetes

from components import nodes
from components.execution import REVISION
from components.journal import FOLDER_VARIABLE
from nephele.cluster import KubeflowParams
from pipeline import images

TASK = "KFP_TASK"
TRAININGS = ("pretrain_teacher", "distill_student")  # which may run on several nodes
# Kubeflow labels the pods of a run so.
LABELS = {"KFP_RUN_ID": "pipeline/runid", "KFP_RUN_NAME": "workflows.argoproj.io/workflow"}


def equip(task: dsl.PipelineTask, name: str, params: KubeflowParams, revision: str) -> None:
    """Ask for what `params` give the task.

    Args:
        task: one container.
        name: that of the stage in DVC, such as `distill_student@control`.
        params: the section of the parameters.
        revision: of the sources, as one word; empty if not known.
    """
    stage = name.split("@")[0]
    task.set_container_image(images.reference(stage, params.registry))
    # Kubeflow's key does not hold what a volume holds.
    from_volume = stage == "acquire" and params.data.claim is not None
    task.set_caching_options(params.caching and not from_volume)
    _reserve(task, stage, params)
    task.set_env_variable(TASK, name)
    if revision:
        task.set_env_variable(REVISION, revision)
    # A plain variable: what Kubeflow's own integration sets comes after it, and wins. (Values
    # from a ConfigMap would come last.)
    if params.tracking_uri is not None:
        task.set_env_variable("MLFLOW_TRACKING_URI", params.tracking_uri)
    for variable, label in LABELS.items():
        kubernetes.use_field_path_as_env(task, variable, f"metadata.labels['{label}']")
    for secret, keys in params.secrets.items():
        kubernetes.use_secret_as_env(task, secret, keys, optional=True)
    if from_volume:
        kubernetes.mount_pvc(task, params.data.claim, params.data.path)
    if stage in TRAININGS and params.trainer.claim is not None:
        kubernetes.mount_pvc(task, params.trainer.claim, params.trainer.path)
        task.set_env_variable(nodes.SHARED, params.trainer.path)
        task.set_env_variable(nodes.RUNTIME, params.trainer.runtime)
        kubernetes.use_field_path_as_env(task, nodes.POD, "metadata.name")
        kubernetes.use_field_path_as_env(task, nodes.NAMESPACE, "metadata.namespace")
    if params.journals.claim is not None:
        kubernetes.mount_pvc(task, params.journals.claim, params.journals.path)
        task.set_env_variable(FOLDER_VARIABLE, params.journals.path)


def _reserve(task: dsl.PipelineTask, stage: str, params: KubeflowParams) -> None:
    wanted, retries = params.resources(stage), params.retries
    cpu = f"{wanted.cpu:g}"
    task.set_cpu_request(cpu).set_cpu_limit(cpu)
    task.set_memory_request(wanted.memory).set_memory_limit(wanted.memory)
    if wanted.accelerators:
        task.set_accelerator_type(wanted.accelerator).set_accelerator_limit(wanted.accelerators)
    kubernetes.set_timeout(task, round(wanted.hours * 3600))
    if retries.times:
        task.set_retry(
            retries.times,
            backoff_duration=f"{retries.wait}s",
            backoff_factor=retries.factor,
            backoff_max_duration=f"{retries.longest}s",
        )
