"""The pipeline for Kubeflow: the stages of dvc.yaml, wired by what they hand on.

Each section of params.yaml is an input of the pipeline, as JSON, its values the default.
(Not as a structure: Kubeflow's has no null, and no whole numbers.)
"""

import json
from collections.abc import Callable
from pathlib import Path

import yaml
from kfp import compiler, dsl

from components.acquire.component import acquire
from components.distill_student.component import distill_student
from components.evaluate_tsne.component import evaluate_tsne
from components.export_causal_matrix.component import export_causal_matrix
from components.pretrain_teacher.component import pretrain_teacher
from components.regrid.component import regrid
from components.report.component import report
from components.verify.component import verify


def write(params: Path, output: Path) -> None:
    """Compile the pipeline, with the parameters of the file `params`, to a YAML file."""
    if not params.is_file():
        raise ValueError(f"no parameter file {params}; expected a params.yaml")
    compiler.Compiler().compile(nephele(yaml.safe_load(params.read_text())), str(output))


def nephele(params: dict[str, dict]) -> Callable:
    """The pipeline with `params`, section → values, as defaults of its inputs."""
    sections = {name: json.dumps(values) for name, values in params.items()}

    @dsl.pipeline(name="nephele", description="Typhoon clouds, taught by ERA5, forecast without it")
    def pipeline(
        acquire_params: str = sections["acquire"],
        regrid_params: str = sections["regrid"],
        pretrain_teacher_params: str = sections["pretrain_teacher"],
        distill_student_params: str = sections["distill_student"],
        export_causal_matrix_params: str = sections["export_causal_matrix"],
        evaluate_tsne_params: str = sections["evaluate_tsne"],
        verify_params: str = sections["verify"],
        report_params: str = sections["report"],
    ):
        acquired = acquire(params=acquire_params)
        regridded = regrid(data=acquired.outputs["raw"], params=regrid_params)
        windows = regridded.outputs["windows"]

        pretrained = pretrain_teacher(windows=windows, params=pretrain_teacher_params)
        teacher = pretrained.outputs["teacher"]

        students = {"windows": windows, "teacher": teacher, "params": distill_student_params}
        distilled = distill_student(role="distilled", **students)
        distilled.set_display_name("distilled")
        control = distill_student(role="control", **students)
        control.set_display_name("control")

        networks = {
            "windows": windows,
            "teacher": teacher,
            "student": distilled.outputs["student"],
            "control": control.outputs["student"],
        }
        matrix = export_causal_matrix(
            windows=windows, teacher=teacher, params=export_causal_matrix_params
        )
        alignment = evaluate_tsne(params=evaluate_tsne_params, **networks)
        verification = verify(params=verify_params, **networks)

        report(
            windows=windows,
            regridding=regridded.outputs["metrics"],
            contact_sheets=regridded.outputs["contact_sheets"],
            teacher_metrics=pretrained.outputs["metrics"],
            student_metrics=distilled.outputs["metrics"],
            control_metrics=control.outputs["metrics"],
            causal_matrix=matrix.outputs["matrix"],
            causal_details=matrix.outputs["details"],
            heat_map=matrix.outputs["heat_map"],
            tsne_pictures=alignment.outputs["pictures"],
            similarity=alignment.outputs["similarity"],
            tsne_metrics=alignment.outputs["metrics"],
            scores=verification.outputs["scores"],
            verification_pictures=verification.outputs["pictures"],
            forecasts=verification.outputs["forecasts"],
            by_window=verification.outputs["by_window"],
            verification=verification.outputs["metrics"],
            student=distilled.outputs["student"],
            params=report_params,
            # All sections as one JSON text, put together when the pipeline runs.
            parameters=(
                f'{{"acquire": {acquire_params}, "regrid": {regrid_params}, '
                f'"pretrain_teacher": {pretrain_teacher_params}, '
                f'"distill_student": {distill_student_params}, '
                f'"export_causal_matrix": {export_causal_matrix_params}, '
                f'"evaluate_tsne": {evaluate_tsne_params}, '
                f'"verify": {verify_params}, "report": {report_params}}}'
            ),
        )

    return pipeline
