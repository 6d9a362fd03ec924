"""The ledger of privileged information: what ERA5 gives the teacher, what the student keeps.

Gains are differences of a score, in K, positive where the forecast is better than the one
it is compared with: the control, which is the student without a teacher, or persistence. All
forecasts share windows and noise, so the differences are paired. The share of the gap that the
student closes is its gain over the control as a part of the teacher's, in fair CRPS; it has a
meaning only where the teacher has a gain.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from nephele.evaluation import bootstrap
from nephele.evaluation.forecasts import CONTROL, PERSISTENCE, SHUFFLED, STUDENT, TEACHER
from nephele.evaluation.scores import Statistics
from nephele.evaluation.verification import Design, Figure, figure, rows

OVER_CONTROL, OVER_PERSISTENCE = "gain_over_control", "gain_over_persistence"
SHARE = "gap_closed"
# The gains have the plain names in fair CRPS, the score that decides.
PREFIXES = {"crps": "", "rmse": "rmse_"}


def ledger(forecasts: Mapping[str, Statistics], design: Design) -> pd.DataFrame:
    """Rows of gains over the control and over persistence, and of the share of the gap.

    The share is NaN at lead times where the interval of the teacher's gain is not above zero.

    Args:
        forecasts: statistics of each forecast, each (window, lead).
    """
    weights = design.weights()
    parts = []
    for score, prefix in PREFIXES.items():
        known = {name: figure(score, found, weights) for name, found in forecasts.items()}
        for gain, names, over in (
            (OVER_CONTROL, (TEACHER, STUDENT, SHUFFLED), CONTROL),
            (OVER_PERSISTENCE, (TEACHER, STUDENT, CONTROL), PERSISTENCE),
        ):
            parts += [
                rows(prefix + gain, name, known[over].less(known[name]), design)
                for name in names
                if name in known and over in known
            ]
        if score == "crps":
            kept, gap = (known[CONTROL].less(known[name]) for name in (STUDENT, TEACHER))
            parts.append(rows(SHARE, STUDENT, share(kept, gap, design), design))
    return pd.concat(parts, ignore_index=True)


def share(part: Figure, whole: Figure, design: Design) -> Figure:
    """A gain as a part of another one; NaN without evidence that there is the other."""
    low, _ = bootstrap.interval(whole.resampled, design.storm_count)
    evident = low > 0  # false for the NaN of too few storms
    # A resample may still have a gain of zero; it then has no share.
    usable = evident & (whole.resampled != 0)
    return Figure(
        part.value / np.where(evident, whole.value, np.nan),
        part.resampled / np.where(usable, whole.resampled, np.nan),
    )


def counts(design: Design, members: int) -> dict:
    """How much the evidence rests on, in the shape of the metrics file."""
    return {
        "test": {"storms": design.storm_count, "windows": len(design.storms), "members": members}
    }
