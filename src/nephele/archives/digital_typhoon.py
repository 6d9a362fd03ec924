"""Frames of the Digital Typhoon Dataset (National Institute of Informatics, CC BY 4.0).

Each HDF5 file, <YYYYMMDDHH>-<storm>-<satellite>-<n>.h5, holds one frame: one dataset, K,
512 x 512, on a Lambert azimuthal equal-area plane centred on the storm, 5 km a pixel, the first
row in the north. Where the files lie: nephele.archives.layouts.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import xarray as xr

from nephele.archives import best_tracks, layouts, quality
from nephele.archives.frames import together
from nephele.archives.opening import hdf5
from nephele.archives.storms import Dropped
from nephele.fields import contract, grid

ATTRIBUTION = (
    "Digital Typhoon Dataset, National Institute of Informatics, CC BY 4.0 "
    "(doi:10.20783/DIAS.664); best tracks: Japan Meteorological Agency"
)
SIZE, CELL = 512, 5_000.0  # pixels a side; m
DATASETS = ("infrared", "Infrared", "Data")  # of the early release; of V1 and V2; of V3
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
    return layouts.storms(archive)


def read_frames(
    archive: Path, storm: str, max_fill: float
) -> tuple[xr.Dataset | None, tuple[Dropped, ...]]:
    """The usable frames of a storm (None where there is none), and those left out, with reasons.

    Raises:
        ValueError: the storm has no best track, or a file's name has no time.
    """
    folder = layouts.images(archive, storm)
    listed = in_folder(folder)
    track = best_tracks.read(layouts.track(folder, folder.name))
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
    times = pd.DatetimeIndex([frame.time for frame in listed]).unique()
    dropped += [Dropped(storm, t.isoformat(), "", reason) for t, reason in quality.gaps(times)]
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
    return contract.check_frames(frames, str(folder)), tuple(dropped)


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
        brightness = hdf5(frame.path, _dataset(frame.path))
    except ValueError as error:
        return None, "unreadable: " + str(error).removeprefix(f"{frame.path}: ")
    image, reason = quality.control(brightness, (SIZE, SIZE), max_fill)
    return (None if image is None else image[::-1]), reason


def _dataset(path: Path) -> str:
    """What the file's frame is called; the first name where the file has none of them."""
    try:
        with h5py.File(path) as file:
            return next((name for name in DATASETS if name in file), DATASETS[0])
    except OSError:
        return DATASETS[0]
