"""What `data/<storm>/frames.nc` and `era5.nc` hold, and the checks that they do.

Checked once, where data enter; every later room trusts it.
"""

import numpy as np
import pandas as pd
import xarray as xr

from nephele.fields import times
from nephele.fields.variables import FRAMES, MISTAKES, known, plausible

FRAME_DIMS = ("time", "y", "x")
ERA5_DIMS = ("time", "latitude", "longitude")
CENTRE = ("centre_latitude", "centre_longitude")


def check_frames(frames: xr.Dataset, name: str) -> xr.Dataset:
    """Return a storm's frames as they are, or say how they break the contract.

    Args:
        frames: brightness_temperature (time, y, x) in K, NaN where unusable; x and y in m,
            increasing; centre_latitude and centre_longitude (time) in degrees.
        name: the file, for the message.

    Raises:
        ValueError: naming the file, the variable, what was found and what was expected.
    """
    _check_present(frames, FRAMES, name)
    _check_dims(frames[FRAMES], FRAME_DIMS, name)
    times.check(index(frames, name), name)
    for axis in ("y", "x"):
        _check_axis(frames, axis, name)
        _check_attribute(frames[axis], axis, "m", ("metre", "meter", "metres", "meters"), name)
    for centre in CENTRE:
        if centre not in frames:
            raise ValueError(
                f"{name}: {centre} is missing, expected one value a frame in degrees; "
                "add the storm's track"
            )
        check_finite(frames[centre], centre, name)
    check_units(frames[FRAMES], FRAMES, name)
    check_values(frames[FRAMES], FRAMES, None, name)
    return frames


def check_era5(era5: xr.Dataset, variables: dict[str, int | None], name: str) -> xr.Dataset:
    """Return a storm's ERA5 fields as they are, or say how they break the contract.

    Args:
        era5: each variable (time, latitude, longitude), all axes increasing, longitude in
            0 to 360; NaN only where the variable may be missing.
        variables: short name to pressure level in hPa, None at the surface.
        name: the file, for the message.

    Raises:
        ValueError: naming the file, the variable, what was found and what was expected.
    """
    times.check(index(era5, name), name)
    for axis in ("latitude", "longitude"):
        _check_axis(era5, axis, name)
    for variable, level in variables.items():
        _check_present(era5, variable, name)
        _check_dims(era5[variable], ERA5_DIMS, name)
        check_units(era5[variable], variable, name)
        if not known(variable).missing:
            check_finite(era5[variable], variable, name)
        check_values(era5[variable], variable, level, name)
    return era5


def check_units(field: xr.DataArray, variable: str, name: str) -> None:
    """Refuse units other than the contract's; both sides of the message are named."""
    _check_attribute(field, variable, known(variable).units, known(variable).spellings, name)


def check_values(field: xr.DataArray, variable: str, level: int | None, name: str) -> None:
    """Refuse values that cannot be true, and name the units that they look like."""
    low, high = plausible(variable, level)
    values = field.values
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        raise ValueError(f"{name}: {variable}: every value is missing; acquire it again")
    least, most = float(finite.min()), float(finite.max())
    if low <= least and most <= high:
        return
    for units, remedy, mistaken_low, mistaken_high in MISTAKES.get(variable, []):
        if mistaken_low <= least and most <= mistaken_high:
            raise ValueError(
                f"{name}: {variable}: values from {least:.6g} to {most:.6g} look like {units}, "
                f"expected {known(variable).units}; {remedy}"
            )
    raise ValueError(
        f"{name}: {variable}: found values from {least:.6g} to {most:.6g}, expected "
        f"{low:.6g} to {high:.6g} {known(variable).units}; remove what is not a measurement"
    )


def _check_present(fields: xr.Dataset, variable: str, name: str) -> None:
    if variable not in fields:
        found = ", ".join(sorted(str(key) for key in fields.data_vars)) or "no variable"
        raise ValueError(
            f"{name}: {variable} ({known(variable).long_name}) is missing, found {found}; "
            "download it, or remove it from acquire.variables"
        )


def _check_dims(field: xr.DataArray, dims: tuple[str, ...], name: str) -> None:
    if field.dims != dims:
        raise ValueError(
            f"{name}: {field.name}: axes are {field.dims}, expected {dims}; transpose it"
        )


def _check_axis(fields: xr.Dataset, axis: str, name: str) -> None:
    if axis not in fields.coords:
        raise ValueError(f"{name}: coordinate {axis} is missing; expected an increasing axis")
    values = fields[axis].values
    if values.ndim != 1 or len(values) < 2:
        raise ValueError(
            f"{name}: {axis}: found shape {values.shape}, "
            "expected at least two points; download a larger area"
        )
    if not np.isfinite(values).all() or not (np.diff(values) > 0).all():
        raise ValueError(
            f"{name}: {axis}: found {values[0]:g} … {values[-1]:g}, not increasing throughout, "
            "expected an increasing axis without repetition; sort it"
        )


def _check_attribute(
    field: xr.DataArray, variable: str, expected: str, spellings: tuple[str, ...], name: str
) -> None:
    units = field.attrs.get("units")
    if units == expected or (isinstance(units, str) and units in spellings):
        return
    remedies = {mistake: remedy for mistake, remedy, *_ in MISTAKES.get(variable, [])}
    remedy = next((r for mistake, r in remedies.items() if _same(mistake, units)), "convert it")
    found = f"units are {units!r}" if units is not None else "the attribute units is missing"
    raise ValueError(f"{name}: {variable}: {found}, expected {expected!r}; {remedy}")


def _same(mistake: str, units: object) -> bool:
    spellings = {
        "hPa": ("hPa", "mbar", "millibar", "millibars", "mb"),
        "°C": ("°C", "C", "degC", "celsius", "Celsius", "degree_Celsius", "deg C"),
        "geopotential height in m": ("m", "gpm", "metre", "meters", "metres"),
        "a fraction of 1": ("1", "(0 - 1)"),
    }
    return units in spellings.get(mistake, ())


def check_finite(field: xr.DataArray, variable: str, name: str) -> None:
    """Refuse NaN."""
    missing = int((~np.isfinite(field.values)).sum())
    if missing:
        raise ValueError(
            f"{name}: {variable}: {missing} of {field.size} values are NaN, expected none; "
            "download the file again, or fill them from another source"
        )


def index(fields: xr.Dataset, name: str) -> pd.DatetimeIndex:
    """The times of `fields`, refused where they are no dates."""
    found = fields.indexes.get("time")
    if not isinstance(found, pd.DatetimeIndex):
        kind = "no such axis" if found is None else f"values of type {found.dtype}"
        raise ValueError(f"{name}: time: found {kind}, expected dates; write time with CF units")
    return found
