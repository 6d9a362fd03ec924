"""The truth that a causal matrix is held to: one variable replaced, the same chance, run again."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import xarray as xr

from nephele.world.anomalies import Intervention
from nephele.world.drivers import DRIVERS, STEP_HOURS
from nephele.world.simulation import run
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
    steps = np.arange(1, leads + 1)
    replaced = [{name: Intervention(since, anomaly, towards)} for name in DRIVERS]
    difference = np.stack(
        [
            run_again(seed, storm, since, steps, replaced, partial(coarsened, factor=FACTOR))[1]
            for storm in storms
        ],
        axis=1,
    )
    dims = ("variable", "storm", "lead_time")
    return xr.Dataset(
        {
            "change": (dims, np.sqrt((difference**2).mean((-2, -1))), {"units": "K"}),
            "mean_change": (dims, difference.mean((-2, -1)), {"units": "K"}),
        },
        coords={
            "variable": list(DRIVERS),
            "storm": list(storms),
            "lead_time": ("lead_time", STEP_HOURS * steps, {"units": "hours"}),
        },
        attrs={"title": "SYNTHETIC"},
    )


def run_again(
    seed: int,
    storm: int,
    since: int,
    steps: np.ndarray,
    interventions: Sequence[dict[str, Intervention]],
    seen: Callable[[np.ndarray], np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
    """A storm's frames as they were, and by how much each intervention changes them, K.

    Args:
        since: frame number of the initial time.
        steps: from there to each lead time.
        seen: the frames (time, y, x) on the grid on which they are looked at.

    Returns:
        (lead, y, x) and (intervention, lead, y, x), intervened minus original.
    """

    length = since + int(steps.max()) + 1

    def frames(ran: xr.Dataset) -> np.ndarray:
        return seen(ran["brightness_temperature"].values[since + steps])

    ran, before = run(seed, storm, length)
    original = frames(ran)
    replaced = (run(seed, storm, length, each, before)[0] for each in interventions)
    return original, np.stack([frames(ran) - original for ran in replaced])
