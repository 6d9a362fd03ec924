"""The truth that a causal matrix is held to: one variable replaced, the same chance, run again."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from nephele.world.anomalies import Intervention
from nephele.world.drivers import DRIVERS, STEP_HOURS
from nephele.world.simulation import simulate
from nephele.world.statistics import coarsened

FACTOR = 2  # cells of 10 km a side in one of 20 km, which forecasts have


def true_effects(
    seed: int,
    storms: Sequence[int],
    since: int,
    leads: int,
    anomaly: float = 0.0,
    towards: float = 1.0,
) -> xr.Dataset:
    """What replacing each variable's anomaly from frame `since` on changes in the frames after it.

    Args:
        storms: numbers of the storms, 1 for S0001.
        since: frame of the initial time, the first at which the variable is replaced.
        leads: number of frames after it.
        anomaly, towards: as in `Intervention`; the default replaces it by its climatology.

    Returns:
        per (variable, storm, lead_time in h): `change`, root mean square over the pixels of
        20 km, and `mean_change` of the frame's mean, both K, replaced minus original.
    """
    count = since + leads + 1
    shape = (len(DRIVERS), len(storms), leads)
    change, mean_change = np.empty(shape), np.empty(shape)
    for column, storm in enumerate(storms):
        original = _after(simulate(seed, storm, count), since)
        for row, name in enumerate(DRIVERS):
            replaced = {name: Intervention(since, anomaly, towards)}
            difference = _after(simulate(seed, storm, count, replaced), since) - original
            change[row, column] = np.sqrt((difference**2).mean((1, 2)))
            mean_change[row, column] = difference.mean((1, 2))
    dims = ("variable", "storm", "lead_time")
    hours = STEP_HOURS * np.arange(1, leads + 1)
    return xr.Dataset(
        {
            "change": (dims, change, {"units": "K"}),
            "mean_change": (dims, mean_change, {"units": "K"}),
        },
        coords={
            "variable": list(DRIVERS),
            "storm": list(storms),
            "lead_time": ("lead_time", hours, {"units": "hours"}),
        },
        attrs={"title": "SYNTHETIC"},
    )


def _after(storm: xr.Dataset, since: int) -> np.ndarray:
    return coarsened(storm["brightness_temperature"].values[since + 1 :], FACTOR)
