"""Where a point lies within the quadrilaterals that four neighbouring cell centres span."""

import numpy as np
from scipy.spatial import KDTree

from nephele.regridding.grids import Curvilinear, beside, directions

CANDIDATES = 16  # the nearest quadrilaterals, one of which holds the point unless cells are slivers
STEPS = 8  # of Newton's method, which doubles the digits with each
SLACK = 1e-9  # of a cell, so that a point on a common side belongs to somebody


def located(
    source: Curvilinear, latitude: np.ndarray, longitude: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The four cells around each point, and how much each counts in bilinear interpolation.

    Exact for fields that are linear in latitude and longitude: with the corners P0 to P3 of a
    quadrilateral, P = P0 + s (P1 - P0) + t (P3 - P0) + s t (P0 - P1 + P2 - P3) is solved for s
    and t, in degrees, as SCRIP does (Jones 1999, Mon. Wea. Rev. 127, eq. 14).

    Args:
        latitude, longitude: of the points, degrees.

    Returns:
        numbers of the cells in the flattened source, and shares, (…, 4); zero outside the grid.
    """
    around = _quadrilaterals(source)
    middles = directions(source.latitude.ravel(), source.longitude.ravel())[around].mean(axis=1)
    count = min(CANDIDATES, len(around))
    points = directions(latitude.ravel(), longitude.ravel())
    candidates = KDTree(middles).query(points, k=count)[1].reshape(len(points), count)
    cells = np.zeros((latitude.size, 4), dtype=np.int64)
    shares = np.zeros((latitude.size, 4))
    waiting = np.arange(latitude.size)
    for choice in range(count):
        corners = around[candidates[waiting, choice]]
        north = source.latitude.ravel()[corners] - latitude.ravel()[waiting, None]
        east = beside(source.longitude.ravel()[corners] - longitude.ravel()[waiting, None], -180.0)
        s, t = _within(east, north)
        found = (np.minimum(s, t) >= -SLACK) & (np.maximum(s, t) <= 1 + SLACK)
        s, t = np.clip(s[found], 0, 1), np.clip(t[found], 0, 1)
        cells[waiting[found]] = corners[found]
        shares[waiting[found]] = np.stack(
            [(1 - s) * (1 - t), s * (1 - t), s * t, (1 - s) * t], axis=-1
        )
        waiting = waiting[~found]
        if not len(waiting):
            break
    return cells.reshape(*latitude.shape, 4), shares.reshape(*latitude.shape, 4)


def _quadrilaterals(source: Curvilinear) -> np.ndarray:
    """Numbers of the four cells of each, in circular order, (quadrilateral, 4)."""
    rows, columns = source.shape
    numbers = np.arange(rows * columns).reshape(rows, columns)
    if source.periodic:
        numbers = np.concatenate([numbers, numbers[:, :1]], axis=1)
    corners = numbers[:-1, :-1], numbers[:-1, 1:], numbers[1:, 1:], numbers[1:, :-1]
    return np.stack(corners, axis=-1).reshape(-1, 4)


def _within(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """s and t of the origin in quadrilaterals with the corners x, y (point, 4); NaN for slivers."""
    (ax, bx, cx, dx), (ay, by, cy, dy) = (
        (part[:, 0], part[:, 1] - part[:, 0], part[:, 3] - part[:, 0],
         part[:, 0] - part[:, 1] + part[:, 2] - part[:, 3])
        for part in (x, y)
    )  # fmt: skip
    s, t = np.full(len(x), 0.5), np.full(len(x), 0.5)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for _ in range(STEPS):
            f, g = ax + bx * s + cx * t + dx * s * t, ay + by * s + cy * t + dy * s * t
            fs, ft, gs, gt = bx + dx * t, cx + dx * s, by + dy * t, cy + dy * s
            determinant = fs * gt - ft * gs
            s, t = s - (f * gt - g * ft) / determinant, t - (g * fs - f * gs) / determinant
    return s, t
