"""CRPS of every forecast, window by window: what a later model is compared with, pair by pair."""

import hashlib
from collections.abc import Mapping

import numpy as np
import pandas as pd

from nephele.evaluation.sampling import truth
from nephele.evaluation.verification import Verified
from nephele.windows.tensors import Windows

KEYS = ["storm", "init_time", "truth", "lead_hours"]


def crps_by_window(
    windows: Windows, chosen: np.ndarray, verified: Mapping[str, Verified]
) -> pd.DataFrame:
    """Fair CRPS, K: a row a window and lead time, a column a forecast.

    Args:
        chosen: the windows that `verified` is about, in their order.

    Returns:
        Columns storm, init_time, truth, lead_hours, then the forecasts. `truth` stands for the
        frames that were to be forecast: rows of two tables that share all four were scored
        against the same frames.
    """
    leads = len(windows.lead_hours)
    seen = [
        _digest(truth(windows, windows.samples(chosen[[place]]))) for place in range(len(chosen))
    ]
    times = np.datetime_as_string(windows.init_time[chosen], unit="m")
    table = pd.DataFrame(
        {
            "storm": np.repeat(windows.storm[chosen].astype(str), leads),
            "init_time": np.repeat(times, leads),
            "truth": np.repeat(seen, leads),
            "lead_hours": np.tile(windows.lead_hours, len(chosen)),
        }
    )
    return table.assign(**{name: v.statistics["crps"].ravel() for name, v in verified.items()})


def _digest(frames: np.ndarray) -> str:
    """Of temperatures to a hundredth of a kelvin: rounding in the last bits is no matter."""
    hundredths = np.round(frames * 100).astype("<i4")
    return hashlib.sha256(hundredths.tobytes()).hexdigest()[:16]
