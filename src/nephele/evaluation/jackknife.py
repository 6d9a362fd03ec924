"""Intervals by leaving out one storm after another.

For figures that are made of *pairs* of samples, such as neighbourhoods: a bootstrap draws some
samples twice, each copy is then its own nearest neighbour, and the figure is no longer the same
figure. Nothing is repeated here.
"""

import numpy as np
from scipy.stats import t as student_t

from nephele.evaluation.bootstrap import FEWEST_STORMS, LEVEL


def interval(
    whole: float | np.ndarray, without: np.ndarray
) -> tuple[float | np.ndarray, float | np.ndarray]:
    """`whole` and on either side Student's t times the jackknife's standard error.

    For a mean over storms that is the usual t interval. For any other figure that does not
    depend on the storms' order the jackknife's variance is, in expectation, not too small (Efron
    and Stein 1981, doi:10.1214/aos/1176345462; for pairs of which either member may be left
    out Lin et al. 2020, arXiv:2004.08935), so the interval errs on the wide side. It is not
    moved by the jackknife's estimate of bias: what chance gives depends on the number of samples.

    Args:
        whole: the figure with all storms.
        without: the figure without each storm, (storm, …).

    Returns:
        Ends as (low, high); NaN where there are fewer than `FEWEST_STORMS`.
    """
    storms = len(without)
    if storms < FEWEST_STORMS:
        nowhere = np.full(np.shape(whole), np.nan)
        return nowhere, nowhere
    squares = ((without - without.mean(axis=0)) ** 2).sum(axis=0)
    error = np.sqrt((storms - 1) / storms * squares)
    reach = student_t.ppf((1 + LEVEL) / 2, storms - 1) * error
    return whole - reach, whole + reach
