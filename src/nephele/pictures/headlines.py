"""What the figures of a run allow one to say, in sentences, and nothing beyond that.

A sentence claims a difference only where its interval excludes zero. Where there is no
interval, or where it includes zero, the sentence says so.
"""

from collections.abc import Mapping, Sequence
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

    @property
    def size(self) -> "Estimate":
        """The same without its sign, for sentences that have said which way it goes."""
        return -self if self.value < 0 else self

    def __neg__(self) -> "Estimate":
        return Estimate(-self.value, -self.high, -self.low)

    def times(self, factor: float) -> "Estimate":
        """In other units."""
        return Estimate(*(factor * part for part in (self.value, self.low, self.high)))

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


def listed(names: Sequence[str]) -> str:
    """`a, b and c`."""
    return ", ".join(names[:-1]) + " and " + names[-1] if len(names) > 1 else "".join(names)


def skill(crps: float, last_lead: str, gains: Mapping[str, Estimate]) -> str:
    """How good the student's forecasts are beside forecasts that need no network.

    Args:
        crps: of the student, K, mean over the lead times.
        last_lead: the longest lead time, hours.
        gains: by baseline, its CRPS minus the student's, K, paired.
    """
    if not gains:
        return "No evidence of skill: no simple forecast was scored beside the student's."
    compared = " and ".join(_compared(name, gain) for name, gain in gains.items())
    own = f"{number(crps)}\N{NO-BREAK SPACE}K"
    return (
        f"In the mean over lead times up to {last_lead} h, the student's forecast, made of "
        f"satellite frames alone, {compared} of CRPS, the error of an ensemble; its own is {own}."
    )


def _compared(other: str, gain: Estimate) -> str:
    """What a forecast does beside another one, as a verb."""
    if gain.sign:
        verb = "beats" if gain.sign > 0 else "is worse than"
        return f"{verb} {other} by {gain.size.text(units='K')}"
    if gain.has_interval:
        return f"gives no evidence of beating {other}: it gains {gain.text(units='K')}"
    verb = "beats" if gain.value > 0 else "does not beat"
    gained = f"{number(gain.value)}\N{NO-BREAK SPACE}K"
    return (
        f"{verb} {other} on these storms, too few for an interval and no evidence of others, "
        f"by {gained}"
    )


def privilege(gain: Estimate, control: float, climatological: bool) -> str:
    """What ERA5 gave the teacher.

    Args:
        gain: mean CRPS of the control minus the teacher's, K, paired.
        control: mean CRPS of the control, K.
        climatological: the environment is a climatology, in ERA5's place.
    """
    if climatological:
        return (
            "The environment of this run is climatological, not that of the storms: nothing can "
            "be concluded about what ERA5 adds, whatever the figures below are."
        )
    whose = "the teacher, which sees it, {} the control, which saw neither ERA5 nor the teacher"
    if gain.sign > 0:
        percent = f"{number(100 * gain.value / control, 0)} % of the control's error"
        return f"ERA5 helped: {whose.format('beats')}, by {gain.text(units='K')}, {percent}."
    if gain.sign < 0:
        told = gain.size.text(units="K")
        return f"ERA5 did not help: {whose.format('is worse than')}, by {told}."
    if gain.has_interval:
        told = f"gains {gain.text(units='K')} over"
        return f"No evidence that ERA5 helped: {whose.format(told)}."
    told = f"gains {number(gain.value)}\N{NO-BREAK SPACE}K over"
    return (
        f"No evidence whether ERA5 helped: {whose.format(told)}, on storms too few for an interval."
    )


def kept(share: Estimate, gain: Estimate, gap: Estimate, climatological: bool) -> str:
    """What the student kept of that.

    Args:
        share: of the teacher's gain, that the student has too; no figure where there is none.
        gain: mean CRPS of the control minus the student's, K, paired.
        gap: the same of the teacher.
        climatological: the environment is a climatology.
    """
    beside = f"the student {_compared('the control', gain)}"
    if climatological:
        return f"No share of a gain from ERA5 is claimed where there is no ERA5: {beside}."
    if gap.sign <= 0:
        return (
            "The teacher is not shown to have gained anything from ERA5 that the student could "
            f"keep, and no share is claimed: {beside}."
        )
    if gain.sign < 0 or share.sign < 0:
        return f"The student kept none of what ERA5 gave the teacher: {beside}."
    if share.sign > 0:
        percent = share.times(100).text(0, "%")
        return f"The student, without ERA5, keeps {percent} of what it gave the teacher: {beside}."
    percent = share.times(100).text(0, "%")
    return (
        "No evidence that the student kept any of what ERA5 gave the teacher: its share is "
        f"{percent}, and {beside}."
    )
