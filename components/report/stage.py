"""Write the report: one page, the forecasts as animations, a model card, the headline figures."""

from pathlib import Path

import pandas as pd
import xarray as xr

from components import registry
from components.command_line import InPath, OutPath, command_line
from components.outputs import whole, write_json
from components.report import reading, registration, telling
from components.tracking import Log
from nephele.params import ReportParams
from nephele.pictures import findings, model_card as cards
from nephele.pictures.evidence import Evidence, Picture
from nephele.pictures.films import Film, films
from nephele.pictures.report import page


def run(
    evidence: Evidence, forecasts: xr.Dataset, params: ReportParams
) -> tuple[str, list[Film], dict[str, float]]:
    """The page as HTML, the forecasts as pictures, and the headline figures."""
    shown = films(forecasts, params.forecasts, evidence.synthetic)
    moving = [Picture(film.name, film.animation, film.still, film.caption) for film in shown]
    complete = evidence.with_pictures("forecasts", moving)
    figures = findings.figures(complete) | findings.details(complete)
    return page(complete), shown, figures


def main(
    windows: InPath,
    regridding: InPath,
    contact_sheets: InPath,
    teacher_metrics: InPath,
    student_metrics: InPath,
    control_metrics: InPath,
    causal_details: InPath,
    heat_map: InPath,
    dose_response: InPath,
    tsne_pictures: InPath,
    similarity: InPath,
    probe: InPath,
    tsne_metrics: InPath,
    scores: InPath,
    verification_pictures: InPath,
    forecasts: InPath,
    by_window: InPath,
    differences: InPath,
    verification: InPath,
    student: InPath,
    params: ReportParams,
    parameters: str,
    report: OutPath,
    animations: OutPath,
    model_card: OutPath,
    metrics: OutPath,
    log: Log,
) -> None:
    """Write the report of a run, and log its figures and pictures where runs are compared.

    `parameters` is the path of the whole params.yaml, as DVC passes it, or all of it as JSON,
    as Kubeflow passes it.
    """
    attributes, splits = reading.windows(windows)
    drawn = {
        "verification": [verification_pictures],
        "causes": [heat_map, dose_response],
        "alignment": [tsne_pictures],
        "data": [contact_sheets],
    }
    evidence = Evidence(
        attributes=attributes,
        windows=splits,
        regridding=reading.json_file(regridding),
        training={
            "teacher": reading.json_file(teacher_metrics),
            "student": reading.json_file(student_metrics),
            "control": reading.json_file(control_metrics),
        },
        causal=reading.json_file(causal_details),
        similarity=pd.read_csv(similarity),
        probe=pd.read_csv(probe),
        tsne=reading.json_file(tsne_metrics),
        scores=reading.by_lead(scores),
        differences=reading.by_lead(differences),
        verification=reading.json_file(verification),
        parameters=reading.all_parameters(parameters),
        pictures={part: reading.pictures(paths) for part, paths in drawn.items()},
    )
    html, shown, figures = run(evidence, reading.forecasts(forecasts), params)
    with whole(report) as partial:
        partial.write_text(html, encoding="utf-8")
    with whole(animations) as partial:
        _write_films(partial, shown)
    with whole(model_card) as partial:
        partial.write_text(cards.card(evidence), encoding="utf-8")
    write_json(metrics, figures)
    telling.tell(log, evidence)
    for part, paths in drawn.items():
        for file in reading.png_files(paths):
            log.picture(f"{part}/{file.stem}", file)
    log.artifact(report)
    log.artifact(model_card)
    log.artifact(animations, "animations")
    log.call(
        "components.registry:register",
        registry.contents(student, by_window),
        tags=registration.tags(evidence),
        description=registration.description(evidence),
    )


def _write_films(folder: Path, shown: list[Film]) -> None:
    folder.mkdir()
    for film in shown:
        (folder / f"{film.name}.png").write_bytes(film.animation)
        (folder / f"{film.name}_still.png").write_bytes(film.still)


if __name__ == "__main__":
    command_line(main)
