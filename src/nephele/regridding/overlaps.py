"""Areas that quadrilaterals have in common with the cells of a rectangular grid.

By Green's theorem: the area of a polygon left of its sides is the sum over the sides of u dv.
Each side is cut where it crosses a grid line, so that each piece lies in one cell; a piece adds to
that cell what lies between the cell's left edge and itself, and to the cells left of it their whole
width. Exact for straight sides, and what neighbours share they share to the last digit: the
pieces of their common side differ in sign only.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Overlaps:
    """What has a common area; the same pair may occur several times, with parts of it.

    Attributes:
        quad, row, column: numbers of the quadrilateral and of the grid's cell, (part,).
        area: in units of u times those of v, (part,).
    """

    quad: np.ndarray
    row: np.ndarray
    column: np.ndarray
    area: np.ndarray


def overlaps(u: np.ndarray, v: np.ndarray, columns: np.ndarray, rows: np.ndarray) -> Overlaps:
    """The parts of quadrilaterals in each cell of a grid.

    Args:
        u, v: their corners, in circular order, (quadrilateral, 4).
        columns, rows: the grid's edges along u and v, increasing.
    """
    near = np.flatnonzero(
        (u.max(1) > columns[0]) & (u.min(1) < columns[-1])
        & (v.max(1) > rows[0]) & (v.min(1) < rows[-1])
    )  # fmt: skip
    u, v = u[near], v[near]
    first_u, first_v = u.ravel(), v.ravel()
    along_u, along_v = (np.roll(u, -1, axis=1) - u).ravel(), (np.roll(v, -1, axis=1) - v).ravel()
    ends = np.zeros((first_u.size, 1)), np.ones((first_u.size, 1))
    cuts = np.sort(
        np.concatenate(
            [ends[0], _cuts(first_u, along_u, columns), _cuts(first_v, along_v, rows), ends[1]],
            axis=1,
        ),
        axis=1,
    )
    length = np.diff(cuts, axis=1)
    side, piece = np.nonzero((length > 0) & (along_v != 0)[:, None])
    middle = cuts[side, piece] + length[side, piece] / 2
    at_u = first_u[side] + middle * along_u[side]
    row = np.searchsorted(rows, first_v[side] + middle * along_v[side], side="right") - 1
    column = np.searchsorted(columns, at_u, side="right") - 1
    inside = (row >= 0) & (row < len(rows) - 1) & (column >= 0)
    side, row, column, at_u = side[inside], row[inside], column[inside], at_u[inside]
    rise = (length[side, piece[inside]]) * along_v[side]
    return _spread(near, u, _turns(u, v)[side // 4] * rise, side // 4, row, column, at_u, columns)


def _spread(
    near: np.ndarray,
    u: np.ndarray,
    rise: np.ndarray,
    quad: np.ndarray,
    row: np.ndarray,
    column: np.ndarray,
    at_u: np.ndarray,
    columns: np.ndarray,
) -> Overlaps:
    """Each piece's share of its own cell and of those left of it in the quadrilateral's reach."""
    last = len(columns) - 2
    leftmost = np.clip(np.searchsorted(columns, u.min(axis=1), side="right") - 1, 0, last)
    own = np.minimum(column, last)
    count = own - leftmost[quad] + 1
    piece = np.repeat(np.arange(len(quad)), count)
    back = np.arange(len(piece)) - np.repeat(np.cumsum(count) - count, count)
    cell = own[piece] - back
    width = np.minimum(at_u[piece], columns[cell + 1]) - columns[cell]
    return Overlaps(near[quad[piece]], row[piece], cell, width * rise[piece])


def areas(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Areas of quadrilaterals, whichever way their corners run, (quadrilateral,)."""
    return np.abs(_signed(u, v))


def _signed(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return (
        (u[:, 2] - u[:, 0]) * (v[:, 3] - v[:, 1]) - (u[:, 3] - u[:, 1]) * (v[:, 2] - v[:, 0])
    ) / 2


def _turns(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """1 where the corners run against the clock, -1 where with it."""
    return np.where(_signed(u, v) < 0, -1.0, 1.0)


def _cuts(first: np.ndarray, along: np.ndarray, lines: np.ndarray) -> np.ndarray:
    """How far on its way each side crosses lines, 0 to 1, (side, crossing), padded with 1."""
    low, high = np.minimum(first, first + along), np.maximum(first, first + along)
    start = np.searchsorted(lines, low, side="right")
    stop = np.searchsorted(lines, high, side="left")
    most = int(max((stop - start).max(initial=0), 0))
    number = start[:, None] + np.arange(most)
    crossing = number < stop[:, None]
    place = lines[np.minimum(number, len(lines) - 1)] - first[:, None]
    share = np.divide(place, along[:, None], out=np.ones(place.shape), where=crossing)
    return np.clip(share, 0.0, 1.0)
