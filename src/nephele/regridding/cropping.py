"""The part of a source's rows and columns that a target lies in."""

import logging

import numpy as np
import xarray as xr

from nephele.fields import grid as plane
from nephele.regridding.grids import Grid, Rectilinear, beside
from nephele.regridding.targets import Box, Boxes, Moving

log = logging.getLogger(__name__)

MARGIN = 2  # rows or columns beyond the rim, so that the outermost cell in use has its neighbours


def rim_of_box(target: Box) -> tuple[np.ndarray, np.ndarray]:
    """Latitudes and longitudes, degrees, of the rim; longitudes go on eastward."""
    return target.latitude, target.longitude


def rim_of_frames(target: Moving) -> tuple[np.ndarray, np.ndarray]:
    """Latitudes and longitudes, degrees, of the rims of all frames (none of which holds a pole)."""
    if isinstance(target, Boxes):
        middle = target.longitude.mean(axis=1)
        turned = beside(middle, middle[0] - 180) - middle
        return target.latitude, target.longitude + turned[:, None]
    edges = target.edges
    sides = [(edges, edges[:1]), (edges, edges[-1:]), (edges[:1], edges), (edges[-1:], edges)]
    centre = target.latitude, target.longitude
    found = [[part.ravel() for part in plane.positions(*side, *centre)] for side in sides]
    latitude, longitude = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return latitude, beside(longitude, target.longitude[0] - 180)


def cropped(
    fields: xr.Dataset,
    source: Grid,
    space: tuple[str, str],
    latitude: np.ndarray,
    longitude: np.ndarray,
) -> tuple[xr.Dataset, Grid]:
    """Fields and grid, without the rows and columns that a rim at these degrees does not reach.

    A curvilinear grid stays whole. Where the rim reaches beyond the fields, the log says so.

    Raises:
        ValueError: the target lies beyond the fields.
    """
    if not isinstance(source, Rectilinear):
        return fields, source
    step = MARGIN * np.abs(np.diff(source.latitude)).max()
    high, low = latitude.max() + step, latitude.min() - step
    rows = np.flatnonzero((source.latitude >= low) & (source.latitude <= high))
    step = MARGIN * np.diff(source.longitude).max()
    west, east = longitude.min() - step, longitude.max() + step
    eastward = beside(source.longitude, west)
    columns = np.flatnonzero(eastward <= east)
    for axis, found, there, (start, end) in (
        ("latitude", rows, source.latitude, (latitude.min(), latitude.max())),
        ("longitude", columns, source.longitude, (longitude.min(), longitude.max())),
    ):
        if len(found) == 0:
            raise ValueError(
                f"{axis}: found {there.min():g} to {there.max():g}, expected some of {start:g} to "
                f"{end:g}, where the target lies; take fields of that area, or another target"
            )
    _tell_beyond("latitude", source.latitude, latitude)
    if np.ptp(source.longitude) + np.diff(source.longitude).max() < 360:
        _tell_beyond("longitude", eastward, longitude)
    # Twice around, or once less a few columns, would have a seam where there is none.
    if east - west > 350 or len(columns) < 2 or len(rows) < 2:
        return fields, source
    columns = columns[np.argsort(eastward[columns])]
    straight = (np.diff(columns) == 1).all()
    part = fields.isel(
        {
            space[0]: slice(rows[0], rows[-1] + 1),
            space[1]: slice(columns[0], columns[-1] + 1) if straight else columns,
        }
    )
    return part, Rectilinear.of(source.latitude[rows], eastward[columns])


def _tell_beyond(axis: str, there: np.ndarray, rim: np.ndarray) -> None:
    """Warn of a target that the fields cover in part."""
    half = np.diff(np.sort(there)).min() / 2
    if rim.min() < there.min() - half or rim.max() > there.max() + half:
        log.warning(
            "%s: the target reaches from %g to %g, the fields from %g to %g; what lies beyond them "
            "is missing (NaN, valid 0)",
            axis, rim.min(), rim.max(), there.min(), there.max(),
        )  # fmt: skip
