"""Which frames make a window: history and roll-out at a fixed spacing, and nothing missing."""

from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Shape:
    """How many frames, how far apart."""

    history: int
    rollout: int
    spacing_hours: int

    @property
    def hours(self) -> np.ndarray:
        """Hours from the initial time, history first: ..., -3, 0, 3, ..."""
        return np.arange(1 - self.history, self.rollout + 1) * self.spacing_hours


def within(times: pd.DatetimeIndex, shape: Shape) -> np.ndarray:
    """Indices of the frames of every window of one storm, (window, step).

    A window starts at every frame, and exists only where each of its frames does, at
    exactly its time: a gap breaks windows, it never shifts them.
    """
    offsets = pd.to_timedelta(shape.hours - shape.hours[0], unit="h")
    wanted = times.values[:, None] + offsets.values[None, :]
    found = times.get_indexer(pd.DatetimeIndex(wanted.ravel())).reshape(wanted.shape)
    return found[(found >= 0).all(axis=1)]
