"""One storm on the target grid: frames without holes, fields with their valid fractions."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from scipy import ndimage

from nephele.fields import contract, times
from nephele.fields.variables import FRAMES
from nephele.regridding import bilinear, conservative, masked
from nephele.regridding.grids import Rectilinear
from nephele.regridding.targets import Following, Target


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
    images = _in_memory(conservative.regrid(weights, frames[FRAMES].values)[0], (2, 0, 1))
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
    source = Rectilinear.of(era5.latitude.values, era5.longitude.values)
    around = Following(target, *centre)
    positions = around.positions()
    if not bilinear.covered(source, *positions):
        (south, west), (north, east) = (
            [limit(part) for part in positions] for limit in (np.min, np.max)
        )
        raise ValueError(
            f"{label}: found latitude {source.latitude.min():g} to {source.latitude.max():g} and "
            f"longitude {source.longitude[0]:g} to {source.longitude[-1]:g}, expected at least "
            f"{south:.2f} to {north:.2f} and {west:.2f} to {east:.2f}; acquire a larger area"
        )
    field = times.latest(times.of(era5), moments, label, times.ERA5_AGE)
    weights = bilinear.following(source, around, field, era5.sizes["time"])
    stack = np.stack([era5[v].transpose(*contract.ERA5_DIMS).values for v in variables])
    values, valid = masked.apply(weights, stack.astype(np.float64))
    return tuple(_in_memory(part, (1, 2, 3, 0)).swapaxes(0, 1) for part in (values, valid))  # type: ignore[return-value]


def _in_memory(values: np.ndarray, order: tuple[int, ...]) -> np.ndarray:
    """The same values, with their axes in this order in memory.

    The statistics of windows are sums in the order of memory: another order would change their
    last digit, and with it the checksum of every dataset made before.
    """
    return np.ascontiguousarray(values.transpose(order)).transpose(np.argsort(order))
