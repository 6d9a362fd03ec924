"""Frames and fields of an archive that keeps one NetCDF file of frames a storm.

The synthetic world writes this layout, and any satellite product can be brought to it:

    frames/<storm>.nc                irwin or brightness_temperature (time, y, x), K; x and y in m
                                     on the storm-centred equal-area plane; centre_latitude and
                                     centre_longitude (time), degrees
    era5/<storm>_single_levels.nc    as the CDS delivers them
    era5/<storm>_pressure_levels.nc
"""

from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from nephele.archives import era5
from nephele.archives.frames import together
from nephele.archives.opening import netcdf
from nephele.fields import contract, times
from nephele.fields.variables import FRAMES

NAMES = ("brightness_temperature", "irwin", "irwin_cdr")  # the last two as in NOAA's GridSat


def storms(archive: Path) -> list[str]:
    """The storms of an archive, in the order of their names.

    Raises:
        ValueError: it has none.
    """
    names = sorted(path.stem for path in (archive / "frames").glob("*.nc"))
    if not names:
        raise ValueError(
            f"{archive / 'frames'}: found no NetCDF file, expected <storm>.nc; the archive is empty"
        )
    return names


def read_frames(archive: Path, storm: str) -> xr.Dataset:
    """The frames of a storm as the contract has them.

    Raises:
        ValueError: naming the file, the variable, what was found and what was expected.
    """
    return read_file(archive / "frames" / f"{storm}.nc")


def read_file(path: Path, moments: pd.DatetimeIndex | None = None) -> xr.Dataset:
    """The frames in one NetCDF file as the contract has them.

    Args:
        moments: the times to read, all of them in the file; all that there are, unless given.

    Raises:
        ValueError: naming the file, the variable, what was found and what was expected.
    """
    with netcdf(path) as raw:
        found = next((name for name in NAMES if name in raw), FRAMES)
        upright = _northward(raw if found == FRAMES else raw.rename({found: FRAMES}))
        if moments is not None:
            upright = upright.sel(time=moments)
        contract.check_frames(upright, str(path))
        return together(
            upright[FRAMES].values,
            times.of(upright),
            (upright.y.values.astype(float), upright.x.values.astype(float)),
            (
                upright.centre_latitude.values.astype(float),
                upright.centre_longitude.values.astype(float),
            ),
        )


def read_era5(
    archive: Path, storm: str, frames: xr.Dataset, variables: dict[str, int | None]
) -> xr.Dataset:
    """The fields around a storm, at the times of its frames and up to six hours before.

    Raises:
        ValueError: naming the file, the variable, what was found and what was expected.
    """
    files = sorted((archive / "era5").glob(f"{storm}_*.nc"))
    if not files:
        raise ValueError(
            f"{archive / 'era5'}: found no {storm}_*.nc, "
            "expected the storm's ERA5 fields; download them"
        )
    return era5.for_frames(files, frames, variables, "analysis")


def _northward(frames: xr.Dataset) -> xr.Dataset:
    """Images are stored from the north downward as often as not; a falling y says so."""
    if "y" in frames.coords and frames.y.ndim == 1 and (np.diff(frames.y.values) < 0).all():
        return frames.isel(y=slice(None, None, -1))
    return frames
