"""Frames to the target's cells by overlapping areas.

Both grids lie on one equal-area plane with their axes aligned, so that the overlap of two
cells is the product of the overlaps in x and in y: two small sparse matrices do it, and
the integral over the plane is conserved.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from nephele.fields import grid


@dataclass(frozen=True)
class Overlaps:
    """Share of each target cell that each source cell covers, along either axis.

    Both (target, source).
    """

    y: sparse.csr_array
    x: sparse.csr_array


def overlaps(source_y: np.ndarray, source_x: np.ndarray, target: np.ndarray, name: str) -> Overlaps:
    """The weights from cells centred at `source_y`, `source_x` to a square grid `target`, m.

    Raises:
        ValueError: the source does not cover the target; `name` is the file that it stands in.
    """
    for axis, points in (("y", source_y), ("x", source_x)):
        have, need = grid.edges(points), grid.edges(target)
        # A tenth of a source cell is rounding of the axis, not missing data.
        slack = 0.1 * float(np.diff(points).max())
        if have[0] > need[0] + slack or have[-1] < need[-1] - slack:
            raise ValueError(
                f"{name}: {axis}: the frames reach from {have[0] / 1e3:.0f} to "
                f"{have[-1] / 1e3:.0f} km, expected {need[0] / 1e3:.0f} to "
                f"{need[-1] / 1e3:.0f} km; lower regrid.size or regrid.cell_km"
            )
    return Overlaps(_shares(source_y, target), _shares(source_x, target))


def regrid(weights: Overlaps, frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Area means over the valid pixels, and the valid fraction.

    Args:
        frames: (time, y, x) on the source grid, NaN where unusable.

    Returns:
        means (time, y, x) on the target grid, NaN where nothing is valid; fractions, alike.
    """
    valid = np.isfinite(frames)
    total = _both(weights, np.where(valid, frames, 0.0))
    fraction = _both(weights, valid.astype(np.float64))
    some = fraction > 1e-6
    means = np.divide(total, fraction, out=np.full_like(total, np.nan), where=some)
    return means, np.where(some, np.minimum(fraction, 1.0), 0.0)


def _both(weights: Overlaps, frames: np.ndarray) -> np.ndarray:
    """Weights along y, then along x, for a whole stack at once."""
    time, rows, columns = frames.shape
    along_y = weights.y @ frames.transpose(1, 0, 2).reshape(rows, time * columns)
    stacked = along_y.reshape(-1, time, columns).transpose(2, 1, 0).reshape(columns, -1)
    along_x = weights.x @ stacked
    return along_x.reshape(weights.x.shape[0], time, -1).transpose(1, 2, 0)


def _shares(source: np.ndarray, target: np.ndarray) -> sparse.csr_array:
    low, high = grid.edges(source)[:-1], grid.edges(source)[1:]
    first, last = grid.edges(target)[:-1, None], grid.edges(target)[1:, None]
    overlap = np.clip(np.minimum(high, last) - np.maximum(low, first), 0.0, None)
    return sparse.csr_array(overlap / (last - first))
