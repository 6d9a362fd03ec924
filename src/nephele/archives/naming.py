"""Names and axes of ERA5 as archives write them, brought to those of the contract.

The Climate Data Store writes short names, today with `valid_time` and `pressure_level`, before
2024 with `time` and `level`; cfgrib `isobaricInhPa`; ARCO-ERA5 and WeatherBench long names.
"""

from collections.abc import Iterable

import xarray as xr

AXES = {
    "valid_time": "time",
    "pressure_level": "level",
    "isobaricInhPa": "level",
    "lat": "latitude",
    "lon": "longitude",
}
LONG = {
    "sst": ("sea_surface_temperature",),
    "msl": ("mean_sea_level_pressure",),
    "z": ("geopotential", "geopotential_height", "gh"),
    "r": ("relative_humidity",),
    "t": ("temperature",),
    "u": ("u_component_of_wind",),
    "v": ("v_component_of_wind",),
    "q": ("specific_humidity",),
}


def plain(raw: xr.Dataset, wanted: Iterable[str], label: str) -> xr.Dataset:
    """Those of the `wanted` variables that `raw` has, by their short names.

    Their axes are called time, level, latitude and longitude. Time and level may be coordinates
    without an axis where there is one only; the one ensemble member has none.

    Raises:
        ValueError: there are several ensemble members or steps, or no rectangular grid.
    """
    names = {found: name for name in wanted if (found := _found(raw, name)) is not None}
    if not names:
        return xr.Dataset()
    fields = _valid(raw[[*names]].rename(names), label)
    fields = fields.rename(
        {old: new for old, new in AXES.items() if old in fields.variables or old in fields.dims}
    )
    fields = _one_member(fields, label)
    for axis in ("latitude", "longitude"):
        if axis in fields.coords and fields[axis].dims != (axis,):
            raise ValueError(
                f"{label}: {axis}: found values along {fields[axis].dims}, "
                "expected a regular grid; download it with grid 0.25/0.25"
            )
    return fields


def _found(raw: xr.Dataset, name: str) -> str | None:
    """What `raw` calls the variable of that short name."""
    for other in (name, *LONG.get(name, ())):
        if other in raw.data_vars:
            return other
    for key in ("GRIB_shortName", "short_name"):
        for found, field in raw.data_vars.items():
            if field.attrs.get(key) == name:
                return str(found)
    return None


def _valid(fields: xr.Dataset, label: str) -> xr.Dataset:
    """With the time that each field is valid for where the start of a forecast stands beside."""
    if not {"time", "valid_time"} <= set(fields.coords):
        return fields
    if fields.valid_time.dims != fields.time.dims:
        raise ValueError(
            f"{label}: step: found {fields.sizes.get('step', 0)} steps of forecasts, expected "
            "analyses; download the reanalysis"
        )
    return fields.assign_coords(time=fields.valid_time.variable).drop_vars("valid_time")


def _one_member(fields: xr.Dataset, label: str) -> xr.Dataset:
    if "number" not in fields.dims:
        return fields
    if fields.sizes["number"] > 1:
        raise ValueError(
            f"{label}: number: found {fields.sizes['number']} ensemble members, expected the "
            "reanalysis; download product_type reanalysis, or keep one member "
            "(grib_copy -w number=0)"
        )
    return fields.isel(number=0, drop=True)
