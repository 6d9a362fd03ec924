"""Scores of ensemble forecasts, as statistics of single windows and what their means say.

A score is computed in two steps: `statistics` reduces one window to a few numbers a lead
time, and `score` makes a score of their (weighted) means over windows. So the windows go by
one at a time, and a bootstrap only weighs the statistics anew.
"""

from collections.abc import Callable, Mapping

import numpy as np
import xarray as xr
from scores.probability import rank_histogram

from nephele.evaluation.crps import fair_crps
from nephele.evaluation.structure import ensemble_ssim, fss_parts

COLD = (235, 220)  # K: cold cloud, and the deep convection in it

Statistics = Mapping[str, np.ndarray]  # name: (lead,) of one window or (window, lead) of many

# What each score is made of: a function of the means of the statistics.
FORMULAE: dict[str, Callable[[Statistics], np.ndarray]] = {
    "crps": lambda mean: mean["crps"],
    "rmse": lambda mean: np.sqrt(mean["squared_error"]),
    "bias": lambda mean: mean["error"],
    "spread_skill": lambda mean: np.sqrt(_ratio(mean["variance"], mean["squared_error"])),
    "ssim": lambda mean: mean["ssim"],
    "fss_235": lambda mean: 1 - _ratio(mean["fss_235_wrong"], mean["fss_235_worst"]),
    "fss_220": lambda mean: 1 - _ratio(mean["fss_220_wrong"], mean["fss_220_worst"]),
}
UNITS = {"crps": "K", "rmse": "K", "bias": "K"}  # the others have none
NEEDS_MEMBERS = ("spread_skill",)  # says nothing of a single forecast


def statistics(forecast: np.ndarray, truth: np.ndarray) -> dict[str, np.ndarray]:
    """The numbers that the scores of one window are made of, each of shape (lead,).

    Args:
        forecast: K, (member, lead, y, x); one member is a deterministic forecast.
        truth: K, (lead, y, x).
    """
    members = len(forecast)
    error = forecast.mean(axis=0, dtype=np.float64) - truth
    found = {
        "crps": fair_crps(forecast, truth),
        "squared_error": (error**2).mean(axis=(-2, -1)),
        "error": error.mean(axis=(-2, -1)),
        "ssim": ensemble_ssim(forecast, truth),
    }
    if members > 1:
        # The mean of M members errs by more than the mean of very many would: with this
        # factor spread equals error for a perfect ensemble of any size
        # (Fortin et al. 2014, doi:10.1175/JHM-D-14-0008.1).
        spread = forecast.var(axis=0, ddof=1, dtype=np.float64).mean(axis=(-2, -1))
        found["variance"] = (members + 1) / members * spread
    for threshold in COLD:
        wrong, worst = fss_parts(forecast, truth, float(threshold))
        found[f"fss_{threshold}_wrong"], found[f"fss_{threshold}_worst"] = wrong, worst
    return found


def ranks(forecast: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """How often the truth takes each rank among the members: (lead, member + 1).

    Hamill (2001), doi:10.1175/1520-0493(2001)129<0550:IORHFV>2.0.CO;2; ties are shared out. Of
    every second pixel only: its neighbours have hardly anything to add.
    """
    members = xr.DataArray(forecast[..., ::2, ::2], dims=("member", "lead", "y", "x"))
    observed = xr.DataArray(truth[..., ::2, ::2], dims=("lead", "y", "x"))
    return rank_histogram(members, observed, "member", preserve_dims=["lead"]).values


def exchanged_ranks(forecast: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """The ranks that each of the players would take if it were the truth: (lead, player, rank).

    The players are the members and, last, the truth; each is ranked among all others. In a
    perfect ensemble they cannot be told apart, so the others' histograms show what chance does
    to the truth's. Of every second pixel, as in `ranks`, to which the last one is equal; ties,
    which forecasts in K do not have, go to the earlier player.
    """
    players = np.concatenate([forecast, truth[None]])[..., ::2, ::2]
    count, leads = players.shape[:2]
    order = np.argsort(players, axis=0, kind="stable").reshape(count, leads, -1)
    taken = [
        [np.bincount(order[rank, lead], minlength=count) for rank in range(count)]
        for lead in range(leads)
    ]
    return np.array(taken).swapaxes(1, 2) / order.shape[-1]


def score(name: str, windows: Statistics, weights: np.ndarray | None = None) -> np.ndarray:
    """A score by lead time, of many windows.

    Args:
        name: one of `FORMULAE`.
        windows: statistics, each (window, lead).
        weights: how often each window counts, (…, window); by default once.

    Returns:
        (…, lead); NaN where a score is not defined (no cold cloud in any of the windows).
    """
    count = len(windows["squared_error"])
    weights = np.ones(count) if weights is None else weights
    share = weights / weights.sum(axis=-1, keepdims=True)
    means = {key: share @ values for key, values in windows.items()}
    return FORMULAE[name](means)


def available(windows: Statistics) -> list[str]:
    """The scores that these statistics allow."""
    return [name for name in FORMULAE if name not in NEEDS_MEMBERS or "variance" in windows]


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(below > 0, above / below, np.nan)
