"""The ledger of privileged information: what ERA5 gives the teacher, what the student keeps.

Gains are differences of fair CRPS, in K, positive where the forecast is better than the one
it is compared with: the control, which is the student without a teacher, or persistence. All
forecasts share windows and noise, so the differences are paired. The share of the gap that the
student closes is its gain over the control as a part of the teacher's; it has a meaning only
where the teacher has a gain.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from nephele.evaluation import bootstrap, scores
from nephele.evaluation.verification import Design, Verified, rows, with_mean

TEACHER, STUDENT, CONTROL = "teacher", "student", "control"
SHUFFLED = "teacher_shuffled"  # the teacher, given another window's ERA5
PERSISTENCE, OPTICAL_FLOW = "persistence", "optical_flow"
OVER_CONTROL, OVER_PERSISTENCE = "gain_over_control", "gain_over_persistence"
SHARE = "gap_closed"


def ledger(verified: Mapping[str, Verified], design: Design) -> pd.DataFrame:
    """Rows of gains over the control and over persistence, and of the share of the gap.

    The share is NaN at lead times where the interval of the teacher's gain is not above zero.
    """
    weights = design.weights()
    crps, drawn = {}, {}
    for name, found in verified.items():
        crps[name] = with_mean(scores.score("crps", found.statistics))
        drawn[name] = with_mean(scores.score("crps", found.statistics, weights))

    def gains(score: str, forecasts: list[str], over: str) -> list[pd.DataFrame]:
        return [
            rows(score, name, crps[over] - crps[name], drawn[over] - drawn[name], design)
            for name in forecasts
            if name in crps and over in crps
        ]

    share, shares = _share(crps, drawn, design.storm_count)
    parts = [
        *gains(OVER_CONTROL, [TEACHER, STUDENT, SHUFFLED], CONTROL),
        *gains(OVER_PERSISTENCE, [TEACHER, STUDENT, CONTROL], PERSISTENCE),
        rows(SHARE, STUDENT, share, shares, design),
    ]
    return pd.concat(parts, ignore_index=True)


def _share(
    crps: Mapping[str, np.ndarray], drawn: Mapping[str, np.ndarray], storms: int
) -> tuple[np.ndarray, np.ndarray]:
    """The share of the gap that is closed, and its resamples; NaN without evidence of a gap."""
    gap, gaps = crps[CONTROL] - crps[TEACHER], drawn[CONTROL] - drawn[TEACHER]
    low, _ = bootstrap.interval(gaps, storms)
    evident = low > 0  # false for the NaN of too few storms
    closed = (crps[CONTROL] - crps[STUDENT]) / np.where(evident, gap, np.nan)
    # A resample may still have a gap of zero; it then has no share.
    usable = evident & (gaps != 0)
    return closed, (drawn[CONTROL] - drawn[STUDENT]) / np.where(usable, gaps, np.nan)


def counts(design: Design, members: int) -> dict:
    """How much the evidence rests on, in the shape of the metrics file."""
    return {
        "test": {"storms": design.storm_count, "windows": len(design.storms), "members": members}
    }
