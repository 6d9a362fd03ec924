"""Small archives in the formats of real ones, and where the real ones lie."""

import os
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import xarray as xr

REAL = Path(os.environ.get("NEPHELE_REAL_DATA", Path(__file__).parents[2] / "shared" / "data"))
VARIABLES = {"sst": None, "msl": None, "z": 850, "r": 200}
STORM = "203001"
START = pd.Timestamp("2030-09-01 00:00")


def real(*parts: str) -> Path:
    """A file or folder of the real data; the test is skipped where there are none."""
    path = REAL.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"no real data at {path}; set NEPHELE_REAL_DATA")
    return path


def frame(seed: int = 0) -> np.ndarray:
    """A clean frame: no two neighbours alike, from 200 to 300 K."""
    return 200 + 100 * np.random.default_rng(seed).random((512, 512))


def write_frame(
    folder: Path, time: pd.Timestamp, brightness: np.ndarray, storm: str = STORM
) -> Path:
    path = folder / "digital_typhoon" / "image" / storm / f"{time:%Y%m%d%H}-{storm}-TEST-1.h5"
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file.create_dataset("infrared", data=brightness, compression="gzip", compression_opts=1)
    return path


def write_track(folder: Path, times: pd.DatetimeIndex, storm: str = STORM) -> Path:
    """A storm that moves from 15°N 140°E, a tenth of a degree north and west an hour."""
    path = folder / "digital_typhoon" / "jma" / f"{storm}.tsv"
    path.parent.mkdir(parents=True, exist_ok=True)
    hours = (times - times[0]) / pd.Timedelta(hours=1)
    rows = [
        f"{t:%Y\t%m\t%d\t%H}\t3\t{15 + 0.1 * h:.6f}\t{140 - 0.1 * h:.6f}\t990\t40" + "\t0" * 10
        for t, h in zip(times, hours, strict=True)
    ]
    path.write_text("\n".join(rows) + "\n")
    return path


def single_levels(times: pd.DatetimeIndex) -> xr.Dataset:
    """sst and msl in today's layout of the CDS, linear in latitude; a block of land."""
    latitude, longitude = np.arange(50.0, -11.0, -2.5), np.arange(100.0, 181.0, 2.5)
    shape = (len(times), len(latitude), len(longitude))
    sst = np.broadcast_to((302 - 0.2 * np.abs(latitude))[None, :, None], shape).copy()
    sst[:, (latitude > 10) & (latitude < 20), :12] = np.nan
    msl = np.broadcast_to((101_000 + 10 * latitude)[None, :, None], shape)
    dims = ("valid_time", "latitude", "longitude")
    return xr.Dataset(
        {
            "sst": (dims, sst.astype("f4"), {"units": "K"}),
            "msl": (dims, msl.astype("f4"), {"units": "Pa"}),
        },
        coords={
            "valid_time": times,
            "latitude": latitude,
            "longitude": longitude,
            "number": 0,
            "expver": ("valid_time", np.full(len(times), "0001")),
        },
    )


def pressure_levels(times: pd.DatetimeIndex) -> xr.Dataset:
    """z and r at 850, 500 and 200 hPa in today's layout of the CDS."""
    base = single_levels(times)
    levels = np.array([850.0, 500.0, 200.0])
    shape = (len(times), len(levels), base.sizes["latitude"], base.sizes["longitude"])
    heights = np.array([1457.0, 5574.0, 11784.0])[None, :, None, None]
    rising = (base.longitude.values - 100)[None, None, None, :]
    dims = ("valid_time", "pressure_level", "latitude", "longitude")
    z = np.broadcast_to(9.80665 * heights + rising, shape)
    r = np.broadcast_to(50 + 0.2 * rising, shape)
    return xr.Dataset(
        {
            "z": (dims, z.astype("f4"), {"units": "m**2 s**-2"}),
            "r": (dims, r.astype("f4"), {"units": "%"}),
        },
        coords={
            "valid_time": times,
            "pressure_level": levels,
            "latitude": base.latitude,
            "longitude": base.longitude,
            "number": 0,
            "expver": ("valid_time", np.full(len(times), "0001")),
        },
    )


def write_archive(folder: Path, storms: tuple[str, ...] = (STORM,), frames: int = 5) -> Path:
    """An archive of the Digital Typhoon layout: `frames` frames a storm, 3 h apart."""
    times = pd.date_range(START, periods=frames, freq="3h")
    for number, storm in enumerate(storms):
        for step, time in enumerate(times):
            # Blocks: as unlike as noise to the quality control, and small when compressed.
            write_frame(
                folder, time, np.kron(frame(100 * number + step)[:64, :64], np.ones((8, 8))), storm
            )
        write_track(folder, times, storm)
    environment = folder / "environment"
    environment.mkdir()
    fields = pd.date_range(START, times[-1].ceil("6h"), freq="6h")
    single_levels(fields).to_netcdf(environment / "single.nc")
    pressure_levels(fields).to_netcdf(environment / "pressure.nc")
    return folder
