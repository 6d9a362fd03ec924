"""Fields to the target's cells by overlapping areas, so that integrals are conserved.

Areas are those of coordinates in which equal areas are equal: the storm's plane, or longitude and
the sine of latitude. Where the cells of both grids are rectangles there, two small matrices do it;
elsewhere the cells of one grid are, and those of the other quadrilaterals with straight sides.
"""

import numpy as np
from scipy import sparse

from nephele.fields import grid
from nephele.regridding import masked
from nephele.regridding.grids import Curvilinear, Grid, Rectilinear, unwrapped
from nephele.regridding.masked import Matrix, Separable
from nephele.regridding.overlaps import areas, overlaps as common
from nephele.regridding.targets import Box, Boxes, Following, Moving

ROUNDING = 1e-12  # of a cell: what is cut from quadrilaterals is not smaller


def overlaps(
    source_y: np.ndarray, source_x: np.ndarray, target: np.ndarray, name: str
) -> Separable:
    """The weights from cells centred at `source_y`, `source_x` to a square grid `target`, m.

    Both lie on one equal-area plane.

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
    edges = grid.edges(target)[None]
    y, x = (_shares(grid.edges(points), edges) for points in (source_y, source_x))
    return Separable(y, x)


def regrid(weights: Separable, frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Area means over the valid pixels, and the valid fraction.

    Args:
        frames: (time, y, x) on the source grid, NaN where unusable.

    Returns:
        means (time, y, x) on the target grid, NaN where nothing is valid; fractions, alike.
    """
    return masked.apply(weights, frames)


def fixed(source: Grid, target: Box) -> Matrix | Separable:
    """Weights from a field to a fixed grid.

    Returns:
        for fields (latitude, longitude) or (y, x); rows sum to the share of the cell covered.
    """
    if isinstance(source, Rectilinear):
        y, x = _along(source, target.latitude[None], target.longitude[None])
        return Separable(y, x)
    edges = np.sin(np.deg2rad(target.latitude)), target.longitude
    quads = _quads(*source.corners)
    around = bool(np.ptp(target.longitude) > 360 - 1e-9)
    longitude = _turned(quads[1], target.longitude, around)
    columns = np.append(edges[1], edges[1][1:] + 360) if around else edges[1]
    parts = common(longitude, np.sin(np.deg2rad(quads[0])), columns, edges[0])
    column = parts.column % target.shape[1]
    cell = np.diff(edges[0])[parts.row] * np.diff(edges[1])[column]
    row = parts.row * target.shape[1] + column
    shape = int(np.prod(target.shape)), int(np.prod(source.shape))
    return Matrix.of(_matrix(row, parts.quad, parts.area / cell, shape, ROUNDING), target.shape)


def following(source: Grid, target: Moving, field: np.ndarray, fields: int) -> Matrix | Separable:
    """Weights from a stack of fields to all the frames around a storm, in one matrix.

    Args:
        field: number of the field that belongs to each frame, (frame,).
        fields: how many there are.

    Returns:
        for stacks (field, latitude, longitude) or (field, y, x); rows sum to the share of the
        cell that the source covers.

    Raises:
        ValueError: a cell holds a pole, or boxes are to come from a curvilinear grid.
    """
    if isinstance(target, Boxes):
        if not isinstance(source, Rectilinear):
            raise ValueError("boxes of degrees in a curvilinear grid, expected cells of a plane")
        y, x = _along(source, target.latitude, target.longitude, field, fields)
        return Separable(y, x, len(field))
    if isinstance(source, Rectilinear):
        row, cell, share = _cells_of_frames(source, target)
    else:
        row, cell, share = _cells_on_planes(source, target)
    frame = row // target.target.size**2
    cells = int(np.prod(source.shape))
    shape = (int(np.prod(target.shape)), fields * cells)
    return Matrix.of(
        _matrix(row, field[frame] * cells + cell, share, shape, ROUNDING), target.shape
    )


