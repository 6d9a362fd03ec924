"""Whether two matrices, variable × lead time, have their entries in the same order."""

import warnings

import numpy as np
from scipy.stats import ConstantInputWarning, pearsonr, rankdata

from nephele.evaluation.measured import Measured, derived


def rank_correlation(matrix: Measured, truth: Measured) -> Measured:
    """Spearman's correlation of the entries, paired; NaN where one of them is all ties.

    Where one of the matrices is exact, the interval is that of the other alone.
    """
    return derived(spearman, matrix, truth)


def lead_time_alone(truth: Measured) -> Measured:
    """The truth's mean over variables, for each variable: all that lead times tell.

    Effects grow with lead time, whatever the variable. So a matrix that cannot tell one variable
    from another still agrees with the truth as well as this one does.
    """

    def alike(effects: np.ndarray) -> np.ndarray:
        return np.broadcast_to(effects.mean(axis=-2, keepdims=True), effects.shape)

    return derived(alike, truth)


def spearman(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Over the last two axes, for all others at once: Pearson's correlation of the ranks."""
    both = np.broadcast_arrays(first, second)
    ranks = [rankdata(each.reshape(*each.shape[:-2], -1), axis=-1) for each in both]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConstantInputWarning)
        return np.asarray(pearsonr(*ranks, axis=-1).statistic)
