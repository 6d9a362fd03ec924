"""Figures with the resamples of the storms behind them.

What is made of several of them is made resample by resample, so that it stays paired: the same
storms come and stay away together in all of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from nephele.evaluation import bootstrap


@dataclass(frozen=True, eq=False)
class Measured:
    """A figure, or an array of them, such as a matrix variable × lead time.

    Attributes:
        values: what was measured.
        resampled: the same on each resample of the storms, (resample, *shape of values); one
            that holds for all of them where no storms stand behind it.
        storms: how many stand behind it.
    """

    values: np.ndarray
    resampled: np.ndarray
    storms: int

    @classmethod
    def exact(cls, values: np.ndarray) -> "Measured":
        """Figures behind which no storms stand, so without intervals."""
        return cls(values, values[None], storms=0)

    @property
    def low(self) -> np.ndarray:
        """Lower ends of the intervals, NaN where there is none."""
        return self._interval[0]

    @property
    def high(self) -> np.ndarray:
        """Upper ends."""
        return self._interval[1]

    @cached_property
    def _interval(self) -> tuple[np.ndarray, np.ndarray]:
        return bootstrap.interval(self.resampled, self.storms)


def over_storms(
    value: Callable[[np.ndarray], np.ndarray],
    storms: Sequence[str] | np.ndarray,
    weights: np.ndarray,
) -> Measured:
    """A figure of windows.

    Args:
        value: the figure, given the share of each window in it, (..., window).
        storms: each window's storm.
        weights: of `bootstrap.storm_weights`.
    """
    count = len(storms)
    shares = weights / weights.sum(axis=-1, keepdims=True)
    whole = value(np.full(count, 1 / count))
    return Measured(whole, value(shares), len(np.unique(np.asarray(storms))))


def root_mean_square(
    squared: np.ndarray, storms: Sequence[str] | np.ndarray, weights: np.ndarray
) -> Measured:
    """The root of the mean over windows of `squared`, (window, ...), as `over_storms`."""
    return over_storms(lambda share: np.sqrt(mean(share, squared)), storms, weights)


def mean(share: np.ndarray, windows: np.ndarray) -> np.ndarray:
    """The mean of `windows`, (window, ...), by the share of each, (..., window)."""
    return np.tensordot(share, windows, axes=(-1, 0))


def derived(function: Callable[..., np.ndarray], *parts: Measured) -> Measured:
    """What `function` makes of the parts, and of their resamples one by one.

    Args:
        function: of arrays that may have one more axis, the first, for the resamples.
    """
    return Measured(
        np.asarray(function(*(part.values for part in parts))),
        np.asarray(function(*(part.resampled for part in parts))),
        max(part.storms for part in parts),
    )
