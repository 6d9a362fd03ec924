"""The synthetic world in the formats of real archives.

    era5/<storm>_single_levels.nc    as the Climate Data Store delivers today
    era5/<storm>_pressure_levels.nc
    frames/<storm>.nc                as a satellite product: packed int16 with a fill value

so that the readers of real data read it too. The same parameters give the same bytes.
"""

from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import xarray as xr

from nephele.fields import grid
from nephele.fields.variables import VARIABLES
from nephele.params import SyntheticParams
from nephele.world.environment import LEVELS, environment, on_level
from nephele.world.simulation import simulate

LABEL = "SYNTHETIC"
CDS_UNITS = {"sst": "K", "msl": "Pa", "z": "m**2 s**-2", "r": "%"}
# GRIB stores whole multiples of a small step, so a file of the Climate Data Store holds those.
CDS_STEPS = {"sst": 2.0**-8, "msl": 1.0, "z": 1.0, "r": 2.0**-5}
RESOLUTION = 0.2  # K, as coarse as a radiometer's counts
OFFSET = 250.0  # K
FILL = -32768


def write(
    folder: Path,
    params: SyntheticParams,
    variables: Mapping[str, int | None],
    workers: int = 1,
) -> list[str]:
    """Simulate every storm and write it below `folder`.

    Args:
        variables: ERA5 short name to level in hPa, None at the surface.
        workers: processes to share the storms; the files do not depend on it.

    Returns:
        the storms' ids, S0001, S0002, …
    """
    _check(variables)
    for part in ("era5", "frames"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    numbers = range(1, params.storms + 1)
    make = partial(_write_storm, folder, params, dict(variables))
    if workers == 1:
        return [make(number) for number in numbers]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return list(pool.map(make, numbers))


def storm_id(number: int) -> str:
    """S0001 for storm 1."""
    return f"S{number:04d}"


def storm_number(name: str) -> int:
    """1 for S0001."""
    return int(name.removeprefix("S"))


def _check(variables: Mapping[str, int | None]) -> None:
    for name, level in variables.items():
        if name not in LEVELS:
            raise ValueError(
                f"the synthetic world has no variable {name!r}; it has {', '.join(LEVELS)}: "
                "correct acquire.variables"
            )
        if (level is None) != (LEVELS[name] is None):
            expected = "no level (null)" if LEVELS[name] is None else "a pressure level in hPa"
            raise ValueError(f"{name}: level is {level!r}, expected {expected}")


def _write_storm(
    folder: Path, params: SyntheticParams, variables: dict[str, int | None], number: int
) -> str:
    name = storm_id(number)
    storm = simulate(params.seed, number, params.frames)
    fields = environment(storm, params.seed, number)
    _save(satellite(storm, name), folder / "frames" / f"{name}.nc", chunks=(1, None, None))
    surface = [variable for variable, level in variables.items() if level is None]
    if surface:
        _save(single_levels(fields, surface), folder / "era5" / f"{name}_single_levels.nc")
    aloft = {variable: level for variable, level in variables.items() if level is not None}
    if aloft:
        levels = sorted(set(aloft.values()), reverse=True)
        found = pressure_levels(fields, list(aloft), levels)
        _save(found, folder / "era5" / f"{name}_pressure_levels.nc")
    return name


def satellite(storm: xr.Dataset, name: str) -> xr.Dataset:
    """A storm's frames as a satellite product: (time, y, x) int16, named `irwin`."""
    kelvin = storm["brightness_temperature"]
    packed = np.rint((kelvin.values - OFFSET) / RESOLUTION).astype(np.int16)
    attributes = {
        "long_name": "infrared window brightness temperature",
        "standard_name": VARIABLES["brightness_temperature"].standard_name,
        "units": "K",
        "scale_factor": np.float32(RESOLUTION),
        "add_offset": np.float32(OFFSET),
        "_FillValue": np.int16(FILL),
        "grid_mapping": "crs",
        "coordinates": "centre_latitude centre_longitude",
    }
    centre = {
        "centre_latitude": ("degrees_north", "latitude"),
        "centre_longitude": ("degrees_east", "longitude"),
    }
    positions = {
        key: ("time", storm[key].values, {"units": units, "long_name": f"{what} of the centre"})
        for key, (units, what) in centre.items()
    }
    best_track = {
        "central_pressure_deficit": ("time", storm["pressure_deficit"].values, {"units": "Pa"})
    }
    return xr.Dataset(
        {
            "irwin": (("time", "y", "x"), packed, attributes),
            "crs": ((), np.int32(0), grid.attributes()),
            **positions,
            **best_track,
        },
        coords={
            "time": ("time", storm["time"].values, {"standard_name": "time"}),
            "y": _metres(storm["y"], "projection_y_coordinate"),
            "x": _metres(storm["x"], "projection_x_coordinate"),
        },
        attrs=_title(f"{LABEL} infrared frames of storm {name}"),
    )


def single_levels(fields: xr.Dataset, names: list[str]) -> xr.Dataset:
    """Surface variables as the Climate Data Store lays them out."""
    found = {name: _described(fields[name], name) for name in names}
    return _cds(xr.Dataset(found))


def pressure_levels(fields: xr.Dataset, names: list[str], levels: list[int]) -> xr.Dataset:
    """Variables on pressure levels as the Climate Data Store lays them out, levels decreasing."""
    axis = xr.Variable(
        "pressure_level",
        np.array(levels, float),
        {
            "long_name": "pressure",
            "units": "hPa",
            "positive": "down",
            "stored_direction": "decreasing",
            "standard_name": "air_pressure",
        },
    )
    found = {}
    for name in names:
        stacked = xr.concat([on_level(fields, name, level) for level in levels], "pressure_level")
        ordered = stacked.transpose("time", "pressure_level", "latitude", "longitude")
        found[name] = _described(ordered, name)
    return _cds(xr.Dataset(found).assign_coords(pressure_level=axis))


def _described(field: xr.DataArray, name: str) -> xr.DataArray:
    step = CDS_STEPS[name]
    described = field.copy(data=(np.rint(field.values / step) * step).astype(np.float32))
    described.attrs = {
        "units": CDS_UNITS[name],
        "long_name": VARIABLES[name].long_name.capitalize(),
        "standard_name": VARIABLES[name].standard_name,
        "GRIB_shortName": name,
    }
    return described


def _cds(fields: xr.Dataset) -> xr.Dataset:
    """Rename, flip and label as today's Climate Data Store does."""
    flipped = fields.isel(latitude=slice(None, None, -1)).rename(time="valid_time")
    labelled = flipped.assign_coords(
        number=((), 0, {"long_name": "ensemble member numerical id", "units": "1"}),
        expver=("valid_time", np.full(flipped.sizes["valid_time"], "0001")),
    )
    labelled["valid_time"].attrs = {"long_name": "time", "standard_name": "time"}
    labelled["latitude"].attrs = {
        "units": "degrees_north",
        "standard_name": "latitude",
        "long_name": "latitude",
        "stored_direction": "decreasing",
    }
    labelled["longitude"].attrs = {
        "units": "degrees_east",
        "standard_name": "longitude",
        "long_name": "longitude",
    }
    labelled.attrs = _title(f"{LABEL} environment in the layout of ERA5")
    return labelled


def _metres(axis: xr.DataArray, standard_name: str) -> xr.Variable:
    return xr.Variable(axis.dims, axis.values, {"units": "m", "standard_name": standard_name})


def _title(title: str) -> dict[str, object]:
    return {
        "Conventions": "CF-1.7",
        "title": title,
        "institution": "the synthetic world of Nephele: no measurement, no reanalysis",
        "synthetic": np.int32(1),
    }


def _save(fields: xr.Dataset, path: Path, chunks: tuple[int | None, ...] | None = None) -> None:
    encoding: dict[str, dict] = {}
    for name, field in fields.data_vars.items():
        if field.ndim >= 3:
            encoding[str(name)] = {"zlib": True, "complevel": 1, "shuffle": True}
            if chunks is not None:
                sizes = zip(chunks, field.shape, strict=True)
                encoding[str(name)]["chunksizes"] = tuple(c or size for c, size in sizes)
            if field.dtype == np.float32:
                encoding[str(name)]["_FillValue"] = np.float32("nan")
    time = "valid_time" if "valid_time" in fields.coords else "time"
    encoding[time] = {"units": "seconds since 1970-01-01", "dtype": "int64"}
    fields.to_netcdf(path, engine="netcdf4", encoding=encoding)
