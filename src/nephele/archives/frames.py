"""Frames of a storm, put together as the contract has them."""

import numpy as np
import pandas as pd
import xarray as xr

from nephele.fields import grid
from nephele.fields.variables import FRAMES, VARIABLES


def together(
    brightness: np.ndarray,
    times: pd.DatetimeIndex,
    axes: tuple[np.ndarray, np.ndarray],
    centres: tuple[np.ndarray, np.ndarray],
) -> xr.Dataset:
    """The dataset of frames.nc.

    Args:
        brightness: K, NaN where unusable, (time, y, x) with y increasing northward.
        axes: y and x, m.
        centres: latitude and longitude of each frame's centre, degrees.
    """
    variable = VARIABLES[FRAMES]
    y, x = axes
    latitude, longitude = centres
    track = (
        {"units": "degrees_north", "long_name": "latitude of the frame's centre"},
        {
            "units": "degrees_east",
            "long_name": "longitude of the frame's centre",
        },
    )
    axis = {"units": "m", "standard_name": "projection_{}_coordinate"}
    return xr.Dataset(
        {
            FRAMES: (
                ("time", "y", "x"),
                brightness.astype(np.float32),
                {
                    "long_name": variable.long_name,
                    "standard_name": variable.standard_name,
                    "units": variable.units,
                    "grid_mapping": "projection",
                },
            ),
            "projection": ((), np.int8(0), grid.attributes()),
        },
        coords={
            "time": ("time", times, {"standard_name": "time"}),
            "y": ("y", y, {**axis, "standard_name": axis["standard_name"].format("y")}),
            "x": ("x", x, {**axis, "standard_name": axis["standard_name"].format("x")}),
            "centre_latitude": ("time", latitude, track[0]),
            "centre_longitude": ("time", np.mod(longitude, 360.0), track[1]),
        },
        attrs={"Conventions": "CF-1.11"},
    )
