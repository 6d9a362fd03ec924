"""The score that decides: of forecasts here, of the number of sampling steps in training."""

import numpy as np
import xarray as xr
from scores.probability import crps_for_ensemble


def fair_crps(forecast: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Fair continuous ranked probability score, mean over pixels: K, (lead,).

    Its expectation does not depend on the number of members (Ferro 2014, doi:10.1002/qj.2270):
    mean |member − truth| less half the mean |member − other member|. Of a single member, the
    absolute error.

    Args:
        forecast: K, (member, lead, y, x).
        truth: K, (lead, y, x).

    Returns:
        NaN at lead times where a member or the truth is not finite somewhere.
    """
    # The library leaves out what is not a number, and a network that fails at some pixels
    # would be scored by the others.
    whole = np.isfinite(forecast).all(axis=(0, -2, -1)) & np.isfinite(truth).all(axis=(-2, -1))
    if len(forecast) == 1:
        score = np.abs(forecast[0] - truth).mean(axis=(-2, -1), dtype=np.float64)
    else:
        members = xr.DataArray(forecast, dims=("member", "lead", "y", "x"))
        observed = xr.DataArray(truth, dims=("lead", "y", "x"))
        score = crps_for_ensemble(
            members, observed, "member", method="fair", preserve_dims=["lead"]
        ).values
    return np.where(whole, score, np.nan)
