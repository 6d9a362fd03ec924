"""The score that decides: of forecasts here, of the number of sampling steps in training."""

from itertools import combinations

import numpy as np


def fair_crps(forecast: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Fair continuous ranked probability score, mean over pixels: K, (lead,).

    Its expectation does not depend on the number of members (Ferro 2014, doi:10.1002/qj.2270):
    mean |member − truth| less half the mean |member − other member|. Of a single member, the
    absolute error.
    """
    distance = np.abs(forecast - truth).mean(axis=(0, -2, -1), dtype=np.float64)
    members = len(forecast)
    if members == 1:
        return distance
    pairs = combinations(forecast, 2)
    apart = sum(np.abs(a - b).mean(axis=(-2, -1), dtype=np.float64) for a, b in pairs)
    return distance - apart / (members * (members - 1))
