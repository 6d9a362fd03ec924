"""Frames of GridSat-B1 (NOAA's climate data record of geostationary infrared, 1980 to today).

One global file every 3 h, GRIDSAT-B1.<YYYY>.<MM>.<DD>.<HH>.v02r01.nc: `irwin_cdr` (time, lat,
lon), K, packed in int16 (0.01 × count + 200; -31999 is missing), latitudes from 70°S to 69.93°N and
longitudes from 180°W to 179.94°E, 0.07° apart. Only the box around a storm is read, and brought
by bilinear interpolation to the storm-centred plane of 5 km pixels.
"""

import glob
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from scipy import ndimage

from nephele.archives import best_tracks, quality
from nephele.archives.digital_typhoon import CELL, SIZE
from nephele.archives.frames import together
from nephele.archives.opening import netcdf
from nephele.archives.storms import Dropped
from nephele.fields import contract, grid
from nephele.fields.variables import FRAMES, VARIABLES

ATTRIBUTION = (
    "GridSat-B1 Climate Data Record v02r01, NOAA National Centers for Environmental Information "
    "(doi:10.7289/V59P2ZKR); best tracks: IBTrACS (doi:10.25921/82ty-9e16)"
)
VARIABLE = "irwin_cdr"
NAME = re.compile(r"GRIDSAT-B1\.(?P<time>\d{4}\.\d{2}\.\d{2}\.\d{2})\.v\d+r\d+\.nc", re.IGNORECASE)
# Rows and columns beyond the frame's outermost points, so that each has four neighbours.
MARGIN = 2


def find(where: str) -> dict[pd.Timestamp, Path]:
    """The files at a folder (and its folders) or a glob, by the time in their names, in order.

    Raises:
        ValueError: there is none, or two of one time.
    """
    path = Path(where).expanduser()
    candidates = (
        path.rglob("*.nc") if path.is_dir() else map(Path, glob.glob(where, recursive=True))
    )
    files: dict[pd.Timestamp, Path] = {}
    for file in sorted(candidates):
        match = NAME.fullmatch(file.name)
        time = pd.to_datetime(match["time"] if match else "", format="%Y.%m.%d.%H", errors="coerce")
        if pd.isna(time):
            continue
        if time in files:
            raise ValueError(
                f"{file}: there is {files[time]} of the same time, expected one file a time; "
                "remove one of them"
            )
        files[time] = file
    if not files:
        raise ValueError(
            f"{where}: found no file of GridSat-B1, expected "
            "GRIDSAT-B1.<YYYY>.<MM>.<DD>.<HH>.v02r01.nc; correct acquire.gridsat.files, "
            "or download them, as docs/data.md says"
        )
    return dict(sorted(files.items()))


def storms(files: Mapping[pd.Timestamp, Path], tracks: Mapping[str, pd.DataFrame]) -> list[str]:
    """The storms of `tracks` that have a file while they last, in the order of their names.

    Spurs are left out: their frames show what those of another storm show, and would carry the
    test storms into training.

    Args:
        files: by time, as `find` gives them.
        tracks: by storm, as `best_tracks.read_ibtracs` gives them.

    Raises:
        ValueError: there is none.
    """
    times = pd.DatetimeIndex(list(files))
    names = sorted(
        storm
        for storm, track in tracks.items()
        if not track.attrs.get("spur") and len(_during(times, track))
    )
    if not names:
        raise ValueError(
            f"none of the {len(tracks)} tracks has a file of GridSat-B1 while it lasts (files: "
            f"{times[0]:%Y-%m-%d} to {times[-1]:%Y-%m-%d}), expected at least one; "
            "take tracks and files of the same years"
        )
    return names


def read_frames(
    files: Mapping[pd.Timestamp, Path],
    tracks: Mapping[str, pd.DataFrame],
    storm: str,
    max_fill: float,
) -> tuple[xr.Dataset | None, tuple[Dropped, ...]]:
    """The usable frames of a storm (None where there is none), and those left out, with reasons.

    Args:
        files: by time, as `find` gives them.
        tracks: by storm, as `best_tracks.read_ibtracs` gives them.
        max_fill: the largest share of unusable pixels in a frame that is kept.

    Raises:
        ValueError: the storm has no track.
    """
    if storm not in tracks:
        raise ValueError(
            f"{storm}: it is not among the {len(tracks)} tracks, expected a SID of IBTrACS; "
            "take the tracks that the storm is in"
        )
    times = _during(pd.DatetimeIndex(list(files)), tracks[storm])
    centres = best_tracks.at(tracks[storm], times)
    kept: list[pd.Timestamp] = []
    images: list[np.ndarray] = []
    dropped: list[Dropped] = []
    for time, latitude, longitude in centres.itertuples():
        image, reason = read(files[time], time, (latitude, longitude), max_fill)
        if image is None:
            dropped.append(Dropped(storm, time.isoformat(), files[time].name, str(reason)))
            continue
        kept.append(time)
        images.append(image)
    dropped += [Dropped(storm, t.isoformat(), "", reason) for t, reason in quality.gaps(times)]
    if not kept:
        return None, tuple(dropped)
    moments = pd.DatetimeIndex(kept)
    centre = centres.loc[moments]
    points = grid.centres(SIZE, CELL)
    frames = together(
        np.stack(images),
        moments,
        (points, points),
        (centre["latitude"].to_numpy(), centre["longitude"].to_numpy()),
    )
    return contract.check_frames(frames, storm), tuple(dropped)


