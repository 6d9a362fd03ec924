"""Regridding by CDO, an implementation that shares nothing with this one (Debian's `cdo`)."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from nephele.regridding import lazily
from nephele.regridding.grids import Curvilinear
from nephele.regridding.targets import Box, Following

UNITS = {"latitude": "degrees_north", "longitude": "degrees_east"}


def regridded(
    folder: Path, operator: str, field: xr.DataArray, target: Box | Following
) -> np.ndarray:
    """A field on the cells of `target` (of one frame), by `remapbil` or `remapcon`."""
    if shutil.which("cdo") is None:
        pytest.skip("no cdo; apt-get install cdo")
    given, grid, found = folder / "given.nc", folder / "grid.nc", folder / "found.nc"
    source = lazily.source(field.to_dataset(name="field"))[0]
    corners = source.corners if isinstance(source, Curvilinear) else None
    described(field, corners).to_netcdf(given)
    described(cells(target), None if isinstance(target, Box) else target.corners()).to_netcdf(grid)
    command = ["cdo", "-s", "-b", "F64", f"{operator},{grid}", str(given), str(found)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    with xr.open_dataset(found, decode_times=False) as opened:
        return opened["field"].values.reshape(target.shape)


def cells(target: Box | Following) -> xr.DataArray:
    """A field of zeros on a target."""
    if isinstance(target, Box):
        axes = dict(zip(("latitude", "longitude"), target.centres, strict=True))
        return xr.DataArray(np.zeros(target.shape), axes, ("latitude", "longitude"))
    (latitude,), (longitude,) = target.positions()
    axes = {"latitude": (("y", "x"), latitude), "longitude": (("y", "x"), longitude)}
    return xr.DataArray(np.zeros(target.shape[1:]), axes, ("y", "x"))


def described(field: xr.DataArray, corners: tuple[np.ndarray, np.ndarray] | None) -> xr.Dataset:
    """With the attributes, and the bounds of cells with `corners`, by which CDO knows a grid."""
    dataset = field.astype(np.float64).to_dataset(name="field")
    for name, units in UNITS.items():
        dataset[name].attrs = {"units": units, "standard_name": name}
    if corners is not None:
        for name, part in zip(UNITS, corners, strict=True):
            plane = part.reshape(part.shape[-2:])
            sides = plane[:-1, :-1], plane[:-1, 1:], plane[1:, 1:], plane[1:, :-1]
            dataset[f"{name}_bounds"] = (("y", "x", "corner"), np.stack(sides, axis=-1))
            dataset[name].attrs["bounds"] = f"{name}_bounds"
    return dataset
