"""Fields to the centres of the target's cells, between the four source cells around each.

Exact for fields that are linear in latitude and longitude.
"""

import numpy as np
from scipy import sparse

from nephele.regridding.grids import Curvilinear, Grid, Rectilinear, beside
from nephele.regridding.masked import Matrix, Separable
from nephele.regridding.quadrilaterals import located
from nephele.regridding.targets import Box, Boxes, Moving


def fixed(source: Grid, target: Box) -> Matrix | Separable:
    """Weights from a field to a fixed grid; cells whose centre the source does not reach have none.

    Returns:
        for fields (latitude, longitude) or (y, x); rows sum to 1 or to 0.
    """
    if isinstance(source, Rectilinear):
        south, north = _rows(source, target.centres[0]), _columns(source, target.centres[1])
        return Separable(_matrix(*south, source.shape[0]), _matrix(*north, source.shape[1]))
    index, share = located(source, *target.positions())
    return Matrix.of(_matrix(index, share, int(np.prod(source.shape))), target.shape)


def following(source: Grid, target: Moving, field: np.ndarray, fields: int) -> Matrix | Separable:
    """Weights from a stack of fields to all the frames around a storm, in one matrix.

    It picks each frame's field as well as its cells, so that one product serves every
    variable.

    Args:
        field: number of the field that belongs to each frame, (frame,).
        fields: how many there are.

    Returns:
        for stacks (field, latitude, longitude) or (field, y, x); rows sum to 1 or to 0.
    """
    if isinstance(target, Boxes):
        return _boxes(source, target, field, fields)
    latitude, longitude = target.positions()
    cells = int(np.prod(source.shape))
    if isinstance(source, Curvilinear):
        index, share = located(source, latitude, longitude)
    else:
        (row, height), (column, width) = _rows(source, latitude), _columns(source, longitude)
        index = row[..., :, None] * source.shape[1] + column[..., None, :]
        share = height[..., :, None] * width[..., None, :]
        index, share = (part.reshape(*latitude.shape, 4) for part in (index, share))
    index = index + field[:, None, None, None] * cells
    return Matrix.of(_matrix(index, share, fields * cells), target.shape)


def _boxes(source: Grid, target: Boxes, field: np.ndarray, fields: int) -> Separable:
    """Weights along either axis.

    Raises:
        ValueError: the source has no such axes.
    """
    if not isinstance(source, Rectilinear):
        raise ValueError("boxes of degrees in a curvilinear grid, expected the cells of a plane")
    (row, height), (column, width) = (
        along(source, points)
        for along, points in zip((_rows, _columns), target.centres, strict=True)
    )
    frames, (rows, columns) = len(field), source.shape
    row = row + field[:, None, None] * rows
    column = column + np.arange(frames)[:, None, None] * columns
    y, x = _matrix(row, height, fields * rows), _matrix(column, width, frames * columns)
    return Separable(y, x, frames)


def covered(source: Rectilinear, latitude: np.ndarray, longitude: np.ndarray) -> bool:
    """Whether every point lies between cell centres of the source."""
    return bool(_rows(source, latitude)[1].any(-1).all()) and bool(
        _columns(source, longitude)[1].any(-1).all()
    )


def _rows(source: Rectilinear, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if source.latitude[0] < source.latitude[-1]:
        return _between(source.latitude, points)
    index, share = _between(source.latitude[::-1], points)
    return source.shape[0] - 1 - index, share


def _columns(source: Rectilinear, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    axis = source.longitude
    if source.periodic:
        axis = np.append(axis, axis[0] + 360)
    index, share = _between(axis, beside(points, axis[0]))
    return index % source.shape[1], share


def _between(axis: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The two points of an increasing axis about each point, and their shares, (…, 2)."""
    below = np.clip(np.searchsorted(axis, points, side="right") - 1, 0, len(axis) - 2)
    way = (points - axis[below]) / (axis[below + 1] - axis[below])
    outside = (points < axis[0]) | (points > axis[-1])
    share = np.where(outside[..., None], 0.0, np.stack([1 - way, way], axis=-1))
    return np.stack([below, below + 1], axis=-1), share


def _matrix(index: np.ndarray, share: np.ndarray, columns: int) -> sparse.csr_array:
    """One row for all but the last axis of `index` and `share`."""
    each = index.shape[-1]
    starts = np.arange(0, index.size + 1, each)
    return sparse.csr_array(
        (share.ravel(), index.ravel(), starts), shape=(index.size // each, columns)
    )
