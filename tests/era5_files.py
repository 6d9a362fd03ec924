"""ERA5 in the layouts in which it comes, written from the fields of archive_files."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import eccodes
import numpy as np
import xarray as xr

LONG = {
    "sst": "sea_surface_temperature",
    "msl": "mean_sea_level_pressure",
    "z": "geopotential",
    "r": "relative_humidity",
    "t": "temperature",
    "q": "specific_humidity",
}
PARAMETERS = {"sst": 34, "msl": 151, "z": 129, "r": 157}
MISSING = 9999.0


def write_grib(path: Path, *layouts: xr.Dataset) -> Path:
    """The messages of datasets in today's layout of the CDS, one after the other, in GRIB 1."""
    with path.open("wb") as file:
        for fields in layouts:
            for name, series in fields.data_vars.items():
                for field in series.transpose("valid_time", ...):
                    levels = field if "pressure_level" in field.dims else [field]
                    for level in levels:
                        _write_message(file, str(name), level)
    return path


def _write_message(file, name: str, field: xr.DataArray) -> None:
    surface = "pressure_level" not in field.coords
    sample = "regular_ll_sfc_grib1" if surface else "regular_ll_pl_grib1"
    message = eccodes.codes_grib_new_from_samples(sample)
    time = field.valid_time.values.astype("datetime64[s]").item()
    latitude, longitude = field.latitude.values, field.longitude.values
    keys = {
        "paramId": PARAMETERS[name],
        "dataDate": int(f"{time:%Y%m%d}"),
        "dataTime": int(f"{time:%H%M}"),
        "Ni": len(longitude),
        "Nj": len(latitude),
        "latitudeOfFirstGridPointInDegrees": float(latitude[0]),
        "latitudeOfLastGridPointInDegrees": float(latitude[-1]),
        "longitudeOfFirstGridPointInDegrees": float(longitude[0]),
        "longitudeOfLastGridPointInDegrees": float(longitude[-1]),
        "iDirectionIncrementInDegrees": float(longitude[1] - longitude[0]),
        "jDirectionIncrementInDegrees": float(latitude[0] - latitude[1]),
        "bitmapPresent": 1,
        "missingValue": MISSING,
        "bitsPerValue": 24,
    }
    if not surface:
        keys["level"] = int(field.pressure_level)
    for key, value in keys.items():
        eccodes.codes_set(message, key, value)
    values = np.nan_to_num(field.values.astype(float), nan=MISSING)
    eccodes.codes_set_values(message, values.ravel())
    eccodes.codes_write(message, file)
    eccodes.codes_release(message)


def arco(*layouts: xr.Dataset) -> xr.Dataset:
    """Datasets in today's layout of the CDS as ARCO-ERA5 has them, and longitude first."""
    fields = xr.merge([layout.drop_vars(["number", "expver"]) for layout in layouts])
    fields = fields.rename(valid_time="time", pressure_level="level")
    fields = fields.rename({name: LONG[str(name)] for name in fields.data_vars})
    fields = fields.assign_coords(level=fields.level.astype(int))
    return fields.transpose("time", "level", "longitude", "latitude", missing_dims="ignore")


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """A folder at a URL, and the paths that are asked for, as they come."""
    asked: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            if self.command == "GET":
                asked.append(self.path)

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
