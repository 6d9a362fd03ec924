"""Best tracks: one file a storm of the Digital Typhoon Dataset, or all storms of IBTrACS.

A track is a table of latitude and longitude (0 to 360), degrees, by time (UTC, increasing).
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from nephele.archives.opening import netcdf

DATE = ["year", "month", "day", "hour"]
# The early release has no header; its first columns are these.
COLUMNS = [*DATE, "grade", "latitude", "longitude"]
SPELLINGS = {"lat": "latitude", "lng": "longitude", "lon": "longitude", "long": "longitude"}
IBTRACS = ["SID", "ISO_TIME", "LAT", "LON", "TRACK_TYPE"]
NETCDF = (".nc", ".nc4", ".netcdf")


def read(path: Path) -> pd.DataFrame:
    """The track in one file of the Digital Typhoon Dataset, by its suffix.

    `.tsv` has no header (year, month, day, hour, grade, latitude, longitude, …), `.csv` has one,
    with `lat` and `lng`; `.json` is a list of such rows, or one list a column.

    Raises:
        ValueError: the file is missing, or not such a table.
    """
    if not path.is_file():
        raise ValueError(
            f"{path}: no such file, expected the storm's best track; add it to the archive"
        )
    try:
        rows = _rows(path)
        times = pd.DatetimeIndex(pd.to_datetime(rows[DATE].astype(int)))
        track = rows[["latitude", "longitude"]].astype(float).set_index(times)
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(
            f"{path}: found no best track ({_first_line(error)}), expected "
            "year, month, day, hour, grade, latitude, longitude; replace the file"
        ) from None
    return _checked(track, f"{path}")


def read_ibtracs(path: Path) -> dict[str, pd.DataFrame]:
    """The tracks of a file of IBTrACS version 4, CSV or NetCDF as published, by storm (SID).

    `attrs["spur"]` of a table says whether IBTrACS takes the track as a part of another storm's
    (it splits from it, or merges with it).

    Raises:
        ValueError: the file is missing, or not of that layout.
    """
    if not path.is_file():
        raise ValueError(
            f"{path}: no such file, expected the tracks of IBTrACS in CSV or NetCDF; "
            "download them, as docs/data.md says"
        )
    rows = _ibtracs_netcdf(path) if path.suffix in NETCDF else _ibtracs_csv(path)
    rows = rows.dropna(subset=["time", "latitude", "longitude"])
    tracks = dict(_storms(rows, path))
    if not tracks:
        raise ValueError(f"{path}: found no storm, expected at least one; download it again")
    return tracks


def at(track: pd.DataFrame, times: pd.DatetimeIndex) -> pd.DataFrame:
    """The positions at `times`, linear between the rows; NaN outside the track."""
    hours = track.index.values.astype("datetime64[s]").astype(float)
    wanted = times.values.astype("datetime64[s]").astype(float)
    inside = {"left": np.nan, "right": np.nan}
    latitude = np.interp(wanted, hours, track["latitude"], **inside)
    # A track may cross the meridian of 0; the way across is the short one.
    unwrapped = np.unwrap(track["longitude"], period=360.0)
    longitude = np.mod(np.interp(wanted, hours, unwrapped, **inside), 360.0)
    return pd.DataFrame({"latitude": latitude, "longitude": longitude}, index=times)


def _rows(path: Path) -> pd.DataFrame:
    if path.suffix == ".json":
        return pd.read_json(path).rename(columns=SPELLINGS)
    separator = "," if path.suffix == ".csv" else "\t"
    with path.open() as file:
        headed = file.readline().lower().startswith("year")
    if headed:
        return pd.read_csv(path, sep=separator).rename(columns=SPELLINGS)
    numbers = range(len(COLUMNS))
    return pd.read_csv(path, sep=separator, header=None, usecols=numbers, names=COLUMNS)


def _ibtracs_csv(path: Path) -> pd.DataFrame:
    try:
        # The second line has the units; a blank stands for what is missing.
        rows = pd.read_csv(path, usecols=IBTRACS, skiprows=[1], dtype=str, keep_default_na=False)
        return pd.DataFrame(
            {
                "storm": rows["SID"].str.strip(),
                "time": pd.to_datetime(rows["ISO_TIME"].str.strip()),
                "latitude": pd.to_numeric(rows["LAT"].str.strip()),
                "longitude": pd.to_numeric(rows["LON"].str.strip()),
                "spur": rows["TRACK_TYPE"].str.lower().str.contains("spur"),
            }
        )
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(
            f"{path}: found no table of IBTrACS ({_first_line(error)}), expected the columns "
            f"{', '.join(IBTRACS)} and a second line with the units; download it again"
        ) from None


def _ibtracs_netcdf(path: Path) -> pd.DataFrame:
    with netcdf(path) as raw:
        lacking = [name for name in ("sid", "time", "lat", "lon", "track_type") if name not in raw]
        if lacking or raw["time"].ndim != 2:
            raise ValueError(
                f"{path}: found no {lacking[0] if lacking else 'table of times'}, expected sid and "
                "track_type by storm, time, lat and lon by storm and date_time, as IBTrACS has "
                "them; download it again"
            )
        observations = raw["time"].shape[1]
        storms = np.char.strip(raw["sid"].values.astype(str))
        spurs = [("spur" in kind.lower()) for kind in raw["track_type"].values.astype(str)]
        return pd.DataFrame(
            {
                "storm": np.repeat(storms, observations),
                # The times are days as floats; the tracks have whole seconds.
                "time": pd.DatetimeIndex(raw["time"].values.ravel()).round("s"),
                "latitude": raw["lat"].values.ravel().astype(float),
                "longitude": raw["lon"].values.ravel().astype(float),
                "spur": np.repeat(spurs, observations),
            }
        )


def _storms(rows: pd.DataFrame, path: Path) -> Iterator[tuple[str, pd.DataFrame]]:
    for storm, group in rows.groupby("storm", sort=True):
        track = group[["latitude", "longitude"]].set_index(pd.DatetimeIndex(group["time"]))
        track = _checked(track, f"{path}: {storm}")
        track.attrs["spur"] = bool(group["spur"].all())
        yield str(storm), track


def _checked(track: pd.DataFrame, name: str) -> pd.DataFrame:
    """In order, each time once, longitude from 0 to 360; or refused."""
    if track.empty or not np.isfinite(track.to_numpy()).all() or track.latitude.abs().max() > 90:
        raise ValueError(
            f"{name}: latitude or longitude is missing or out of range, expected degrees "
            "for every time; replace the file"
        )
    track.index.name = None
    track["longitude"] = np.mod(track["longitude"], 360.0)
    return track[~track.index.duplicated()].sort_index()


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:100]
