"""What may be said of the likeness of features, and of what a probe reads out of them."""

import pandas as pd

from nephele.fields.variables import PLACEBO
from nephele.pictures.headlines import Estimate, listed

RIVALS = ("control", "untrained", "frames")  # what the student must read better than


def likeness(found: pd.DataFrame) -> list[str]:
    """How often the student's features are shown to be like the teacher's.

    Args:
        found: the table of similarities; its `low` is the lower end of the interval of student
            minus the control that is hardest to reject.
    """
    shown = found.low > 0
    real = found.variable != PLACEBO
    count, cases = int((shown & real).sum()), int(real.sum())
    kinds = [
        f"{kind} {int((shown & real & (found.kind == kind)).sum())} of "
        f"{int((real & (found.kind == kind)).sum())}"
        for kind in dict.fromkeys(found.kind)
    ]
    start = "The" if count else "No evidence that the"
    said = [
        f"{start} student's features are like the teacher's beyond all four controls in {count} of "
        f"{cases} measures of variables ({', '.join(kinds)})."
    ]
    if not count:
        said = [
            "No evidence that the student's features are like the teacher's: no measure of any "
            "variable is shown to be above all four controls."
        ]
    imitated = [
        kind for kind in dict.fromkeys(found.kind) if (shown & ~real & (found.kind == kind)).any()
    ]
    if imitated:
        said.append(
            f"The placebo, which nobody can see in clouds, passes too in features of "
            f"{listed(imitated)}: there, likeness shows imitation and not sight of ERA5."
        )
    return said


def sight(probe: pd.DataFrame, target: str) -> list[str]:
    """Whether the student learnt to see ERA5 in clouds.

    Args:
        probe: the table of the probe.
        target: of its targets, the one to speak of.
    """
    rows = probe[probe.target == target]
    margins = {
        variable: margin(rows[rows.variable == variable])
        for variable in dict.fromkeys(rows.variable)
    }
    real = {name: each for name, each in margins.items() if name != PLACEBO}
    seen = [name for name, each in real.items() if each.sign > 0]
    worse = [name for name, each in real.items() if each.sign < 0]
    said = []
    if seen:
        told = "; ".join(f"{name} by {real[name].text()}" for name in seen)
        said.append(
            f"The student learnt to see {listed(seen)} in clouds: its features tell more of it "
            "than the control's, an untrained network's and the frames' own means (R² above the "
            f"best of them: {told})."
        )
    else:
        said.append(
            "No evidence that the student learnt to see ERA5 in clouds: of no variable do its "
            "features tell more than the control's, an untrained network's and the frames' means."
        )
    if worse:
        said.append(f"Its features tell less of {listed(worse)} than one of these.")
    if PLACEBO in margins and margins[PLACEBO].sign > 0:
        said.append("The probe reads the placebo too, so it finds what is not there.")
    return said


def margin(rows: pd.DataFrame) -> Estimate:
    """R² of the student less that of the rival that is hardest to reject, of one field."""
    ends = ("difference", "difference_low", "difference_high")
    rivals = [
        Estimate(*(float(row[end]) for end in ends))
        for _, row in rows[rows.features.isin(RIVALS)].iterrows()
    ]
    return min(rivals, key=lambda each: each.low if each.has_interval else each.value)
