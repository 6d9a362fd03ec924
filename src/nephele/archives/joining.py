"""Pieces of ERA5 from several files, put together to one dataset."""

import numpy as np
import xarray as xr

from nephele.fields import contract, times

AXES = ("latitude", "longitude")
SAME = 1e-4  # degrees; single precision writes 359.9 that far from double precision


def in_time(parts: list[xr.DataArray], label: str) -> xr.DataArray:
    """The pieces of one variable as one series.

    Where two files have the same time, one as final ERA5 (expver 1) and one as ERA5T (expver 5),
    the final one is taken.

    Raises:
        ValueError: there is no time, a time stands there twice, or the grids differ.
    """
    parts = sorted((part for part in parts if part.time.size), key=lambda part: part.time.values[0])
    if not parts:
        raise ValueError(
            f"{label}: time: nothing at the times of the storm's frames, expected fields then; "
            "download these times too, or use the archive's climatology"
        )
    first, *others = parts
    if any(not _alike(first, other) for other in others):
        raise ValueError(
            f"{label}: {first.name}: the files have different latitudes or longitudes, expected "
            "the same; download one area"
        )
    joined = first
    if others:
        versions = all("expver" in part.coords for part in parts)
        aligned = [_on(first, part if versions else _unversioned(part)) for part in parts]
        joined = xr.concat(aligned, "time", join="exact", combine_attrs="override")
        joined = _final_first(joined) if versions else joined.sortby("time")
    joined = _unversioned(joined)
    times.check(contract.index(joined.to_dataset(), label), label)
    return joined


def on_one_grid(fields: dict[str, xr.DataArray], label: str) -> xr.Dataset:
    """The variables at the times that all have.

    Raises:
        ValueError: they have no time in common, or lie on different grids.
    """
    first, *others = fields.values()
    for other in others:
        for axis in AXES:
            if not _alike(first, other, (axis,)):
                raise ValueError(
                    f"{label}: {axis}: {other.name} and {first.name} are on different grids, "
                    "expected one; download the same area and resolution for both"
                )
    merged = xr.merge(
        [first, *(_on(first, other) for other in others)],
        join="inner",
        combine_attrs="drop_conflicts",
    )
    if not merged.sizes["time"]:
        raise ValueError(
            f"{label}: time: the variables have no time in common, "
            "expected the same times for all; download them again"
        )
    return merged


def _alike(one: xr.DataArray, other: xr.DataArray, axes: tuple[str, ...] = AXES) -> bool:
    return all(
        one.sizes[axis] == other.sizes[axis]
        and np.allclose(one[axis].values, other[axis].values, rtol=0, atol=SAME)
        for axis in axes
    )


def _on(first: xr.DataArray, other: xr.DataArray) -> xr.DataArray:
    """`other` with the very axes of `first`, to the last bit."""
    return other.assign_coords({axis: first[axis] for axis in AXES})


def _unversioned(field: xr.DataArray) -> xr.DataArray:
    return field.drop_vars("expver", errors="ignore")


def _final_first(series: xr.DataArray) -> xr.DataArray:
    """In the order of time, without what is preliminary where the final field is there too."""
    moments, versions = series.time.values, series.expver.values.astype(int)
    order = np.lexsort((versions, moments))
    moments, versions = moments[order], versions[order]
    replaced = np.zeros(len(order), bool)
    replaced[1:] = (moments[1:] == moments[:-1]) & (versions[1:] > versions[:-1])
    return series.isel(time=order[~replaced])
