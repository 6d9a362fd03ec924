"""The `pretrain_teacher` stage as Kubeflow sees it."""

from kfp import dsl


@dsl.container_component
def pretrain_teacher(
    windows: dsl.Input[dsl.Dataset],
    params: str,
    nodes: int,
    teacher: dsl.Output[dsl.Model],
    metrics: dsl.Output[dsl.Metrics],
):
    return dsl.ContainerSpec(
        image="nephele/pretrain_teacher",
        command=["python", "-m", "components.pretrain_teacher.stage"],
        args=[
            "--windows", windows.path,
            "--params", params,
            "--teacher", teacher.path,
            "--metrics", metrics.path,
            "--nodes", nodes,
            "--executor_input", dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER,
        ],
    )  # fmt: skip
