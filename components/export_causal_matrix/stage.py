"""Export the causal effect matrices: what training learnt, what intervention shows, the truth."""

import logging
import os

import numpy as np

from components.command_line import InPath, OutPath, command_line
from components.export_causal_matrix import writing
from components.export_causal_matrix.result import (
    CLIMATOLOGY,
    EXCHANGED,
    HEAD,
    INITIAL,
    LEARNED,
    MEANINGS,
    SKILL,
    TRUTH,
    WHOLE,
    Result,
)
from components.outputs import whole, write_json
from nephele.evaluation import bootstrap, effects, true_effects
from nephele.evaluation.causal_checks import DOSES
from nephele.evaluation.interventions import strangers
from nephele.evaluation.measured import Measured, root_mean_square
from nephele.evaluation.sampling import held_out
from nephele.forecasting import trained
from nephele.forecasting.trained import TrainedModel
from nephele.params import CausalMatrixParams
from nephele.pictures.dose_response import dose_responses
from nephele.pictures.heat_maps import Panel, effect_matrices
from nephele.pictures.labels import data_note
from nephele.pictures.png import write_png
from nephele.pictures.summaries import picture_page
from nephele.windows.tensors import Windows

log = logging.getLogger(__name__)

WINDOWS_A_PROCESS = 8  # of the world, so that starting it pays
TITLE = "Causal effect matrix"
# Titles of the panels, and which of them answer one question.
SHOWN = {
    TRUTH: ("Truth: the world without the variable", "change"),
    CLIMATOLOGY: ("Intervention: the teacher without the variable", "change"),
    LEARNED: ("Learned by the head in training (A)", "head"),
}


def run(windows: Windows, teacher: TrainedModel, params: CausalMatrixParams) -> Result:
    """The learned matrix, the interventional ones and the truth, on the same test windows."""
    windows = teacher.view(windows)
    chosen = held_out(windows, params.windows)
    storms = windows.storm[chosen]
    weights = bootstrap.storm_weights(storms, params.resamples, params.seed)

    log.info("intervening on %s in %d windows", ", ".join(windows.variables), len(chosen))
    partners = chosen[strangers(storms, params.seed)]
    asked = {
        **{(CLIMATOLOGY, dose): effects.to_climatology(windows, dose) for dose in DOSES},
        (INITIAL, WHOLE): effects.to_climatology(windows, since=windows.history - 1),
        (EXCHANGED, WHOLE): effects.to_another_storm(windows, partners),
    }
    found = effects.changes(teacher, windows, chosen, asked, params.members, params.seed)
    skill = effects.loss_of_skill(found[CLIMATOLOGY, WHOLE], storms, weights)
    head = effects.head_effects(teacher, windows, chosen, storms, weights, params.seed)
    true = _truth(windows, chosen)
    return Result(
        effects={
            **{(TRUTH, dose): root_mean_square(true[dose], storms, weights) for dose in true},
            (LEARNED, WHOLE): Measured.exact(effects.learned(teacher)),
            (HEAD, WHOLE): head,
            **{key: effects.interventional(each, storms, weights) for key, each in found.items()},
            (SKILL, WHOLE): skill,
        },
        variables=windows.variables,
        lead_hours=windows.lead_hours[: windows.future],
        windows=len(chosen),
        storms=len(np.unique(storms)),
    )


def _truth(windows: Windows, chosen: np.ndarray) -> dict[float, np.ndarray]:
    workers = max(1, min(len(os.sched_getaffinity(0)), len(chosen) // WINDOWS_A_PROCESS))
    log.info("looking for the truth, in %d processes", workers)
    return true_effects.changes(windows, chosen, DOSES, workers)


def main(
    windows: InPath,
    teacher: InPath,
    params: CausalMatrixParams,
    matrix: OutPath,
    entries: OutPath,
    details: OutPath,
    heat_map: OutPath,
    dose_response: OutPath,
    page: OutPath,
    metrics: OutPath,
) -> None:
    """Export what training learnt of causes, what intervention shows, and the truth."""
    data = Windows.read(windows)
    result = run(data, trained.load(teacher), params)
    note = data_note(data.attributes)

    with whole(matrix) as partial:
        writing.table(result).to_csv(partial, index_label="variable", float_format="%.6g")
    with whole(entries) as partial:
        writing.tidy(result).to_csv(partial, index=False, float_format="%.6g")
    write_json(details, writing.details(result))
    with whole(heat_map) as partial:
        write_png(
            effect_matrices(_panels(result), result.variables, result.lead_hours, note), partial
        )
    with whole(dose_response) as partial:
        write_png(dose_responses(_curves(result), result.variables, note), partial)
    with whole(page) as partial:
        pictures = [picture.read_bytes() for picture in (heat_map, dose_response)]
        partial.write_text(picture_page(TITLE, pictures, _said(result)), encoding="utf-8")
    write_json(metrics, writing.metrics(result))


def _panels(result: Result) -> list[Panel]:
    correlations = result.rank_correlations()
    panels = []
    for name, (title, kind) in SHOWN.items():
        if name in result.matrices:
            told = correlations.get(name)
            below = f"\nrank correlation with the truth {told.correlation.text()}" if told else ""
            panels.append(Panel(title + below, result.matrices[name], kind))
    return panels


def _curves(result: Result) -> dict[str, dict[float, Measured]]:
    found = {"truth": result.by_dose(TRUTH), "teacher": result.by_dose(CLIMATOLOGY)}
    return {name: by_dose for name, by_dose in found.items() if by_dose}


def _said(result: Result) -> dict[str, str]:
    meanings = {SHOWN[name][0]: MEANINGS[name] for name in SHOWN if name in result.matrices}
    return {"What may be said": " ".join(result.conclusions()), **meanings}


if __name__ == "__main__":
    command_line(main)