def read(
    path: Path, time: pd.Timestamp, centre: tuple[float, float], max_fill: float
) -> tuple[np.ndarray | None, str | None]:
    """The frame about `centre` (latitude and longitude, degrees), NaN where unusable; or why not.

    Its shape is (SIZE, SIZE), y increasing northward.
    """
    points = grid.centres(SIZE, CELL)
    latitude, longitude = grid.to_sphere(points[None, :], points[:, None], *centre)
    # Degrees east of the centre know no date line, and no meridian of 0.
    eastward = _from(longitude, centre[1])
    try:
        with netcdf(path) as raw:
            _check(raw, time, path)
            box, rows, columns = _box(raw[VARIABLE].isel(time=0), latitude, eastward, centre[1])
    except ValueError as error:
        return None, "unreadable: " + str(error).removeprefix(f"{path}: ")
    mistaken = quality.misread(box)
    if mistaken is not None:
        return None, mistaken
    measured = np.where(quality.possible(box), box, np.nan)
    return quality.control(_interpolate(measured, rows, columns), (SIZE, SIZE), max_fill)


def _during(times: pd.DatetimeIndex, track: pd.DataFrame) -> pd.DatetimeIndex:
    return times[(times >= track.index[0]) & (times <= track.index[-1])]


def _from(longitude: np.ndarray, centre: float) -> np.ndarray:
    """Degrees east of `centre`, -180 to 180."""
    return np.mod(longitude - centre + 180.0, 360.0) - 180.0


def _check(raw: xr.Dataset, time: pd.Timestamp, path: Path) -> None:
    """Refuse what is not laid out as GridSat-B1 is."""
    for name in (VARIABLE, "time", "lat", "lon"):
        if name not in raw:
            found = ", ".join(sorted(str(key) for key in raw.variables)) or "nothing"
            raise ValueError(f"{path}: {name} is missing, found {found}; download the file again")
    if raw[VARIABLE].dims != ("time", "lat", "lon") or raw.sizes["time"] != 1:
        raise ValueError(
            f"{path}: {VARIABLE}: found axes {dict(raw[VARIABLE].sizes)}, expected one time, "
            "lat, lon; download the file again"
        )
    units, variable = raw[VARIABLE].attrs.get("units", "K"), VARIABLES[FRAMES]
    if str(units).lower() not in {s.lower() for s in (variable.units, *variable.spellings)}:
        raise ValueError(f"{path}: {VARIABLE}: units are {units!r}, expected {variable.units!r}")
    inside = contract.index(raw, str(path))[0]
    if abs(inside - time) > pd.Timedelta(minutes=90):
        raise ValueError(
            f"{path}: time: found {inside:%Y-%m-%d %H:%M}, expected the {time:%Y-%m-%d %H:%M} of "
            "the file's name; download the file again"
        )


def _box(
    field: xr.DataArray, latitude: np.ndarray, eastward: np.ndarray, centre: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The part of `field` around the points, and where they lie in it, in rows and columns.

    Nothing else is read. The columns are in the order of degrees east of the centre, wherever the
    file begins: there may be two pieces of them. Points beyond the field have a row of NaN.
    """
    lats, lons = (field[axis].values.astype(float) for axis in ("lat", "lon"))
    north = np.argsort(lats)
    rows = _enclosing(lats[north], latitude)
    relative = _from(lons, centre)
    east = np.argsort(relative)
    columns = _enclosing(relative[east], eastward)
    # Slices, since a file is read by them; a list of numbers would read it one by one.
    band = field.isel(lat=slice(north[rows].min(), north[rows].max() + 1))
    chosen = east[columns]
    breaks = np.flatnonzero(np.diff(chosen) != 1) + 1
    pieces = [
        band.isel(lon=slice(part[0], part[-1] + 1)).values for part in np.split(chosen, breaks)
    ]
    values = np.concatenate(pieces, axis=1)
    if lats[0] > lats[-1]:
        values = values[::-1]
    return (
        values,
        _index(latitude, lats[north][rows]),
        _index(eastward, relative[east][columns]),
    )


def _enclosing(axis: np.ndarray, points: np.ndarray) -> slice:
    """The slice of an increasing axis that encloses `points`, as far as it reaches."""
    first = np.searchsorted(axis, points.min()) - MARGIN
    last = np.searchsorted(axis, points.max()) + MARGIN
    return slice(max(first, 0), max(last, MARGIN))


def _index(points: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """Where on `axis` the points lie, in steps from its first; -1 beyond it and in its gaps."""
    numbers = np.arange(len(axis), dtype=float)
    found = np.interp(points, axis, numbers, left=-1.0, right=-1.0)
    steps = np.diff(axis)
    gap = np.append(steps > 2 * np.median(steps), False)
    return np.where(gap[np.maximum(found, 0).astype(int)], -1.0, found)


def _interpolate(field: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Bilinear; NaN beyond the field and where one of the four neighbours is NaN."""
    return ndimage.map_coordinates(
        field.astype(np.float64), [rows, columns], order=1, mode="constant", cval=np.nan
    )
