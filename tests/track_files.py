"""Small files of IBTrACS version 4, laid out as NOAA publishes them."""

from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

HAIYAN, ACROSS, SPUR = "2013306N07162", "2013309S12179", "2013310N09150"
# SID, time, latitude, longitude, type
ROWS = (
    (HAIYAN, "2013-11-07 00:00:00", 8.7, 132.8, "main"),
    (HAIYAN, "2013-11-07 03:00:00", 9.1, 131.3, "main"),
    (HAIYAN, "2013-11-07 06:00:00", 9.7, 129.9, "main"),
    (ACROSS, "2013-11-07 00:00:00", -12.0, 179.5, "main"),
    (ACROSS, "2013-11-07 06:00:00", -12.6, -178.5, "main"),
    (SPUR, "2013-11-07 00:00:00", 9.0, 150.0, "spur"),
    (SPUR, "2013-11-07 06:00:00", 9.5, 149.0, "spur"),
)
COLUMNS = (
    "SID,SEASON,NUMBER,BASIN,SUBBASIN,NAME,ISO_TIME,NATURE,LAT,LON,WMO_WIND,WMO_PRES,WMO_AGENCY,"
    "TRACK_TYPE,DIST2LAND"
)
UNITS = " ,Year, , , , , , ,degrees_north,degrees_east,kts,mb, , ,km"


def write(path: Path, rows: tuple = ROWS) -> Path:
    """A CSV or, by its suffix, a NetCDF file."""
    if path.suffix == ".nc":
        _netcdf(rows).to_netcdf(path)
        return path
    lines = [
        f"{sid},2013,31,WP,MM,SOME,{time},TS,{latitude},{longitude}, , , ,{kind},500"
        for sid, time, latitude, longitude, kind in rows
    ]
    path.write_text("\n".join([COLUMNS, UNITS, *lines]) + "\n")
    return path


def _netcdf(rows: tuple) -> xr.Dataset:
    storms = list(dict.fromkeys(row[0] for row in rows))
    shape = (len(storms), 360)
    days, latitude, longitude = (np.full(shape, np.nan) for _ in range(3))
    kinds = {}
    for number, storm in enumerate(storms):
        for step, row in enumerate(row for row in rows if row[0] == storm):
            since = pd.Timestamp(row[1]) - pd.Timestamp("1858-11-17")
            days[number, step] = since / pd.Timedelta(days=1)
            latitude[number, step], longitude[number, step] = row[2:4]
            kinds[storm] = row[4]
    dims = ("storm", "date_time")
    position = {"_FillValue": np.float32(-9999.0)}
    return xr.Dataset(
        {
            "sid": ("storm", np.array(storms, dtype="S13")),
            "track_type": ("storm", np.array([kinds[storm] for storm in storms], dtype="S32")),
            "numobs": ("storm", np.isfinite(days).sum(1).astype("i2")),
        },
        coords={
            "time": (dims, days, {"units": "days since 1858-11-17 00:00:00"}, {"_FillValue": None}),
            "lat": (dims, latitude.astype("f4"), {"units": "degrees_north"}, position),
            "lon": (dims, longitude.astype("f4"), {"units": "degrees_east"}, position),
        },
    )
