"""What a storm needs of frames and of ERA5, from its best track and the size of a frame."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from nephele.archives.coordinates import around
from nephele.archives.digital_typhoon import CELL, SIZE
from nephele.downloads import gridsat
from nephele.downloads.parts import GRID, Area, Times
from nephele.fields import grid

LAST_MERIDIAN = 360.0 - GRID  # of ERA5's grid


@dataclass(frozen=True)
class Need:
    """Times of the frames, times of the fields, and the area that holds every frame."""

    storm: str
    frames: Times
    fields: Times
    area: Area


def of(storm: str, track: pd.DataFrame, hours: int) -> Need:
    """The needs of a storm.

    Args:
        track: latitude and longitude (0 to 360), degrees, by time.
        hours: between two fields. A frame takes the latest field, so the first comes before it.
    """
    first, last = track.index[0], track.index[-1]
    step = f"{gridsat.HOURS}h"
    frames = pd.date_range(first.ceil(step), last.floor(step), freq=step)
    fields = pd.date_range(first.floor(f"{hours}h"), last, freq=f"{hours}h")
    return Need(storm, tuple(frames), tuple(fields), area(track))


def area(track: pd.DataFrame) -> Area:
    """The part of ERA5's grid that encloses every frame along `track`."""
    points = grid.centres(SIZE, CELL)
    frames = xr.Dataset(
        coords={
            "y": points,
            "x": points,
            "centre_latitude": ("time", track["latitude"].to_numpy()),
            "centre_longitude": ("time", track["longitude"].to_numpy()),
        }
    )
    box = around(frames)
    return Area(
        north=min(90.0, _outward(box.north, np.ceil)),
        west=_outward(box.west, np.floor),
        south=max(-90.0, _outward(box.south, np.floor)),
        east=min(LAST_MERIDIAN, _outward(box.east, np.ceil)),
    )


def _outward(degrees: float, rounded: np.ufunc) -> float:
    return float(rounded(degrees / GRID) * GRID)
