"""CRPS of every forecast, window by window: what a later model is compared with, pair by pair."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from nephele.evaluation.sampling import truth
from nephele.evaluation.succession import KEYS
from nephele.evaluation.verification import Verified
from nephele.windows.tensors import Windows


def crps_by_window(
    windows: Windows, chosen: np.ndarray, verified: Mapping[str, Verified]
) -> pd.DataFrame:
    """Fair CRPS, K: a row a window and lead time, a column a forecast.

    Args:
        chosen: the windows that `verified` is about, in their order.

    Returns:
        Columns storm, init_time, lead_hours, truth, then the forecasts. `truth` is the mean of
        the frame that was to be forecast, K, to a hundredth: rows of two tables that share all
        four were scored against the same frame, whatever simulation or archive it is of.
    """
    leads = len(windows.lead_hours)
    frames = truth(windows, windows.samples(chosen))
    times = np.datetime_as_string(windows.init_time[chosen], unit="m")
    table = pd.DataFrame(
        {
            "storm": np.repeat(windows.storm[chosen].astype(str), leads),
            "init_time": np.repeat(times, leads),
            "lead_hours": np.tile(windows.lead_hours, len(chosen)),
            "truth": frames.mean(axis=(-2, -1), dtype=np.float64).round(2).ravel(),
        },
        columns=KEYS,
    )
    return table.assign(**{name: v.statistics["crps"].ravel() for name, v in verified.items()})
