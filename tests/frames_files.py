"""A storm's frames as someone might have them, known to the kelvin."""

from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from nephele.archives.frames import together
from nephele.fields import grid

START = pd.Timestamp("2030-09-01 00:00")


def frames(times: pd.DatetimeIndex, size: int = 64, cell: float = 10e3, seed: int = 0):
    """Noise between 200 and 300 K, in steps that are stored exactly."""
    values = np.random.default_rng(seed).integers(200, 300, (len(times), size, size))
    points = grid.centres(size, cell)
    hours = np.arange(len(times))
    centres = (15 + 0.1 * hours, 140 - 0.1 * hours)
    return together(values.astype(float), times, (points, points), centres)


def write(folder: Path, dataset: xr.Dataset) -> Path:
    """As acquire lays it out: data/<storm>/frames.nc."""
    path = folder / "S0001" / "frames.nc"
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.to_netcdf(path, engine="netcdf4")
    return path


def series(count: int = 6, hours: int = 3) -> pd.DatetimeIndex:
    return pd.date_range(START, periods=count, freq=f"{hours}h")
