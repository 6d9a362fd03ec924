"""The result as the tables and figures that others read."""

import pandas as pd

from components.export_causal_matrix.result import (
    CLIMATOLOGY,
    LEARNED,
    MEANINGS,
    TRUTH,
    Result,
    estimates,
)
from nephele.evaluation import bootstrap
from nephele.evaluation.measured import Measured
from nephele.evaluation.verification import rounded
from nephele.pictures.headlines import Estimate

COLUMNS = ("matrix", "dose", "variable", "lead_hours", "value", "low", "high")
VERDICTS = {1: "below", -1: "above", 0: "not told apart"}


def table(result: Result) -> pd.DataFrame:
    """The learned matrix: a row a variable, a column a lead time in hours."""
    columns = [str(hours) for hours in result.lead_hours]
    values = result.matrices[LEARNED].values[result.real]
    return pd.DataFrame(values, index=[result.variables[v] for v in result.real], columns=columns)


def tidy(result: Result) -> pd.DataFrame:
    """All matrices, at all doses: a row an entry."""
    rows = [
        (name, dose, variable, hours, *vars(estimates(matrix, row, column)).values())
        for (name, dose), matrix in result.effects.items()
        for row, variable in enumerate(result.variables)
        for column, hours in enumerate(result.lead_hours)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def details(result: Result) -> dict:
    """All matrices with their meaning, what they stood up to, and what may be said of it."""
    return {
        "units": "K",
        "variables": list(result.variables),
        "lead_hours": list(result.lead_hours),
        "windows": result.windows,
        "storms": result.storms,
        "interval": f"{bootstrap.LEVEL:.0%} bootstrap over storms; null where there is none",
        "conclusions": result.conclusions(),
        **_agreement(result),
        "over_placebo": {
            name: {variable: _with_interval(more) for variable, more in each.items()}
            for name, each in result.over_placebo().items()
        },
        "dose_response": {name: _doses(result, name) for name in (TRUTH, CLIMATOLOGY)},
        "matrices": {
            name: {
                "meaning": MEANINGS[name],
                **{part: _nested(matrix, part, result) for part in ("values", "low", "high")},
            }
            for name, matrix in result.matrices.items()
        },
    }


def metrics(result: Result) -> dict:
    """Rank correlations, where the placebo lies, and of each matrix the mean over lead times."""
    return {
        **_agreement(result),
        "placebo": {
            name: {variable: VERDICTS[more.sign] for variable, more in each.items()}
            for name, each in result.over_placebo().items()
        },
        **{
            name: {
                variable: rounded(float(row.mean()))
                for variable, row in zip(result.variables, matrix.values, strict=True)
            }
            for name, matrix in result.matrices.items()
        },
    }


def _agreement(result: Result) -> dict:
    """Empty where there is no truth."""
    found = result.rank_correlations()
    return {
        "rank_correlation": {name: _with_interval(a.correlation) for name, a in found.items()},
        "over_lead_time_alone": {name: _with_interval(a.over) for name, a in found.items()},
    }


def _doses(result: Result, name: str) -> dict:
    """By variable and dose, mean over lead times."""
    found = result.by_dose(name)
    return {
        variable: {
            f"{dose:g}": _with_interval(estimates(effects, row)) for dose, effects in found.items()
        }
        for row, variable in enumerate(result.variables)
        if found
    }


def _with_interval(found: Estimate) -> dict[str, float | None]:
    return {part: rounded(value) for part, value in vars(found).items()}


def _nested(matrix: Measured, part: str, result: Result) -> dict:
    return {
        variable: {
            str(hours): rounded(float(value))
            for hours, value in zip(result.lead_hours, row, strict=True)
        }
        for variable, row in zip(result.variables, getattr(matrix, part), strict=True)
    }
