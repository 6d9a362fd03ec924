"""Frames of the Digital Typhoon Dataset (National Institute of Informatics, CC BY 4.0).

An archive is a folder with

    digital_typhoon/image/<storm>/<YYYYMMDDHH>-<storm>-<satellite>-<n>.h5
    digital_typhoon/jma/<storm>.tsv
    environment/*.nc

Each HDF5 file holds one frame, dataset `infrared`, K, 512 x 512, on a Lambert azimuthal
equal-area plane centred on the storm, 5 km a pixel, the first row in the north.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from nephele.archives import best_tracks, cds, quality
from nephele.archives.coordinates import around
from nephele.archives.frames import together
from nephele.archives.opening import hdf5
from nephele.archives.storms import Dropped
from nephele.fields import contract, grid, times

ATTRIBUTION = (
    "Digital Typhoon Dataset, National Institute of Informatics, CC BY 4.0 "
    "(doi:10.20783/DIAS.664); best tracks: Japan Meteorological Agency"
)
SIZE, CELL = 512, 5_000.0  # pixels a side; m
NAME = re.compile(r"(?P<time>\d{10})-(?P<storm>[^-]+)-(?P<satellite>[^-]+)-\d+\.h5")


@dataclass(frozen=True)
class Frame:
    """A file of the archive, by what its name says."""

    path: Path
    time: pd.Timestamp
    storm: str


def storms(archive: Path) -> list[str]:
    """The storms of an archive, in the order of their names.

    Raises:
        ValueError: it has none.
    """
    folder = archive / "digital_typhoon" / "image"
    if not folder.is_dir():
        raise ValueError(
            f"{folder}: no such folder, expected one folder of HDF5 frames a storm; "
            "point acquire.digital_typhoon.archive at an archive as docs/data.md lays it out"
        )
    names = sorted(path.name for path in folder.iterdir() if any(path.glob("*.h5")))
    if not names:
        raise ValueError(
            f"{folder}: found no HDF5 frame, expected "
            "<storm>/<YYYYMMDDHH>-<storm>-<satellite>-<n>.h5; the archive is empty, "
            "copy the frames there"
        )
    return names


def read_frames(
    archive: Path, storm: str, max_fill: float
) -> tuple[xr.Dataset | None, tuple[Dropped, ...]]:
    """The usable frames of a storm (None where there is none), and those left out, with reasons.

    Raises:
        ValueError: the storm has no best track, or a file's name has no time.
    """
    listed = in_folder(archive / "digital_typhoon" / "image" / storm)
    track = best_tracks.read(archive / "digital_typhoon" / "jma" / f"{storm}.tsv")
    kept: list[Frame] = []
    images: list[np.ndarray] = []
    dropped: list[Dropped] = []
    for frame in listed:
        image, reason = read(frame, max_fill)
        if kept and kept[-1].time == frame.time:
            reason = f"a frame of this time was taken from {kept[-1].path.name}"
        if best_tracks.at(track, pd.DatetimeIndex([frame.time])).isna().to_numpy().any():
            reason = "the best track has no position at this time"
        if image is None or reason is not None:
            dropped.append(Dropped(storm, frame.time.isoformat(), frame.path.name, str(reason)))
            continue
        kept.append(frame)
        images.append(image)
    if not kept:
        return None, tuple(dropped)
    moments = pd.DatetimeIndex([frame.time for frame in kept])
    centre = best_tracks.at(track, moments)
    points = grid.centres(SIZE, CELL)
    frames = together(
        np.stack(images),
        moments,
        (points, points),
        (centre["latitude"].to_numpy(), centre["longitude"].to_numpy()),
    )
    return contract.check_frames(frames, str(listed[0].path.parent)), tuple(dropped)


def read_era5(
    archive: Path, frames: xr.Dataset, variables: dict[str, int | None], environment: str
) -> xr.Dataset:
    """The fields around a storm from the archive's `environment`.

    Args:
        environment: `analysis` for the fields of the frames' times, `climatology` for the
            mean over all times of the files, repeated at the frames' times.

    Raises:
        ValueError: a variable, an area or a time is not in the files.
    """
    files = sorted((archive / "environment").glob("*.nc"))
    if not files:
        raise ValueError(
            f"{archive / 'environment'}: found no NetCDF file, "
            "expected ERA5 fields in the CDS's layout; put them there, as docs/data.md says"
        )
    moments = times.of(frames)
    box = around(frames)
    if environment == "climatology":
        return cds.mean_over_time(cds.read(files, cds.Request(variables, box)), moments)
    request = cds.Request(variables, box, moments[0] - times.ERA5_AGE, moments[-1])
    fields = cds.read(files, request)
    times.latest(times.of(fields), moments, str(archive / "environment"), times.ERA5_AGE)
    return fields


def in_folder(folder: Path) -> list[Frame]:
    """The frames of a storm's folder, in the order of their names, which is that of time.

    Raises:
        ValueError: a file's name has no time.
    """
    return [named(path) for path in sorted(folder.glob("*.h5"))]


def named(path: Path) -> Frame:
    """What the name of a file says.

    Raises:
        ValueError: it has no time.
    """
    match = NAME.fullmatch(path.name)
    time = pd.to_datetime(match["time"] if match else "", format="%Y%m%d%H", errors="coerce")
    if match is None or pd.isna(time):
        raise ValueError(
            f"{path}: found a name without a time, expected "
            "<YYYYMMDDHH>-<storm>-<satellite>-<n>.h5; rename or remove the file"
        )
    return Frame(path, time, match["storm"])


def read(frame: Frame, max_fill: float) -> tuple[np.ndarray | None, str | None]:
    """A frame with NaN where unusable, y increasing northward; or the reason against it."""
    try:
        brightness = hdf5(frame.path, "infrared")
    except ValueError as error:
        return None, "unreadable: " + str(error).removeprefix(f"{frame.path}: ")
    reason = quality.fault(brightness, (SIZE, SIZE), max_fill)
    if reason is not None:
        return None, reason
    return np.where(quality.usable(brightness), brightness, np.nan)[::-1], None
