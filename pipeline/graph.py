"""The pipeline for Kubeflow: the stages of dvc.yaml, wired by what they hand on.

Each section of params.yaml is an input of the pipeline, as JSON, its values the default.
(Not as a structure: Kubeflow's has no null, and no whole numbers.) The section `kubeflow` is none:
it says what the cluster gives each task, which is settled when the pipeline is compiled.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from kfp import compiler, dsl
from kfp.compiler.compiler_utils import KubernetesManifestOptions

from components import execution
from components.acquire.component import acquire
from components.distill_student.component import distill_student
from components.evaluate_tsne.component import evaluate_tsne
from components.export_causal_matrix.component import export_causal_matrix
from components.pretrain_teacher.component import pretrain_teacher
from components.regrid.component import regrid
from components.report.component import report
from components.verify.component import verify
from nephele import parameter_file, typed
from nephele.cluster import KubeflowParams
from nephele.params import KUBEFLOW, SECTIONS
from pipeline import cluster

NAME = "nephele"
VERSION_LENGTH = 12  # hexadecimal digits


def write(sections: Mapping[str, dict], output: Path) -> None:
    """Compile the pipeline to a YAML file: Kubeflow's intermediate representation.

    Args:
        sections: all of params.yaml.
        output: the file.

    Raises:
        ValueError: a parameter is wrong, by its name.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    compiler.Compiler().compile(nephele(sections), str(output))


def write_manifest(sections: Mapping[str, dict], output: Path, namespace: str | None) -> None:
    """Compile the pipeline to manifests for `kubectl apply`: a Pipeline and its PipelineVersion.

    Raises:
        ValueError: a parameter is wrong, by its name.
    """
    write(sections, output)
    options = KubernetesManifestOptions(
        pipeline_version_name=version(output),
        namespace=namespace,
        include_pipeline_manifest=True,
    )
    compiler.Compiler().compile(
        nephele(sections),
        str(output),
        kubernetes_manifest_options=options,
        kubernetes_manifest_format=True,
    )


def version(compiled: Path) -> str:
    """The name of what a compiled file holds: the same for the same content."""
    return f"{NAME}-{hashlib.sha256(compiled.read_bytes()).hexdigest()[:VERSION_LENGTH]}"


def arguments(sections: Mapping[str, dict]) -> dict[str, str]:
    """The inputs of the pipeline: the sections of the stages, as JSON."""
    return {f"{name}_params": json.dumps(sections[name]) for name in SECTIONS}


def nephele(sections: Mapping[str, dict]) -> dsl.base_component.BaseComponent:
    """The pipeline with the values of `sections` as defaults of its inputs.

    Raises:
        ValueError: a parameter is wrong, by its name.
    """
    parameter_file.check(sections, "the parameters")
    demands = typed.sections(sections, {KUBEFLOW: KubeflowParams})[KUBEFLOW]
    nodes = demands.trainer.nodes
    revision = execution.described()
    defaults = arguments(sections)

    @dsl.pipeline(name=NAME, description="Typhoon clouds, taught by ERA5, forecast without it")
    def pipeline(
        acquire_params: str = defaults["acquire_params"],
        regrid_params: str = defaults["regrid_params"],
        pretrain_teacher_params: str = defaults["pretrain_teacher_params"],
        distill_student_params: str = defaults["distill_student_params"],
        export_causal_matrix_params: str = defaults["export_causal_matrix_params"],
        evaluate_tsne_params: str = defaults["evaluate_tsne_params"],
        verify_params: str = defaults["verify_params"],
        report_params: str = defaults["report_params"],
    ):
        acquired = acquire(params=acquire_params)
        regridded = regrid(data=acquired.outputs["raw"], params=regrid_params)
        windows = regridded.outputs["windows"]

        pretrained = pretrain_teacher(windows=windows, params=pretrain_teacher_params, nodes=nodes)
        teacher = pretrained.outputs["teacher"]

        students = {
            "windows": windows,
            "teacher": teacher,
            "params": distill_student_params,
            "nodes": nodes,
        }
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

        reported = report(
            windows=windows,
            regridding=regridded.outputs["metrics"],
            contact_sheets=regridded.outputs["contact_sheets"],
            teacher_metrics=pretrained.outputs["metrics"],
            student_metrics=distilled.outputs["metrics"],
            control_metrics=control.outputs["metrics"],
            causal_details=matrix.outputs["details"],
            heat_map=matrix.outputs["heat_map"],
            dose_response=matrix.outputs["dose_response"],
            tsne_pictures=alignment.outputs["pictures"],
            similarity=alignment.outputs["similarity"],
            probe=alignment.outputs["probe"],
            tsne_metrics=alignment.outputs["metrics"],
            scores=verification.outputs["scores"],
            verification_pictures=verification.outputs["pictures"],
            forecasts=verification.outputs["forecasts"],
            by_window=verification.outputs["by_window"],
            differences=verification.outputs["differences"],
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

        tasks = {
            "acquire": acquired,
            "regrid": regridded,
            "pretrain_teacher": pretrained,
            "distill_student@distilled": distilled,
            "distill_student@control": control,
            "export_causal_matrix": matrix,
            "evaluate_tsne": alignment,
            "verify": verification,
            "report": reported,
        }
        for name, task in tasks.items():
            cluster.equip(task, name, demands, revision)

    return pipeline
