"""The `report` stage as Kubeflow sees it."""

from kfp import dsl


@dsl.container_component
def report(
    windows: dsl.Input[dsl.Dataset],
    regridding: dsl.Input[dsl.Metrics],
    contact_sheets: dsl.Input[dsl.Artifact],
    teacher_metrics: dsl.Input[dsl.Metrics],
    student_metrics: dsl.Input[dsl.Metrics],
    control_metrics: dsl.Input[dsl.Metrics],
    causal_matrix: dsl.Input[dsl.Dataset],
    causal_details: dsl.Input[dsl.Artifact],
    heat_map: dsl.Input[dsl.Artifact],
    tsne_pictures: dsl.Input[dsl.Artifact],
    similarity: dsl.Input[dsl.Dataset],
    tsne_metrics: dsl.Input[dsl.Metrics],
    scores: dsl.Input[dsl.Dataset],
    verification_pictures: dsl.Input[dsl.Artifact],
    forecasts: dsl.Input[dsl.Dataset],
    verification: dsl.Input[dsl.Metrics],
    params: str,
    parameters: str,
    report: dsl.Output[dsl.HTML],
    animations: dsl.Output[dsl.Artifact],
    metrics: dsl.Output[dsl.Metrics],
):
    return dsl.ContainerSpec(
        image="nephele/report",
        command=["python", "-m", "components.report.stage"],
        args=[
            "--windows", windows.path,
            "--regridding", regridding.path,
            "--contact_sheets", contact_sheets.path,
            "--teacher_metrics", teacher_metrics.path,
            "--student_metrics", student_metrics.path,
            "--control_metrics", control_metrics.path,
            "--causal_matrix", causal_matrix.path,
            "--causal_details", causal_details.path,
            "--heat_map", heat_map.path,
            "--tsne_pictures", tsne_pictures.path,
            "--similarity", similarity.path,
            "--tsne_metrics", tsne_metrics.path,
            "--scores", scores.path,
            "--verification_pictures", verification_pictures.path,
            "--forecasts", forecasts.path,
            "--verification", verification.path,
            "--params", params,
            "--parameters", parameters,
            "--report", report.path,
            "--animations", animations.path,
            "--metrics", metrics.path,
        ],
    )  # fmt: skip
