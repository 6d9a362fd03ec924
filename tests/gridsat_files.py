"""Small files of GridSat-B1, laid out as NOAA publishes them, but every tenth row and column."""

from collections.abc import Callable
from pathlib import Path

import netCDF4
import numpy as np
import pandas as pd

STEP = 0.7  # degrees; a published file has 0.07
FILL = -31_999
FIRST, EPOCH = (-70.0, -180.0), pd.Timestamp("1970-01-01")
Field = Callable[[np.ndarray, np.ndarray], np.ndarray]


def axes(step: float = STEP) -> tuple[np.ndarray, np.ndarray]:
    """Latitudes and longitudes: from 70°S below 70°N, and from 180°W once around."""
    latitude = np.arange(FIRST[0], 69.99, step)
    return latitude, np.arange(FIRST[1], 179.99, step)


def smooth(latitude: np.ndarray, longitude: np.ndarray) -> np.ndarray:
    """K: linear in the place in space, so that no date line can be seen in it."""
    phi, turn = np.deg2rad(latitude), np.deg2rad(longitude)
    east = 10 * np.cos(turn) - 15 * np.sin(turn)
    return 270 + np.cos(phi) * east + 12 * np.sin(phi)


def write(
    folder: Path, time: pd.Timestamp, field: Field = smooth, step: float = STEP, **changes
) -> Path:
    """One file.

    Args:
        field: K at latitude (y, 1) and longitude (1, x), NaN where missing.
        changes: name of the variable, its attributes, the time inside, dtype: what to do wrong.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"GRIDSAT-B1.{time:%Y.%m.%d.%H}.v02r01.nc"
    latitude, longitude = axes(step)
    kelvin = field(latitude[:, None], longitude[None, :])
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("time", None)
        for name, values, units in (
            ("lat", latitude, "degrees_north"),
            ("lon", longitude, "degrees_east"),
        ):
            file.createDimension(name, len(values))
            variable = file.createVariable(name, "f4", (name,))
            variable.units, variable[:] = units, values
        variable = file.createVariable("time", "i4", ("time",))
        variable.units = "hours since 1970-01-01 00:00:00"
        inside = changes.get("inside", time)
        variable[:] = [int((inside - EPOCH) / pd.Timedelta(hours=1))]
        variable = file.createVariable(
            changes.get("name", "irwin_cdr"),
            changes.get("dtype", "i2"),
            ("time", "lat", "lon"),
            fill_value=FILL,
            zlib=True,
        )
        variable.set_auto_maskandscale(False)
        attributes = {"units": "kelvin", "scale_factor": np.float32(0.01), "add_offset": 200.0}
        variable.setncatts({**attributes, **changes.get("attributes", {})})
        for attribute in changes.get("without", ()):
            variable.delncattr(attribute)
        stored = kelvin if "dtype" in changes else np.round((kelvin - 200) * 100)
        variable[0] = np.where(np.isnan(stored), FILL, stored)
    return path
