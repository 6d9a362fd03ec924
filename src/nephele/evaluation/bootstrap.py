"""Intervals by resampling storms.

Windows of one storm resemble each other, so they come or stay away together (the cluster
bootstrap). The interval says how a figure would differ on other storms. It says nothing of
other training runs.
"""

from collections.abc import Sequence

import numpy as np
from scipy.stats import norm, t as student_t

LEVEL = 0.95
# With fewer storms the resamples take only a handful of values, and their percentiles
# are no interval of anything: none is given.
FEWEST_STORMS = 5


def storm_weights(storms: Sequence[str] | np.ndarray, resamples: int, seed: int) -> np.ndarray:
    """How often each window counts in each resample of the storms: (resample, window).

    A resample draws as many storms as there are, with replacement, with all their windows. The
    same weights for two forecasts make their comparison a paired one.
    """
    names, position = np.unique(np.asarray(storms), return_inverse=True)
    generator = np.random.default_rng(seed)
    draws = generator.multinomial(len(names), np.full(len(names), 1 / len(names)), size=resamples)
    return draws[:, position].astype(np.float64)


def interval(resampled: np.ndarray, storms: int) -> tuple[np.ndarray, np.ndarray]:
    """The expanded percentile interval over the first axis, ends as (low, high).

    Plain percentiles are too narrow for few storms; these are taken further out, by the
    factor by which Student's t interval of a mean is wider than the plain bootstrap's
    (Hesterberg 2015, doi:10.1080/00031305.2015.1089789, section 5.3).

    NaN where there is none: too few storms, or a figure defined in less than half of the resamples.
    """
    shape = resampled.shape[1:]
    if storms < FEWEST_STORMS:
        return np.full(shape, np.nan), np.full(shape, np.nan)
    values = np.where(np.isfinite(resampled), resampled, np.nan)
    defined = np.isfinite(values).mean(axis=0) >= 0.5
    further = student_t.ppf((1 + LEVEL) / 2, storms - 1) * np.sqrt(storms / (storms - 1))
    tails = 100 * norm.cdf([-further, further])
    # Zeros where nothing is defined, only to keep numpy from warning of it.
    low, high = np.nanpercentile(np.where(defined, values, 0.0), tails, axis=0)
    return np.where(defined, low, np.nan), np.where(defined, high, np.nan)
