"""Best tracks of the Japan Meteorological Agency, as Digital Typhoon ships them.

Tab-separated, no header: year, month, day, hour, grade, latitude, longitude, pressure
(hPa), wind (kt), …; one row an hour.
"""

from pathlib import Path

import numpy as np
import pandas as pd

COLUMNS = ["year", "month", "day", "hour", "grade", "latitude", "longitude"]


def read(path: Path) -> pd.DataFrame:
    """Latitude and longitude (0 to 360), degrees, by time.

    Raises:
        ValueError: the file is missing, or not such a table.
    """
    if not path.is_file():
        raise ValueError(
            f"{path}: no such file, expected the storm's best track; add it to the archive"
        )
    try:
        rows = pd.read_csv(path, sep="\t", header=None, usecols=range(len(COLUMNS)), names=COLUMNS)
        times = pd.to_datetime(rows[["year", "month", "day", "hour"]])
        track = rows[["latitude", "longitude"]].astype(float).set_index(pd.DatetimeIndex(times))
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(
            f"{path}: found no best track ({str(error).splitlines()[0][:100]}), expected "
            "tab-separated year, month, day, hour, grade, latitude, longitude; replace the file"
        ) from None
    if track.empty or not np.isfinite(track.to_numpy()).all() or track.latitude.abs().max() > 90:
        raise ValueError(
            f"{path}: latitude or longitude is missing or out of range, expected degrees in "
            "columns 6 and 7; replace the file"
        )
    track["longitude"] = np.mod(track["longitude"], 360.0)
    return track[~track.index.duplicated()].sort_index()


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
