"""The `distill_student` stage as Kubeflow sees it."""

from kfp import dsl


@dsl.container_component
def distill_student(
    windows: dsl.Input[dsl.Dataset],
    teacher: dsl.Input[dsl.Model],
    role: str,
    params: str,
    nodes: int,
    student: dsl.Output[dsl.Model],
    metrics: dsl.Output[dsl.Metrics],
):
    return dsl.ContainerSpec(
        image="nephele/distill_student",
        command=["python", "-m", "components.distill_student.stage"],
        args=[
            "--windows", windows.path,
            "--teacher", teacher.path,
            "--role", role,
            "--params", params,
            "--student", student.path,
            "--metrics", metrics.path,
            "--nodes", nodes,
            "--executor_input", dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER,
        ],
    )  # fmt: skip
