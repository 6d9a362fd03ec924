"""The `regrid` stage as Kubeflow sees it."""

from kfp import dsl


@dsl.container_component
def regrid(
    data: dsl.Input[dsl.Dataset],
    params: str,
    windows: dsl.Output[dsl.Dataset],
    contact_sheets: dsl.Output[dsl.Artifact],
    metrics: dsl.Output[dsl.Metrics],
):
    return dsl.ContainerSpec(
        image="nephele/regrid",
        command=["python", "-m", "components.regrid.stage"],
        args=[
            "--data", data.path,
            "--params", params,
            "--windows", windows.path,
            "--contact_sheets", contact_sheets.path,
            "--metrics", metrics.path,
            "--executor_input", dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER,
        ],
    )  # fmt: skip
