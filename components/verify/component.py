"""The `verify` stage as Kubeflow sees it."""

from kfp import dsl


@dsl.container_component
def verify(
    windows: dsl.Input[dsl.Dataset],
    teacher: dsl.Input[dsl.Model],
    student: dsl.Input[dsl.Model],
    control: dsl.Input[dsl.Model],
    params: str,
    scores: dsl.Output[dsl.Dataset],
    pictures: dsl.Output[dsl.Artifact],
    forecasts: dsl.Output[dsl.Dataset],
    by_window: dsl.Output[dsl.Dataset],
    differences: dsl.Output[dsl.Dataset],
    summary: dsl.Output[dsl.Markdown],
    metrics: dsl.Output[dsl.Metrics],
):
    return dsl.ContainerSpec(
        image="nephele/verify",
        command=["python", "-m", "components.verify.stage"],
        args=[
            "--windows", windows.path,
            "--teacher", teacher.path,
            "--student", student.path,
            "--control", control.path,
            "--params", params,
            "--scores", scores.path,
            "--pictures", pictures.path,
            "--forecasts", forecasts.path,
            "--by_window", by_window.path,
            "--differences", differences.path,
            "--summary", summary.path,
            "--metrics", metrics.path,
            "--executor_input", dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER,
        ],
    )  # fmt: skip
