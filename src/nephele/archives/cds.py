"""ERA5 as the Copernicus Climate Data Store delivers it in NetCDF, today and before 2024.

Today: `valid_time`, `pressure_level`, and `number` and `expver` beside them. Before: NetCDF3
with int16 packing, `time` and `level`, and `expver` as a dimension where the latest
(ERA5T) months are in the file. Descending latitudes in both.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from nephele.archives.coordinates import Box, ascending, cut
from nephele.archives.opening import netcdf
from nephele.fields import contract, times
from nephele.fields.variables import known

RENAMED = {"valid_time": "time", "pressure_level": "level", "lat": "latitude", "lon": "longitude"}


@dataclass(frozen=True)
class Request:
    """What is wanted of an archive: short name to level in hPa (None: surface), where, when."""

    variables: dict[str, int | None]
    box: Box
    first: pd.Timestamp | None = None
    last: pd.Timestamp | None = None


def read(files: Sequence[Path], request: Request) -> xr.Dataset:
    """The requested variables of `files` as the contract has them.

    A variable may be spread over several files in time; different variables may lie in
    different files, on the same latitudes and longitudes. Times that all have are kept.

    Raises:
        ValueError: naming the file, the variable, what was found and what was expected.
    """
    if not files:
        raise ValueError(
            "no NetCDF file of ERA5 found, expected at least one; check the archive folder"
        )
    pieces: dict[str, list[xr.DataArray]] = {name: [] for name in request.variables}
    for path in files:
        for field in _fields(path, request):
            pieces[str(field.name)].append(field)
    _require_all(pieces, files)
    joined = {name: _joined(parts, _label(files)) for name, parts in pieces.items()}
    fields = _merged(joined, _label(files))
    return contract.check_era5(fields, request.variables, _label(files))


def mean_over_time(fields: xr.Dataset, moments: pd.DatetimeIndex) -> xr.Dataset:
    """The mean over the time of `fields`, repeated at each of `moments`."""
    mean = fields.mean("time", keep_attrs=True)
    repeated = mean.expand_dims(time=moments, axis=0)
    return repeated.transpose(*contract.ERA5_DIMS)


def _fields(path: Path, request: Request) -> list[xr.DataArray]:
    with netcdf(path) as raw:
        wanted = [name for name in request.variables if name in raw]
        if not wanted:
            return []
        named = raw.rename({old: new for old, new in RENAMED.items() if old in raw.variables})
        single = _without_versions(_without_members(named[wanted], path))
        if "time" not in single.dims:
            single = single.expand_dims("time") if "time" in single.coords else single
        times.check(contract.index(single, str(path)), str(path))
        upright = cut(ascending(single, str(path)), request.box, str(path))
        chosen = upright.sel(time=slice(request.first, request.last))
        return [_field(chosen[name], request.variables[name], path) for name in wanted]


def _field(field: xr.DataArray, level: int | None, path: Path) -> xr.DataArray:
    """One variable at one level in memory, checked for units, values and holes."""
    name = str(field.name)
    contract.check_units(field, name, str(path))
    if "level" in field.dims:
        levels = field.level.values
        if level is None or level not in levels:
            found = ", ".join(f"{value:g}" for value in levels)
            raise ValueError(
                f"{path}: {name}: found the levels {found} hPa, expected {level}; "
                "download that level, or change acquire.variables"
            )
        field = field.sel(level=level)
    field = field.transpose(*contract.ERA5_DIMS).astype(np.float32).load()
    if field.size:
        contract.check_values(field, name, level, str(path))
        if not known(name).missing:
            contract.check_finite(field, name, str(path))
    clean = field.drop_vars([c for c in field.coords if c not in contract.ERA5_DIMS])
    variable = known(name)
    clean.attrs = {
        "long_name": variable.long_name,
        "standard_name": variable.standard_name,
        "units": variable.units,
    } | ({} if level is None else {"level": level, "level_units": "hPa"})
    clean.encoding = {}
    return clean


def _without_members(fields: xr.Dataset, path: Path) -> xr.Dataset:
    if "number" not in fields.dims:
        return fields
    if fields.sizes["number"] > 1:
        raise ValueError(
            f"{path}: number: found {fields.sizes['number']} ensemble members, expected one; "
            "download the reanalysis, or select a member"
        )
    return fields.isel(number=0)


def _without_versions(fields: xr.Dataset) -> xr.Dataset:
    """Final ERA5 (expver 1) where it is, ERA5T (expver 5) where it is not yet."""
    if "expver" not in fields.dims:
        return fields
    merged = fields.isel(expver=0, drop=True)
    for other in range(1, fields.sizes["expver"]):
        merged = merged.fillna(fields.isel(expver=other, drop=True))
    return merged


def _require_all(pieces: dict[str, list[xr.DataArray]], files: Sequence[Path]) -> None:
    missing = [name for name, parts in pieces.items() if not parts]
    if missing:
        names = ", ".join(f"{name} ({known(name).long_name})" for name in missing)
        found = ", ".join(name for name, parts in pieces.items() if parts) or "none of them"
        raise ValueError(
            f"{_label(files)}: {names} is missing, found {found}, expected "
            f"{', '.join(pieces)}; download it, or remove it from acquire.variables"
        )


def _joined(parts: list[xr.DataArray], label: str) -> xr.DataArray:
    """The pieces of one variable, one after the other in time."""
    parts = sorted((part for part in parts if part.time.size), key=lambda part: part.time.values[0])
    if not parts:
        raise ValueError(
            f"{label}: time: nothing at the times of the storm's frames, expected fields then; "
            "download these times too, or use the archive's climatology"
        )
    try:
        joined = xr.concat(parts, "time", join="exact") if len(parts) > 1 else parts[0]
    except ValueError:
        raise ValueError(
            f"{label}: {parts[0].name}: the files have different latitudes or longitudes, expected "
            "the same; download one area"
        ) from None
    times.check(contract.index(joined.to_dataset(), label), label)
    return joined


def _merged(fields: dict[str, xr.DataArray], label: str) -> xr.Dataset:
    first, *others = fields.values()
    for other in others:
        for axis in ("latitude", "longitude"):
            if not np.array_equal(first[axis], other[axis]):
                raise ValueError(
                    f"{label}: {axis}: {other.name} and {first.name} are on different grids, "
                    "expected one; download the same area and resolution for both"
                )
    merged = xr.merge(list(fields.values()), join="inner", combine_attrs="drop_conflicts")
    if not merged.sizes["time"]:
        raise ValueError(
            f"{label}: time: the variables have no time in common, "
            "expected the same times for all; download them again"
        )
    return merged


def _label(files: Sequence[Path]) -> str:
    return (
        str(files[0])
        if len(files) == 1
        else f"{files[0].parent}/{{{','.join(f.name for f in files[:4])}}}"
    )
