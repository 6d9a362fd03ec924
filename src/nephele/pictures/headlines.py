"""What the figures of a run allow one to say, in sentences, and nothing beyond that.

A sentence claims a difference only where its interval excludes zero. Where there is no
interval, or where it includes zero, the sentence says so.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval; the ends are NaN where there is none."""

    value: float
    low: float = float("nan")
    high: float = float("nan")

    @property
    def has_interval(self) -> bool:
        return bool(np.isfinite(self.low) and np.isfinite(self.high))

    @property
    def sign(self) -> int:
        """1 or -1 where the interval lies wholly on that side of zero, else 0."""
        if not self.has_interval:
            return 0
        return int(self.low > 0) - int(self.high < 0)

    def text(self, digits: int = 2, units: str = "") -> str:
        """`0.31 K (95 % interval 0.12 to 0.48 K)`."""
        unit = f"\N{NO-BREAK SPACE}{units}" if units else ""
        if not self.has_interval:
            return f"{number(self.value, digits)}{unit} (no interval)"
        ends = f"{number(self.low, digits)} to {number(self.high, digits)}{unit}"
        return f"{number(self.value, digits)}{unit} (95 % interval {ends})"


def number(value: float, digits: int = 2) -> str:
    """With a true minus sign; a dash where there is no figure."""
    if value is None or not np.isfinite(value):
        return "–"
    text = f"{value:.{digits}f}"
    return text.replace("-", "−") if float(text) else text.lstrip("-")


def skill(
    network: str, scores: dict[str, float], persistence: dict[str, float], gain: Estimate
) -> str:
    """Whether a network's forecasts beat persistence.

    Args:
        network: its name.
        scores, persistence: CRPS in K by lead time in hours, as text, and their "mean".
        gain: mean CRPS of persistence minus the network's, K, paired.
    """
    leads = [lead for lead in scores if lead != "mean"]
    better = sum(scores[lead] < persistence[lead] for lead in leads)
    where = "every lead time" if better == len(leads) else f"{better} of {len(leads)} lead times"
    figures = (
        f"The {network}'s CRPS is {number(scores['mean'])} K in the mean over lead times up to "
        f"{max(leads, key=float)} h; that of persistence is {number(persistence['mean'])} K."
    )
    if gain.sign > 0:
        return f"{figures} The {network} is better by {gain.text(units='K')}, and at {where}."
    if gain.sign < 0:
        worse = Estimate(-gain.value, -gain.high, -gain.low)
        return f"{figures} The {network} is worse by {worse.text(units='K')}, better at {where}."
    if gain.has_interval:
        return (
            f"{figures} Persistence minus {network} is {gain.text(units='K')}, which includes "
            f"zero: no evidence that the {network} beats persistence."
        )
    return (
        f"{figures} The {network} is better at {where} of these storms; they are too few to know "
        "whether that holds on others."
    )


def privilege(gap: Estimate, share: Estimate, climatological: bool) -> list[str]:
    """What ERA5 gave the teacher, and how much of it the student kept.

    Args:
        gap: mean CRPS of the control minus the teacher's, K.
        share: the share of the gap that the student closes.
        climatological: the environment is a climatology, in ERA5's place.
    """
    if climatological:
        return [
            "The environment of this run is climatological, not that of the storms: nothing can "
            "be concluded about what ERA5 adds, whatever the figures below are."
        ]
    if gap.sign > 0:
        helped = (
            "ERA5 helped: the teacher's CRPS is below that of the control, which never saw ERA5 "
            f"nor the teacher, by {gap.text(units='K')}."
        )
        return [helped, _kept(share)]
    nothing = "so there is no gap for the student to close, and no share of it is claimed."
    if gap.sign < 0:
        return [
            "The teacher, which sees ERA5, is worse than the control, which does not: "
            f"control minus teacher is {gap.text(units='K')} of CRPS, {nothing}"
        ]
    if gap.has_interval:
        return [
            "No evidence that ERA5 helped: control minus teacher is "
            f"{gap.text(units='K')} of CRPS, and the interval includes zero, {nothing}"
        ]
    return [
        "Whether ERA5 helped cannot be told: control minus teacher is "
        f"{number(gap.value)} K of CRPS, from too few storms for an interval. No share is claimed."
    ]


def _kept(share: Estimate) -> str:
    percent = Estimate(100 * share.value, 100 * share.low, 100 * share.high)
    if share.sign > 0:
        return f"The student, without ERA5, closes {percent.text(0, '%')} of that gap."
    if share.sign < 0:
        return (
            "The student closes nothing of that gap: it is worse than the control "
            f"(share of the gap {percent.text(0, '%')})."
        )
    return (
        "No evidence that the student keeps any of it: the share of the gap that it closes, "
        f"{percent.text(0, '%')}, has no interval that excludes zero."
    )


def influence(helps: dict[str, Estimate], lead: str, climatological: bool) -> str:
    """Which variables the trained teacher's forecasts are better for.

    Args:
        helps: by variable, the growth of the RMSE of the ensemble mean when the variable is
            replaced by its climatology, K.
        lead: the lead time of that, hours.
        climatological: the environment is a climatology.
    """
    if climatological:
        return (
            "The causal matrix describes how this teacher uses a climatological environment; "
            "which variable matters to a forecast cannot be concluded from it."
        )
    clear = {name: effect for name, effect in helps.items() if effect.sign > 0}
    harmful = [name for name, effect in helps.items() if effect.sign < 0]
    others = [name for name, effect in helps.items() if effect.sign == 0]
    parts = []
    if clear:
        ordered = sorted(clear, key=lambda name: -clear[name].value)
        told = "; without ".join(f"{name} by {clear[name].text(units='K')}" for name in ordered)
        parts.append(f"At {lead} h the teacher's RMSE grows without {told}.")
    if harmful:
        parts.append(f"It shrinks without {', '.join(harmful)}: the teacher misuses that.")
    if others:
        parts.append(f"No evidence at {lead} h that {', '.join(others)} helps this teacher.")
    return " ".join(parts)


def alignment(student: float, controls: dict[str, float], closer: int, cases: int) -> str:
    """Whether the student's features resemble the teacher's more than those of its controls do.

    Args:
        student: mean debiased CKA with the teacher.
        controls: the same of each control, by its name.
        closer: in how many of the `cases` the student exceeds every control.
        cases: variables × kinds of feature × resolutions.
    """
    beside = ", ".join(f"{name} {number(value)}" for name, value in controls.items())
    figures = (
        f"Likeness of the student's features to the teacher's (mean debiased CKA): "
        f"{number(student)}; beside it {beside}."
    )
    if student > max(controls.values()):
        return f"{figures} The student exceeds every control in {closer} of {cases} cases."
    return f"{figures} A control comes as close: no evidence of alignment."
