"""The part of an opened archive that is wanted, in memory and in the contract's units."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
import xarray as xr

from nephele.archives import naming
from nephele.archives.coordinates import Box, ascending, cut
from nephele.fields import contract, times
from nephele.fields.variables import GRAVITY, known

HEIGHTS = ("m", "gpm", "metre", "metres", "meter", "meters")  # units of a geopotential height
LARGEST = 4 * 2**30  # bytes of one variable in memory


@dataclass(frozen=True)
class Request:
    """What is wanted of an archive: short name to level in hPa (None: surface), where, when."""

    variables: dict[str, int | None]
    box: Box
    first: pd.Timestamp | None = None
    last: pd.Timestamp | None = None


def pieces(raw: xr.Dataset, request: Request, label: str) -> list[xr.DataArray]:
    """Those of the requested variables that `raw` has, each (time, latitude, longitude).

    Nothing but the box, the level and the times asked for is read. A field keeps the coordinate
    `expver`, one a time, where the file has it.

    Args:
        label: the file, for messages.

    Raises:
        ValueError: naming the file, the variable, what was found and what was expected.
    """
    fields = naming.plain(raw, request.variables, label)
    if not fields.data_vars:
        return []
    columns = np.arange(fields.sizes.get("longitude", 0))
    fields = fields.assign_coords(column=("longitude", columns))
    upright = cut(ascending(fields, label), request.box, label)
    chosen = _in_time(upright, request, label)
    return [
        _field(chosen[name], level, label).sel(time=slice(request.first, request.last))
        for name, level in request.variables.items()
        if name in chosen
    ]


def described(field: xr.DataArray, name: str, level: int | None) -> xr.DataArray:
    """`field` by its name, with the contract's attributes and no others."""
    variable = known(name)
    field = field.rename(name)
    field.attrs = {
        "long_name": variable.long_name,
        "standard_name": variable.standard_name,
        "units": variable.units,
    } | ({} if level is None else {"level": level, "level_units": "hPa"})
    field.encoding = {}
    return field


def _in_time(fields: xr.Dataset, request: Request, label: str) -> xr.Dataset:
    """The times that are wanted; where there is one only and it is not wanted, no columns."""
    if "time" in fields.dims or "time" not in fields.coords:
        times.check(contract.index(fields, label), label)
        return fields.sel(time=slice(request.first, request.last))
    time = contract.index(fields[["time"]].expand_dims("time"), label)[0]
    early = request.first is not None and time < request.first
    late = request.last is not None and time > request.last
    return fields.isel(longitude=slice(0, 0)) if early or late else fields


def _field(field: xr.DataArray, level: int | None, label: str) -> xr.DataArray:
    """One variable at one level, checked for units, values and holes."""
    name = str(field.name)
    field = _loaded(_final(_at(field, level, label)), label)
    if name == "z" and field.attrs.get("units") in HEIGHTS:
        field = (GRAVITY * field).assign_attrs(units=known("z").units)
    contract.check_units(field, name, label)
    if field.size:
        contract.check_values(field, name, level, label)
        if not known(name).missing:
            contract.check_finite(field, name, label)
    if "expver" in field.coords:
        versions = np.broadcast_to(field.expver.values, field.sizes["time"])
        field = field.assign_coords(expver=("time", versions))
    kept = {*contract.ERA5_DIMS, "expver"}
    return described(field.drop_vars([c for c in field.coords if c not in kept]), name, level)


def _at(field: xr.DataArray, level: int | None, label: str) -> xr.DataArray:
    """The field at `level`, hPa, where it has levels."""
    single = "level" not in field.dims
    if single and (level is None or "level" not in field.coords):
        return field
    levels = np.atleast_1d(field.level.values)
    if level is None or level not in levels:
        found = ", ".join(f"{value:g}" for value in levels)
        raise ValueError(
            f"{label}: {field.name}: found the levels {found} hPa, expected {level}; "
            "download that level, or change acquire.variables"
        )
    return field if single else field.sel(level=level)


def _final(field: xr.DataArray) -> xr.DataArray:
    """Final ERA5 (expver 1) where it is, ERA5T (expver 5) where it is not yet."""
    if "expver" not in field.dims:
        return field
    final, *others = (
        field.isel(expver=i, drop=True) for i in np.argsort(field.expver.values.astype(int))
    )
    for preliminary in others:
        final = final.fillna(preliminary)
    return final.assign_attrs(field.attrs)


def _loaded(field: xr.DataArray, label: str) -> xr.DataArray:
    others = [axis for axis in field.dims if axis not in contract.ERA5_DIMS]
    field = field.squeeze([axis for axis in others if field.sizes[axis] == 1])
    if {*field.dims, "time"} != {*contract.ERA5_DIMS}:
        raise ValueError(
            f"{label}: {field.name}: axes are {field.dims}, expected {contract.ERA5_DIMS} and "
            "levels; download the reanalysis on a regular grid"
        )
    if field.size * 4 > LARGEST:
        raise ValueError(
            f"{label}: {field.name}: {field.sizes.get('time', 1)} times of the area take "
            f"{field.size * 4 / 2**30:.0f} GiB of memory, expected at most {LARGEST / 2**30:.0f}; "
            "name a shorter record in acquire.era5"
        )
    # Columns that lie beside each other are read at once; others would be read one by one.
    breaks = np.flatnonzero(np.diff(field.column.values) != 1) + 1
    bounds = [0, *breaks, field.sizes["longitude"]]
    parts = [field.isel(longitude=slice(*pair)).load() for pair in pairwise(bounds)]
    whole = parts[0] if len(parts) == 1 else xr.concat(parts, "longitude", combine_attrs="override")
    if "time" not in whole.dims:  # expanded sooner, the file would be read as a whole
        whole = whole.expand_dims("time")
    return whole.transpose(*contract.ERA5_DIMS).astype(np.float32)
