"""Frames that someone has, wherever they lie: a storm's NetCDF file, or HDF5 frames.

Their times are known at once; pixels are read only for the times that are asked for.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import pandas as pd
import xarray as xr

from nephele.archives import best_tracks, digital_typhoon, layouts, satellite
from nephele.archives.digital_typhoon import CELL, SIZE, Frame
from nephele.archives.frames import together
from nephele.archives.opening import netcdf
from nephele.fields import contract, grid, times

MAX_FILL = 0.001  # largest share of unusable pixels in an HDF5 frame, as acquire has it
HDF5 = (".h5", ".hdf5")
PROVENANCE = ("source", "synthetic", "attribution")


class UnusableError(ValueError):
    """The frame of a time is there, but no measurement of the whole scene."""

    def __init__(self, time: pd.Timestamp, reason: str) -> None:
        super().__init__(f"{time:%Y-%m-%d %H:%M} UTC: the frame cannot be used: {reason}")
        self.time, self.reason = time, reason


@runtime_checkable
class Observed(Protocol):
    """A storm's frames.

    Attributes:
        storm: its name.
        times: of the frames, increasing.
        files: what the frames stand in.
        provenance: source, synthetic and attribution, as far as they are known.
    """

    @property
    def storm(self) -> str: ...
    @property
    def times(self) -> pd.DatetimeIndex: ...
    @property
    def files(self) -> tuple[Path, ...]: ...
    @property
    def provenance(self) -> Mapping[str, object]: ...

    def read(self, moments: pd.DatetimeIndex) -> xr.Dataset:
        """The frames of `moments`, which are among `times`, as the contract has them.

        The centre is NaN where no track tells it.

        Raises:
            UnusableError: one of them is no measurement.
            ValueError: naming the file, what was found and what was expected.
        """


def find(paths: Sequence[Path]) -> Observed:
    """The frames at `paths`: a NetCDF file, a storm's folder, or HDF5 files of one storm.

    Raises:
        ValueError: there is nothing of the kind, or of several storms.
    """
    for path in paths:
        if not path.exists():
            raise ValueError(f"{path}: no such file or folder, expected a storm's frames")
    if len(paths) == 1 and paths[0].is_dir():
        return _in_folder(paths[0])
    if all(path.suffix in HDF5 for path in paths):
        return _digital_typhoon([digital_typhoon.named(path) for path in paths], paths[0].parent)
    if len(paths) > 1:
        raise ValueError(
            f"{paths[0]} and {len(paths) - 1} more: expected one NetCDF file, one folder, or HDF5 "
            "files of one storm; join NetCDF files along time"
        )
    return _netcdf(paths[0])


@dataclass(frozen=True)
class NetCDFFrames:
    """Frames in one NetCDF file; see `Observed`."""

    storm: str
    times: pd.DatetimeIndex
    files: tuple[Path, ...]
    provenance: Mapping[str, object]

    def read(self, moments: pd.DatetimeIndex) -> xr.Dataset:
        """See `Observed`."""
        return satellite.read_file(self.files[0], moments)


@dataclass(frozen=True)
class HDF5Frames:
    """Frames of the Digital Typhoon Dataset; see `Observed`.

    Attributes:
        frames: by time, those of the time in the order in which they are tried.
        track: the best track, where there is one.
    """

    storm: str
    frames: Mapping[pd.Timestamp, list[Frame]]
    track: pd.DataFrame | None
    provenance: Mapping[str, object] = field(
        default_factory=lambda: {
            "source": "digital_typhoon",
            "synthetic": False,
            "attribution": digital_typhoon.ATTRIBUTION,
        }
    )

    @property
    def times(self) -> pd.DatetimeIndex:
        """See `Observed`."""
        return pd.DatetimeIndex(sorted(self.frames))

    @property
    def files(self) -> tuple[Path, ...]:
        """See `Observed`."""
        return tuple(frame.path for time in self.times for frame in self.frames[time])

    def read(self, moments: pd.DatetimeIndex) -> xr.Dataset:
        """See `Observed`."""
        images = np.stack([self._image(time) for time in moments])
        points = grid.centres(SIZE, CELL)
        return together(images, moments, (points, points), self._centres(moments))

    def _image(self, time: pd.Timestamp) -> np.ndarray:
        reasons = []
        for frame in self.frames[time]:
            image, reason = digital_typhoon.read(frame, MAX_FILL)
            if image is not None:
                return image
            reasons.append(f"{frame.path.name}: {reason}")
        raise UnusableError(time, "; ".join(reasons))

    def _centres(self, moments: pd.DatetimeIndex) -> tuple[np.ndarray, np.ndarray]:
        if self.track is None:
            unknown = np.full(len(moments), np.nan)
            return unknown, unknown
        centre = best_tracks.at(self.track, moments)
        return centre["latitude"].to_numpy(), centre["longitude"].to_numpy()


def _in_folder(folder: Path) -> Observed:
    """The frames of a folder that holds frames.nc, HDF5 frames or an archive of one storm."""
    if (folder / "frames.nc").is_file():
        return _netcdf(folder / "frames.nc")
    for images in (*layouts.image_folders(folder), folder):
        found = sorted(layouts.storm_folders(images))
        if len(found) == 1:
            return _in_folder(found[0])
        if found:
            raise ValueError(
                f"{images}: found {len(found)} storms, expected one; "
                f"name its folder, such as {found[0]}"
            )
    frames = digital_typhoon.in_folder(folder)
    if not frames:
        raise ValueError(
            f"{folder}: found neither frames.nc nor HDF5 frames, expected a storm's folder"
        )
    return _digital_typhoon(frames, folder)


def _digital_typhoon(frames: list[Frame], folder: Path) -> HDF5Frames:
    storms = sorted({frame.storm for frame in frames})
    if len(storms) > 1:
        raise ValueError(
            f"{folder}: found frames of the storms {', '.join(storms)}, expected one storm"
        )
    by_time: dict[pd.Timestamp, list[Frame]] = {}
    for frame in frames:
        by_time.setdefault(frame.time, []).append(frame)
    track = layouts.track(folder, storms[0])
    return HDF5Frames(storms[0], by_time, best_tracks.read(track) if track.is_file() else None)


def _netcdf(path: Path) -> NetCDFFrames:
    with netcdf(path) as raw:
        moments = contract.index(raw, str(path))
        provenance = {key: raw.attrs[key] for key in PROVENANCE if key in raw.attrs}
    times.check(moments, str(path))
    beside = path.parent.parent / "provenance.json"  # where acquire leaves it
    if "synthetic" not in provenance and path.name == "frames.nc" and beside.is_file():
        provenance |= _provenance(beside)
    storm = path.absolute().parent.name if path.name == "frames.nc" else path.stem
    return NetCDFFrames(storm, moments, (path,), provenance)


def _provenance(path: Path) -> dict[str, object]:
    try:
        found = json.loads(path.read_text())
        return {key: found[key] for key in PROVENANCE if key in found}
    except (OSError, ValueError, TypeError) as error:
        raise ValueError(
            f"{path}: it cannot be read ({error}), expected what acquire writes about its data; "
            "acquire again, or copy frames.nc elsewhere"
        ) from None
