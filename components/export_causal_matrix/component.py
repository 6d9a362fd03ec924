"""The `export_causal_matrix` stage as Kubeflow sees it."""

from kfp import dsl


@dsl.container_component
def export_causal_matrix(
    windows: dsl.Input[dsl.Dataset],
    teacher: dsl.Input[dsl.Model],
    params: str,
    matrix: dsl.Output[dsl.Dataset],
    entries: dsl.Output[dsl.Dataset],
    details: dsl.Output[dsl.Artifact],
    heat_map: dsl.Output[dsl.Artifact],
    dose_response: dsl.Output[dsl.Artifact],
    page: dsl.Output[dsl.HTML],
    metrics: dsl.Output[dsl.Metrics],
):
    return dsl.ContainerSpec(
        image="nephele/export_causal_matrix",
        command=["python", "-m", "components.export_causal_matrix.stage"],
        args=[
            "--windows", windows.path,
            "--teacher", teacher.path,
            "--params", params,
            "--matrix", matrix.path,
            "--entries", entries.path,
            "--details", details.path,
            "--heat_map", heat_map.path,
            "--dose_response", dose_response.path,
            "--page", page.path,
            "--metrics", metrics.path,
            "--executor_input", dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER,
        ],
    )  # fmt: skip
