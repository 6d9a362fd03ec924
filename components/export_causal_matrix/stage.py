"""Export the causal effect matrix: what training learnt, and what intervention shows."""

import logging
from dataclasses import dataclass

import numpy as np
import pandas as pd

from components.command_line import InPath, OutPath, command_line
from components.outputs import whole, write_json
from nephele.evaluation import bootstrap, effects
from nephele.evaluation.effects import Matrix
from nephele.evaluation.interventions import strangers
from nephele.evaluation.sampling import held_out
from nephele.evaluation.verification import rounded
from nephele.forecasting import trained
from nephele.forecasting.trained import TrainedModel
from nephele.params import CausalMatrixParams
from nephele.pictures.heat_maps import effect_matrices
from nephele.pictures.labels import data_note
from nephele.pictures.png import write_png
from nephele.pictures.summaries import picture_page
from nephele.windows.tensors import Windows

log = logging.getLogger(__name__)

LEARNED, HEAD = "learned", "learned_on_test"
CLIMATOLOGY, EXCHANGED = "interventional", "exchanged"
MEANINGS = {
    LEARNED: (
        "The matrix A: moving average, over the last training steps, of the root mean square "
        "change of the causal head's prediction of the frame mean when a variable's causal "
        "features give way to their batch mean. The learnt residual, which the network adds before "
        "the mean over the lead times scales the variable's causal features, is not in it. The "
        "head sees features that have attended to the noisy future; so it is no effect on the "
        "forecast, and no causal effect in the world. It has no interval of its own; "
        "learned_on_test has one."
    ),
    HEAD: (
        "The same root mean square change, of the trained head's predictions for the test windows, "
        "with intervals over their storms. Where it differs much from A, A is "
        "the training's and does not carry over to other storms."
    ),
    CLIMATOLOGY: (
        "Root mean square change, over pixels and test windows, of the ensemble-mean forecast of "
        "the trained teacher when the variable is replaced by its climatology, with the same "
        "noise. It describes what this teacher does with the variable; it is never negative, it "
        "does not say that the forecast is better for it (skill_loss does), and it is no effect in "
        "the atmosphere."
    ),
    EXCHANGED: (
        "The same with the variable of a window of another test storm in place of the climatology: "
        "fields as sharp as real ones, but at odds with the other variables and the clouds."
    ),
    "skill_loss": (
        "Increase of the RMSE of the ensemble mean when the variable is replaced by its "
        "climatology. Above zero the variable helps this teacher; an interval that includes zero "
        "is no evidence that it does."
    ),
}


SHOWN = {
    "Learned by the head (A)": LEARNED,
    "Forecast changed by do(variable = climatology)": CLIMATOLOGY,
}


@dataclass(frozen=True)
class Result:
    """All matrices by name, K, variable × lead time, and what they rest on."""

    matrices: dict[str, Matrix]
    variables: tuple[str, ...]
    lead_hours: tuple[int, ...]
    windows: int
    storms: int


def run(windows: Windows, teacher: TrainedModel, params: CausalMatrixParams) -> Result:
    """The learned matrix and the interventional ones, on test windows."""
    chosen = held_out(windows, params.windows)
    storms = windows.storm[chosen]
    weights = bootstrap.storm_weights(storms, params.resamples, params.seed)
    partners = chosen[strangers(storms, params.seed)]

    log.info("intervening on %s in %d windows", ", ".join(windows.variables), len(chosen))
    replaced, exchanged = (
        effects.changes(teacher, windows, chosen, intervention, params.members, params.seed)
        for intervention in (
            effects.to_climatology(windows),
            effects.to_another_storm(windows, partners),
        )
    )
    return Result(
        matrices={
            LEARNED: Matrix.exact(effects.learned(teacher)),
            HEAD: effects.head_effects(teacher, windows, chosen, storms, weights, params.seed),
            CLIMATOLOGY: effects.interventional(replaced, storms, weights),
            EXCHANGED: effects.interventional(exchanged, storms, weights),
            "skill_loss": effects.loss_of_skill(replaced, storms, weights),
        },
        variables=windows.variables,
        lead_hours=windows.lead_hours[: windows.future],
        windows=len(chosen),
        storms=len(np.unique(storms)),
    )


def main(
    windows: InPath,
    teacher: InPath,
    params: CausalMatrixParams,
    matrix: OutPath,
    details: OutPath,
    heat_map: OutPath,
    page: OutPath,
    metrics: OutPath,
) -> None:
    """Export the causal effect matrix: what training learnt, and what intervention shows."""
    data = Windows.read(windows)
    result = run(data, trained.load(teacher), params)

    with whole(matrix) as partial:
        _table(result).to_csv(partial, index_label="variable", float_format="%.6g")
    write_json(details, _details(result))
    with whole(heat_map) as partial:
        shown = {title: result.matrices[name] for title, name in SHOWN.items()}
        note = data_note(data.attributes)
        write_png(effect_matrices(shown, result.variables, result.lead_hours, note), partial)
    with whole(page) as partial:
        said = {title: MEANINGS[name] for title, name in SHOWN.items()}
        title = "Causal effect matrix"
        partial.write_text(picture_page(title, heat_map.read_bytes(), said), encoding="utf-8")
    write_json(metrics, _metrics(result))


def _table(result: Result) -> pd.DataFrame:
    """The learned matrix: a row a variable, a column a lead time in hours."""
    columns = [str(hours) for hours in result.lead_hours]
    values = result.matrices[LEARNED].values
    return pd.DataFrame(values, index=list(result.variables), columns=columns)


def _details(result: Result) -> dict:
    return {
        "units": "K",
        "variables": list(result.variables),
        "lead_hours": list(result.lead_hours),
        "windows": result.windows,
        "storms": result.storms,
        "interval": f"{bootstrap.LEVEL:.0%} bootstrap over storms; null where there is none",
        "matrices": {
            name: {
                "meaning": MEANINGS[name],
                **{
                    part: _nested(getattr(matrix, part), result)
                    for part in ("values", "low", "high")
                },
            }
            for name, matrix in result.matrices.items()
        },
    }


def _nested(values: np.ndarray, result: Result) -> dict:
    return {
        variable: {
            str(hours): rounded(float(value))
            for hours, value in zip(result.lead_hours, row, strict=True)
        }
        for variable, row in zip(result.variables, values, strict=True)
    }


def _metrics(result: Result) -> dict:
    """Per variable, the mean over the lead times."""
    return {
        name: {
            variable: rounded(float(row.mean()))
            for variable, row in zip(result.variables, matrix.values, strict=True)
        }
        for name, matrix in result.matrices.items()
    }


if __name__ == "__main__":
    command_line(main)
