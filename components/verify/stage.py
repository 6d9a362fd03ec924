"""Verify the forecasts of teacher, student and control on held-out storms."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import xarray as xr

from components.command_line import InPath, OutPath, command_line
from components.outputs import whole, write_json
from nephele.evaluation.baselines import optical_flow, persistence
from nephele.evaluation.by_window import crps_by_window
from nephele.evaluation.calibration import calibration
from nephele.evaluation.differences import differences
from nephele.evaluation.examples import one_a_storm, whole_forecasts
from nephele.evaluation.forecasts import (
    CONTROL,
    OPTICAL_FLOW,
    PERSISTENCE,
    SHUFFLED,
    STUDENT,
    TEACHER,
)
from nephele.evaluation.interventions import strangers
from nephele.evaluation.ledger import counts, ledger
from nephele.evaluation.sampling import baseline, ensembles, held_out
from nephele.evaluation.verification import (
    Design,
    Verified,
    nested,
    spectrum_ratios,
    table,
    verify,
)
from nephele.forecasting import trained
from nephele.forecasting.trained import TrainedModel
from nephele.params import VerifyParams
from nephele.pictures import curves
from nephele.pictures.labels import data_note
from nephele.pictures.png import write_png
from nephele.pictures.summaries import (
    calibration_in_markdown,
    differences_in_markdown,
    scores_in_markdown,
)
from nephele.windows.tensors import Windows

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Result:
    """Everything that verification found."""

    table: pd.DataFrame
    differences: pd.DataFrame
    calibration: dict
    verified: dict[str, Verified]
    design: Design
    examples: xr.Dataset
    by_window: pd.DataFrame


def run(windows: Windows, models: Mapping[str, TrainedModel], params: VerifyParams) -> Result:
    """Scores of all forecasts of the same test windows, and some of the forecasts.

    Args:
        models: `teacher`, `student` and `control`.
    """
    chosen = held_out(windows, params.windows)
    storms = windows.storm[chosen]
    partners = chosen[strangers(storms, params.seed)]

    verified = {}
    for name, model in models.items():
        log.info("verifying %s on %d windows", name, len(chosen))
        verified[name] = verify(ensembles(model, windows, chosen, params.members, params.seed))
    log.info("verifying the teacher with the ERA5 of other storms")
    shuffled = ensembles(
        models[TEACHER], windows, chosen, params.members, params.seed, partners=partners
    )
    verified[SHUFFLED] = verify(shuffled)
    verified[PERSISTENCE] = verify(baseline(windows, chosen, persistence))
    verified[OPTICAL_FLOW] = verify(baseline(windows, chosen, optical_flow))

    design = Design(storms, windows.lead_hours, params.resamples, params.seed)
    statistics = {name: found.statistics for name, found in verified.items()}
    shown = one_a_storm(windows, chosen, params.examples)
    return Result(
        table=pd.concat(
            [
                table(statistics, design),
                spectrum_ratios(verified, design, windows.attributes["cell_km"]),
                ledger(statistics, design),
            ],
            ignore_index=True,
        ),
        differences=differences(statistics, design),
        calibration=calibration(verified, design),
        verified=verified,
        design=design,
        examples=whole_forecasts(models, windows, shown, params.members, params.seed),
        by_window=crps_by_window(windows, chosen, verified),
    )


def main(
    windows: InPath,
    teacher: InPath,
    student: InPath,
    control: InPath,
    params: VerifyParams,
    scores: OutPath,
    pictures: OutPath,
    forecasts: OutPath,
    by_window: OutPath,
    differences: OutPath,
    summary: OutPath,
    metrics: OutPath,
) -> None:
    """Verify the forecasts of teacher, student and control on held-out storms."""
    data = Windows.read(windows)
    paths = {TEACHER: teacher, STUDENT: student, CONTROL: control}
    models = {name: trained.load(path) for name, path in paths.items()}
    result = run(data, models, params)

    with whole(scores) as partial:
        result.table.to_csv(partial, index=False, float_format="%.6g")
    with whole(by_window) as partial:
        result.by_window.to_csv(partial, index=False, float_format="%.6g")
    with whole(differences) as partial:
        result.differences.to_csv(partial, index=False, float_format="%.6g")
    with whole(summary) as partial:
        partial.write_text(_summary(result, data_note(data.attributes)))
    with whole(forecasts) as partial:
        result.examples.to_netcdf(partial, engine="netcdf4")
    with whole(pictures) as partial:
        _draw(result, data, partial)
    counted = counts(result.design, params.members)
    figures = nested(result.table)
    write_json(metrics, {**figures, "counts": counted, "calibration": result.calibration})


def _summary(result: Result, note: str) -> str:
    parts = [
        scores_in_markdown(result.table, note),
        differences_in_markdown(result.differences),
        calibration_in_markdown(result.calibration),
    ]
    return "\n".join(parts)


def _draw(result: Result, windows: Windows, folder: Path) -> None:
    note = data_note(windows.attributes)
    hours = windows.lead_hours
    pixel_km = float(windows.attributes["cell_km"])
    figures = {
        "scores.png": curves.scores_by_lead(result.table, curves.HEADLINES, note),
        "more_scores.png": curves.scores_by_lead(result.table, curves.FURTHER, note),
        "rank_histograms.png": curves.rank_histograms(
            result.verified, result.calibration, hours, note
        ),
        "spectra.png": curves.spectra(result.verified, hours, pixel_km, note),
    }
    for name, figure in figures.items():
        write_png(figure, folder / name)


if __name__ == "__main__":
    command_line(main)
