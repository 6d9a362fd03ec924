"""From the tables of a run to its headline figures and sentences."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from nephele.fields.variables import PLACEBO
from nephele.pictures import alignment_words, causal_words, headlines as say
from nephele.pictures.calibration_words import trust
from nephele.pictures.causal_words import Agreement
from nephele.pictures.evidence import Evidence
from nephele.pictures.headlines import Estimate
from nephele.pictures.labels import data_note

NOWHERE = Estimate(float("nan"))
CONTROLS = ("control", "untrained", "shuffled")
FORECASTS = ("student", "teacher", "control", "persistence", "optical_flow")
BASELINES = {"persistence": "persistence", "optical_flow": "optical flow"}
INTERVENTION = "interventional"  # the matrix that headlines speak of
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
    return Estimate(*(_figure(matrix[end][variable][lead]) for end in ("values", "low", "high")))


def difference(
    differences: pd.DataFrame, better: str, than: str, score: str = "crps", lead: str = "mean"
) -> Estimate:
    """What a forecast gains over another one, K; above zero it is better."""
    chosen = differences[(differences.forecast == better) & (differences.against == than)]
    return -estimate(chosen, score, better, lead)


def effects(matrix: Mapping) -> dict[str, dict[str, Estimate]]:
    """A matrix of effects as variable → lead time → K, without the placebo."""
    return {
        variable: {lead: effect(matrix, variable, lead) for lead in leads}
        for variable, leads in matrix["values"].items()
        if variable != PLACEBO
    }


def over_placebo(causal: Mapping, matrix: str) -> dict[str, Estimate]:
    """By variable, its effect in a matrix minus the placebo's; empty where there is none."""
    return {name: known(more) for name, more in causal["over_placebo"].get(matrix, {}).items()}


def agreement(causal: Mapping, matrix: str) -> Agreement | None:
    """Of a matrix with the truth, where there is one."""
    if matrix not in causal["rank_correlation"]:
        return None
    return Agreement(
        known(causal["rank_correlation"][matrix]), known(causal["over_lead_time_alone"][matrix])
    )


def known(found: Mapping[str, float | None]) -> Estimate:
    """A figure of a JSON file, in which `null` is none."""
    return Estimate(*(_figure(found[end]) for end in ("value", "low", "high")))


def _figure(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def headlines(evidence: Evidence) -> list[str]:
    """The five sentences that a report begins with, each with what the data are."""
    scores, differences = evidence.scores, evidence.differences
    gap = difference(differences, "teacher", "control")
    gain = difference(differences, "student", "control")
    last = max((lead for lead in scores.lead_hours if lead != "mean"), key=float)
    simple = {name: difference(differences, "student", key) for key, name in BASELINES.items()}
    said = [
        say.skill(
            estimate(scores, "crps", "student").value,
            last,
            {name: gained for name, gained in simple.items() if np.isfinite(gained.value)},
        ),
        say.privilege(gap, estimate(scores, "crps", "control").value, evidence.climatological),
        say.kept(estimate(scores, "gap_closed", "student"), gain, gap, evidence.climatological),
        _influence(evidence),
        trust(
            evidence.calibration.get("student", {}),
            estimate(scores, "spectrum_ratio.below_100_km", "student"),
        ),
    ]
    note = data_note(evidence.attributes)
    return [f"{note}: {sentence}" if note else sentence for sentence in said]


def _influence(evidence: Evidence) -> str:
    if evidence.climatological:
        return (
            "Which variable matters cannot be concluded from a climatological environment: the "
            "matrices below describe how this teacher uses it, and nothing else."
        )
    causal = evidence.causal
    return causal_words.influence(
        effects(causal["matrices"][INTERVENTION]),
        effects(causal["matrices"]["skill_loss"]),
        over_placebo(causal, INTERVENTION),
        agreement(causal, INTERVENTION),
    )


def footing(evidence: Evidence) -> str:
    """What the sentences rest on: so many storms, and one training."""
    counts = evidence.counts
    teacher, student = (
        evidence.parameters[stage]["seed"] for stage in ("pretrain_teacher", "distill_student")
    )
    unknown = (
        "they have no intervals, since these are fewer than five storms, and say nothing of others"
        if not evidence.differences.low.notna().any()
        else "their intervals say how they would vary with other storms, not with another training"
    )
    return (
        f"These figures are of {counts['windows']} windows of {counts['storms']} test storms and "
        f"of one training of each network (seed {teacher} of the teacher, {student} "
        f"of student and control): {unknown}. “make evidence” "
        "repeats the trainings with several seeds (docs/evidence.md)."
    )


def alignment(evidence: Evidence) -> list[str]:
    """What the features allow to say."""
    return [
        *alignment_words.likeness(evidence.similarity),
        *alignment_words.sight(evidence.probe, "scene"),
    ]


def figures(evidence: Evidence) -> dict[str, float]:
    """The headline figures by short names that sort together; those that exist.

    `crps_<forecast>`, `gain_<forecast>` (CRPS gained over the control, K), `share_of_gap` and
    `rank_correlation` (of the intervention's effects with the truth) have their intervals beside
    them: `…_low` and `…_high`.
    """
    scores = evidence.scores
    estimates = {f"crps_{name}": estimate(scores, "crps", name) for name in FORECASTS}
    estimates |= {
        f"gain_{said}": estimate(scores, "gain_over_control", name) for said, name in GAINS.items()
    }
    estimates["share_of_gap"] = estimate(scores, "gap_closed", "student")
    agreed = agreement(evidence.causal, INTERVENTION)
    estimates["rank_correlation"] = agreed.correlation if agreed else NOWHERE
    found: dict[str, float] = {}
    for name, each in estimates.items():
        found |= {name: each.value, f"{name}_low": each.low, f"{name}_high": each.high}
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
