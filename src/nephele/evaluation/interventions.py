"""Samples as they would be if ERA5 had been otherwise.

Only the values are replaced. Where a variable is valid stays as it is: the land does not move.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from torch import Tensor

from nephele.windows.tensors import Samples


def with_climatology(
    samples: Samples, variable: int, climatology: Tensor, towards: float = 1.0, since: int = 0
) -> Samples:
    """`variable` moved towards its climatology, at every time that the samples have of it.

    Args:
        variable: its number.
        climatology: normalised as the samples are, (variable, y, x).
        towards: 1 replaces, ½ goes half of the way, 0 leaves everything as it was.
        since: the first time of it that is moved, by number; earlier ones stay.
    """
    era5 = samples.era5.clone()
    moved = era5[:, variable, since:]  # a view
    moved.lerp_(climatology[variable].expand_as(moved), towards)
    return replace(samples, era5=era5)


def with_variable_of(samples: Samples, variable: int, others: Samples) -> Samples:
    """`variable` replaced by that of other samples, one for one."""
    era5 = samples.era5.clone()
    era5[:, variable] = others.era5[:, variable]
    return replace(samples, era5=era5)


def with_environment_of(samples: Samples, others: Samples) -> Samples:
    """All of ERA5, its validity too, replaced by that of other samples: none of it is true."""
    return replace(samples, era5=others.era5, valid=others.valid)


def strangers(storms: Sequence[str] | np.ndarray, seed: int) -> np.ndarray:
    """For each window another one, of another storm, each used once: a permutation.

    Where one storm has more than half of the windows, as many as possible are of another storm
    and the rest at least half of the windows away.
    """
    storms = np.asarray(storms)
    names, position, sizes = np.unique(storms, return_inverse=True, return_counts=True)
    place = np.random.default_rng(seed).permutation(len(names))
    order = np.argsort(place[position], kind="stable")  # storm by storm, storms in random order
    # Further than the largest storm is long, the next window cannot be of the same storm.
    distance = min(int(sizes.max()), len(storms) // 2)
    partner = np.empty(len(storms), dtype=int)
    partner[order] = np.roll(order, -distance)
    return partner
