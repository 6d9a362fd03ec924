"""The `acquire` stage as Kubeflow sees it."""

from kfp import dsl


@dsl.container_component
def acquire(
    params: str,
    raw: dsl.Output[dsl.Dataset],
):
    return dsl.ContainerSpec(
        image="nephele/acquire",
        command=["python", "-m", "components.acquire.stage"],
        args=[
            "--params", params,
            "--raw", raw.path,
            "--executor_input", dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER,
        ],
    )  # fmt: skip