def _cells_of_frames(
    source: Rectilinear, target: Following
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Target cell, source cell and share, in longitude and sine of latitude."""
    latitude, longitude = _quads(*target.corners())
    rows, columns = _edges(source)
    u, v = _turned(longitude, columns, source.periodic), np.sin(np.deg2rad(latitude))
    parts = common(
        u, v, np.append(columns, columns[1:] + 360) if source.periodic else columns, rows
    )
    row = source.shape[0] - 1 - parts.row if _southward(source) else parts.row
    cell = row * source.shape[1] + parts.column % source.shape[1]
    return parts.quad, cell, parts.area / areas(u, v)[parts.quad]


def _cells_on_planes(
    source: Curvilinear, target: Following
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same, in the plane of each frame."""
    corners = source.corners
    centre = target.latitude[:, None, None], target.longitude[:, None, None]
    with np.errstate(divide="ignore"):
        x, y = grid.to_plane(corners[0], corners[1], *centre)
    # Beyond a quarter of the Earth the plane turns cells inside out; no frame reaches there.
    far = np.hypot(x, y) > np.sqrt(2) * grid.EARTH_RADIUS
    x, y = np.where(far, np.inf, x), np.where(far, np.inf, y)
    v, u = _quads(y, x)
    whole = np.flatnonzero(np.isfinite(u).all(axis=1))
    parts = common(u[whole], v[whole], target.edges, target.edges)
    frame, cell = np.divmod(whole[parts.quad], int(np.prod(source.shape)))
    size = target.target.size
    row = (frame * size + parts.row) * size + parts.column
    return row, cell, parts.area / target.target.cell**2


def _edges(source: Rectilinear) -> tuple[np.ndarray, np.ndarray]:
    """Sines of the rows' edges, from south to north, and longitudes of the columns' edges."""
    return np.sort(np.sin(np.deg2rad(source.edges[0]))), source.edges[1]


def _southward(source: Rectilinear) -> bool:
    return bool(source.latitude[0] > source.latitude[-1])


def _quads(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Values at corners (…, y + 1, x + 1) as those of each cell, in circular order, (cell, 4)."""
    return tuple(
        np.stack(
            [part[..., :-1, :-1], part[..., :-1, 1:], part[..., 1:, 1:], part[..., 1:, :-1]],
            axis=-1,
        ).reshape(-1, 4)
        for part in (first, second)
    )  # type: ignore[return-value]


def _turned(longitude: np.ndarray, edges: np.ndarray, around: bool) -> np.ndarray:
    """Longitudes (cell, 4) turned, cell by cell, to where the grid with these edges has them.

    Raises:
        ValueError: a cell holds a pole, and has no longitudes.
    """
    closed = unwrapped(np.concatenate([longitude, longitude[:, :1]], axis=1))
    if (np.abs(closed[:, 4] - closed[:, 0]) > 180).any():
        raise ValueError(
            "a cell holds a pole, expected none; take bilinear weights, or cut the grid before it"
        )
    cells = closed[:, :4]
    if around:  # from the seam on, and as far beyond it as the last cell reaches
        place, start = cells.min(axis=1), edges[0]
    else:
        place, start = cells.mean(axis=1), (edges[0] + edges[-1]) / 2 - 180
    return cells - 360 * np.floor((place - start) / 360)[:, None]


def _along(
    source: Rectilinear,
    latitude: np.ndarray,
    longitude: np.ndarray,
    field: np.ndarray | None = None,
    fields: int = 1,
) -> tuple[sparse.csr_array, sparse.csr_array]:
    """Weights along either axis, for edges (frame, edge) in degrees.

    Of rows, those of each frame's `field`; of columns, each frame has its own.
    """
    rows, columns = _edges(source)
    row, cell, share = _parts(rows, np.sin(np.deg2rad(latitude)))
    if _southward(source):
        cell = source.shape[0] - 1 - cell
    frame = row // (latitude.shape[1] - 1)
    if field is not None:
        cell = cell + field[frame] * source.shape[0]
    y = _matrix(row, cell, share, (latitude[:, 1:].size, fields * source.shape[0]))

    if source.periodic:
        columns = np.append(columns, [columns[1:] + 360, columns[1:] + 720])
        west = columns[0]
    else:
        west = (columns[0] + columns[-1]) / 2 - 180 - np.ptp(longitude, axis=1) / 2
    turns = np.floor((longitude[:, 0] - west) / 360)
    row, cell, share = _parts(columns, longitude - 360 * turns[:, None])
    frame = row // (longitude.shape[1] - 1)
    cell = cell % source.shape[1] + frame * source.shape[1]
    x = _matrix(row, cell, share, (longitude[:, 1:].size, len(longitude) * source.shape[1]))
    return y, x


def _shares(source: np.ndarray, target: np.ndarray) -> sparse.csr_array:
    """Share of each target cell that each source cell covers, from edges (source,), (1, target)."""
    return _matrix(*_parts(source, target), (target.shape[1] - 1, len(source) - 1))


def _parts(source: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Target cell, source cell and share, from increasing edges (source,) and (frame, target)."""
    low, high = target[:, :-1].ravel(), target[:, 1:].ravel()
    first = np.maximum(np.searchsorted(source, low, side="right") - 1, 0)
    last = np.minimum(np.searchsorted(source, high, side="left") - 1, len(source) - 2)
    count = np.maximum(last - first + 1, 0)
    cell = np.repeat(np.arange(len(low)), count)
    inner = np.arange(len(cell)) - np.repeat(np.cumsum(count) - count, count)
    number = first[cell] + inner
    shared = np.minimum(source[number + 1], high[cell]) - np.maximum(source[number], low[cell])
    return cell, number, shared / (high - low)[cell]


def _matrix(
    row: np.ndarray,
    column: np.ndarray,
    share: np.ndarray,
    shape: tuple[int, int],
    least: float = 0.0,
) -> sparse.csr_array:
    matrix = sparse.coo_array((share, (row, column)), shape=shape).tocsr()
    matrix.data[np.abs(matrix.data) < least] = 0
    matrix.eliminate_zeros()
    return matrix
