"""What a matrix of effects has to stand up to: the placebo beside it, and the dose."""

from collections.abc import Sequence

import numpy as np

from nephele.evaluation.measured import Measured, derived

DOSES = (0.25, 0.5, 1.0)  # of an intervention: how far of the way to what replaces a variable


def mean_over_leads(matrix: Measured) -> Measured:
    """By variable, K."""
    return derived(lambda effects: effects.mean(axis=-1), matrix)


def only(matrix: Measured, rows: Sequence[int]) -> Measured:
    """Some of the variables."""
    return derived(lambda effects: effects[..., list(rows), :], matrix)


def over_placebo(matrix: Measured, placebo: int) -> Measured:
    """By how much each other variable's effect exceeds the placebo's, mean over lead times, K.

    Paired: storms in which the forecast answers to anything do so to the placebo too.

    Args:
        placebo: its row.
    """

    def excess(effects: np.ndarray) -> np.ndarray:
        means = effects.mean(axis=-1)
        return np.delete(means - means[..., [placebo]], placebo, axis=-1)

    return derived(excess, matrix)


def growth(by_dose: Sequence[Measured]) -> Measured:
    """By how much the mean over lead times grows from each dose to the next, (step, variable), K.

    Args:
        by_dose: a matrix for each of DOSES. What no dose does is known: nothing.
    """

    def steps(*effects: np.ndarray) -> np.ndarray:
        means = np.stack([each.mean(axis=-1) for each in effects], axis=-2)
        return np.diff(means, axis=-2)

    return derived(steps, *by_dose)
