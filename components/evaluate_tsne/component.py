"""The `evaluate_tsne` stage as Kubeflow sees it."""

from kfp import dsl


@dsl.container_component
def evaluate_tsne(
    windows: dsl.Input[dsl.Dataset],
    teacher: dsl.Input[dsl.Model],
    student: dsl.Input[dsl.Model],
    control: dsl.Input[dsl.Model],
    params: str,
    pictures: dsl.Output[dsl.Artifact],
    similarity: dsl.Output[dsl.Dataset],
    probe: dsl.Output[dsl.Dataset],
    metrics: dsl.Output[dsl.Metrics],
):
    return dsl.ContainerSpec(
        image="nephele/evaluate_tsne",
        command=["python", "-m", "components.evaluate_tsne.stage"],
        args=[
            "--windows", windows.path,
            "--teacher", teacher.path,
            "--student", student.path,
            "--control", control.path,
            "--params", params,
            "--pictures", pictures.path,
            "--similarity", similarity.path,
            "--probe", probe.path,
            "--metrics", metrics.path,
            "--executor_input", dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER,
        ],
    )  # fmt: skip
