"""From the tables of a run to its headline figures and sentences."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from nephele.pictures import headlines as say
from nephele.pictures.evidence import Evidence
from nephele.pictures.headlines import Estimate

NOWHERE = Estimate(float("nan"))
CONTROLS = {
    "control": "the control's",
    "untrained": "an untrained student's",
    "shuffled": "shuffled",
}
FORECASTS = ("student", "teacher", "control", "persistence")
GAINS = {"teacher": "teacher", "student": "student", "shuffled": "teacher_shuffled"}


def estimate(scores: pd.DataFrame, score: str, forecast: str, lead: str = "mean") -> Estimate:
    """One entry of the table of scores; no figure where there is no such entry."""
    chosen = scores[
        (scores.score == score) & (scores.forecast == forecast) & (scores.lead_hours == lead)
    ]
    if chosen.empty:
        return NOWHERE
    row = chosen.iloc[0]
    return Estimate(float(row.value), float(row.low), float(row.high))


def by_lead(scores: pd.DataFrame, score: str, forecast: str) -> dict[str, float]:
    """A score by lead time in hours, as text, and its "mean"."""
    chosen = scores[(scores.score == score) & (scores.forecast == forecast)]
    return dict(zip(chosen.lead_hours.astype(str), chosen.value.astype(float), strict=True))


def effect(matrix: Mapping, variable: str, lead: str) -> Estimate:
    """One entry of an effect matrix; `null` in the file is no figure."""
    parts = (matrix[part][variable][lead] for part in ("values", "low", "high"))
    return Estimate(*(float("nan") if part is None else float(part) for part in parts))


def headlines(evidence: Evidence) -> list[str]:
    """What this run allows to say, most important first."""
    scores = evidence.scores
    persistence = by_lead(scores, "crps", "persistence")
    said = [
        say.skill(
            name,
            by_lead(scores, "crps", name),
            persistence,
            estimate(scores, "gain_over_persistence", name),
        )
        for name in ("student", "teacher")
    ]
    gap = estimate(scores, "gain_over_control", "teacher")
    share = estimate(scores, "gap_closed", "student")
    said += say.privilege(gap, share, evidence.climatological)
    loss = evidence.causal["matrices"]["skill_loss"]
    last = str(max(evidence.causal["lead_hours"]))
    helps = {variable: effect(loss, variable, last) for variable in loss["values"]}
    said.append(say.influence(helps, last, evidence.climatological))
    return [*said, _alignment(evidence.similarity)]


def _alignment(similarity: pd.DataFrame) -> str:
    rows = similarity[similarity.metric == "cka"]
    controls = rows[list(CONTROLS)]
    return say.alignment(
        float(rows.student.mean()),
        {CONTROLS[name]: float(controls[name].mean()) for name in CONTROLS},
        closer=int((rows.student > controls.max(axis=1)).sum()),
        cases=len(rows),
    )


def figures(evidence: Evidence) -> dict[str, float]:
    """The headline figures by short names that sort together; those that exist.

    `crps_<forecast>`, `gain_<forecast>` (CRPS gained over the control, K) and `share_of_gap` have
    their intervals beside them: `…_low` and `…_high`.
    """
    scores = evidence.scores
    estimates = {f"crps_{name}": estimate(scores, "crps", name) for name in FORECASTS}
    estimates |= {
        f"gain_{said}": estimate(scores, "gain_over_control", name) for said, name in GAINS.items()
    }
    estimates["share_of_gap"] = estimate(scores, "gap_closed", "student")
    found: dict[str, float] = {}
    for name, known in estimates.items():
        found |= {name: known.value, f"{name}_low": known.low, f"{name}_high": known.high}
    return _finite(found)


def details(evidence: Evidence) -> dict[str, float]:
    """Further figures of the same kind, without intervals."""
    found = {
        f"{score}_{name}": estimate(evidence.scores, score, name).value
        for score in ("rmse", "spread_skill")
        for name in FORECASTS
    }
    likeness = evidence.similarity[evidence.similarity.metric == "cka"]
    found |= {f"cka_{name}": float(likeness[name].mean()) for name in ("student", *CONTROLS)}
    return _finite(found)


def _finite(found: Mapping[str, float]) -> dict[str, float]:
    return {name: float(f"{value:.6g}") for name, value in found.items() if np.isfinite(value)}
