"""One storm on the target grid: frames without holes, fields with their valid fractions."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from scipy import ndimage

from nephele.fields import contract, grid, times
from nephele.fields.variables import FRAMES
from nephele.regridding import bilinear, conservative, masked


@dataclass(frozen=True)
class Target:
    """The square grid centred on the storm."""

    size: int  # cells a side
    cell: float  # m

    @property
    def points(self) -> np.ndarray:
        """Cell centres along either axis, m."""
        return grid.centres(self.size, self.cell)


@dataclass(frozen=True)
class Regridded:
    """A storm's frames and fields on the target grid.

    Attributes:
        frames: K, (frame, y, x), no NaN.
        era5: (frame, variable, y, x), native units, NaN where nothing is valid.
        valid: how much of each cell's weight is valid, whole per cent (a quarter of a fraction's
            memory), (frame, variable, y, x).
        filled: share of the frames' cells without a measurement, filled from the nearest one.
    """

    name: str
    times: pd.DatetimeIndex
    latitude: np.ndarray
    longitude: np.ndarray
    frames: np.ndarray
    era5: np.ndarray
    valid: np.ndarray
    filled: float


def regrid(
    name: str, frames: xr.Dataset, era5: xr.Dataset, variables: list[str], target: Target
) -> Regridded:
    """Bring a storm to the target grid.

    Raises:
        ValueError: the frames or the fields do not cover the target, in space or in time.
    """
    centre = frames.centre_latitude.values, frames.centre_longitude.values
    weights = conservative.overlaps(
        frames.y.values, frames.x.values, target.points, f"data/{name}/frames.nc"
    )
    images, _ = conservative.regrid(weights, frames[FRAMES].values)
    fields, valid = _fields(era5, times.of(frames), centre, variables, target, name)
    return Regridded(
        name,
        times.of(frames),
        *centre,
        filled_from_nearest(images).astype(np.float32),
        fields.astype(np.float32),
        np.rint(100 * valid).astype(np.uint8),
        float(np.isnan(images).mean()),
    )


def filled_from_nearest(frames: np.ndarray) -> np.ndarray:
    """`frames` (time, y, x) with every NaN replaced by the nearest value of its own frame."""
    if not np.isnan(frames).any():
        return frames
    filled = frames.copy()
    for frame in filled:
        hole = np.isnan(frame)
        if hole.any():
            nearest = ndimage.distance_transform_edt(
                hole, return_distances=False, return_indices=True
            )
            frame[:] = frame[tuple(nearest)]
    return filled


def _fields(
    era5: xr.Dataset,
    moments: pd.DatetimeIndex,
    centre: tuple[np.ndarray, np.ndarray],
    variables: list[str],
    target: Target,
    name: str,
) -> tuple[np.ndarray, np.ndarray]:
    label = f"data/{name}/era5.nc"
    latitude, longitude = grid.positions(target.points, target.points, *centre)
    axes = era5.latitude.values, era5.longitude.values
    for axis, have, need in zip(
        ("latitude", "longitude"), axes, (latitude, longitude), strict=True
    ):
        if have[0] > need.min() or have[-1] < need.max():
            raise ValueError(
                f"{label}: {axis}: found {have[0]:g} to {have[-1]:g}, expected at least "
                f"{need.min():.2f} to {need.max():.2f}; acquire a larger area"
            )
    source = times.latest(times.of(era5), moments, label, times.ERA5_AGE)
    weights = bilinear.weights(axes, latitude, longitude, source, era5.sizes["time"])
    columns = [era5[v].transpose(*contract.ERA5_DIMS).values.ravel() for v in variables]
    values, valid = masked.apply(weights, np.stack(columns, axis=-1).astype(np.float64))
    shape = (len(moments), target.size, target.size, len(variables))
    return tuple(np.moveaxis(part.reshape(shape), -1, 1) for part in (values, valid))  # type: ignore[return-value]
