"""ERA5 that a formula gives, in the layouts of its sources."""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from nephele.downloads import netcdf
from nephele.downloads.parts import GRID, NAMES

SHORT = {long: short for short, long in NAMES.items()}
UNITS = {"sst": "K", "msl": "Pa", "z": "m**2 s**-2", "t": "K", "q": "kg kg**-1", "r": "%"}
START = pd.Timestamp("2013-01-01")


def value(name, time, level, latitude, longitude):
    """Plausible, and different at each place and time; arguments broadcast."""
    hours = (time - START) / pd.Timedelta("1h")
    small = (latitude + 2 * longitude) / 100 + hours % 97 / 100
    if name == "sst":  # land in the west
        return np.where(longitude < 120.0, np.nan, 300.0 + small)
    height = 11_000.0 if level == 200 else 1_457.0
    base = {"msl": 101_000.0, "z": 9.80665 * height, "t": 220.0, "r": 50.0}
    return 1e-5 * (1 + small) if name == "q" else base[name] + small


def dataset(names, levels, times, latitude, longitude, axes):
    """Variables by short name, at each of `levels`, or at none."""
    time_axis, level_axis = axes
    grid = np.meshgrid(latitude, longitude, indexing="ij")
    fields = {}
    for name in names:
        dims, over = (time_axis, "latitude", "longitude"), [None]
        if levels and name not in ("sst", "msl"):
            dims, over = (time_axis, level_axis, "latitude", "longitude"), levels
        values = np.array([[value(name, time, level, *grid) for level in over] for time in times])
        values = values if len(dims) == 4 else values[:, 0]
        fields[name] = (dims, values.astype("float32"), {"units": UNITS[name]})
    coordinates = {time_axis: list(times), "latitude": latitude, "longitude": longitude}
    if levels:
        coordinates[level_axis] = ((level_axis,), [float(level) for level in levels])
    return xr.Dataset(fields, coordinates)


def delivered(dataset_name, request):
    """The file that the Climate Data Store makes of a request, as bytes."""
    north, west, south, east = request["area"]
    days = pd.to_datetime(
        [
            f"{year}-{month}-{day} {hour}"
            for year in request["year"]
            for month in request["month"]
            for day in request["day"]
            for hour in request["time"]
        ]
    )
    levels = [int(level) for level in request.get("pressure_level", [])]
    assert dataset_name == f"reanalysis-era5-{'pressure' if levels else 'single'}-levels"
    assert request["product_type"] == ["reanalysis"]
    fields = dataset(
        [SHORT[name] for name in request["variable"]],
        levels,
        days,
        np.arange(north, south - GRID / 2, -GRID),
        np.arange(west, east + GRID / 2, GRID),
        ("valid_time", "pressure_level"),
    )
    fields = fields.assign_coords(number=0, expver=("valid_time", ["0001"] * len(days)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file.nc"
        with netcdf.LOCK:
            fields.to_netcdf(path, engine="netcdf4")
        return path.read_bytes()


def store(path, times, latitude, longitude, names=("sst", "msl", "z", "t", "q")):
    """A Zarr store as ARCO-ERA5: long names, and one chunk a time with all levels."""
    fields = dataset(names, [200, 500, 850], times, latitude, longitude, ("time", "level"))
    fields = fields.rename({name: NAMES[name] for name in names})
    for field in fields.data_vars.values():
        field.encoding["chunks"] = (1, *field.shape[1:])
        field.encoding["_FillValue"] = np.nan
    fields.attrs = {
        "valid_time_start": f"{times[0]:%Y-%m-%d}",
        "valid_time_stop": f"{times[-1]:%Y-%m-%d}",
    }
    fields.to_zarr(path, zarr_format=2, consolidated=True)
    return path
