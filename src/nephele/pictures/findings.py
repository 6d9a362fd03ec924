"""From the tables of a run to its headline figures and sentences."""

import numpy as np
import pandas as pd

from nephele.pictures import headlines as say
from nephele.pictures.evidence import Evidence
from nephele.pictures.headlines import Estimate

NOWHERE = Estimate(float("nan"))
FORECASTS = ("student", "teacher", "control", "persistence")


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
    return said


def figures(evidence: Evidence) -> dict[str, float]:
    """The headline figures by short names that sort together; those that exist."""
    scores = evidence.scores
    found = {
        f"{score}_{name}_mean": estimate(scores, score, name).value
        for score in ("crps", "rmse", "spread_skill")
        for name in FORECASTS
    }
    found |= {
        "gain_teacher": estimate(scores, "gain_over_control", "teacher").value,
        "gain_student": estimate(scores, "gain_over_control", "student").value,
        "gain_shuffled": estimate(scores, "gain_over_control", "teacher_shuffled").value,
        "share_of_gap": estimate(scores, "gap_closed", "student").value,
    }
    return {name: float(f"{value:.6g}") for name, value in found.items() if np.isfinite(value)}
