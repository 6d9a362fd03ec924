"""ERA5 from ARCO-ERA5, a public Zarr store: no account, no queue, but chunks of the whole globe.

A chunk is one time of a variable with all its 37 levels, so that much is transferred for little
(docs/downloading.md). There is no relative humidity: it is derived from t and q when it is read.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import aiohttp
import numpy as np
import pandas as pd
import xarray as xr

from nephele.downloads import netcdf
from nephele.downloads.params import RetryParams
from nephele.downloads.parts import GRID, NAMES, Area, Part
from nephele.downloads.patience import PASSING_STATUS, PassingError, patiently

# A public object has a plain address, which asks for neither account nor Google's own client.
PUBLIC = "https://storage.googleapis.com/"
OVER_SEA = frozenset({"sst"})  # NaN over land, and nowhere else
SUBSTITUTES = {"r": ("t", "q")}

Result = TypeVar("Result")


def wanted(variables: Mapping[str, int | None]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Variables of the store, by short name, and levels, from which `variables` can be had."""
    names = dict.fromkeys(name for key in variables for name in SUBSTITUTES.get(key, (key,)))
    levels = {level for level in variables.values() if level is not None}
    return tuple(names), tuple(sorted(levels))


def connect(store: str, retries: RetryParams) -> xr.Dataset:
    """The store, lazily.

    Args:
        store: a gs:// or https:// address, or a path.

    Raises:
        ValueError: there is none, or it was out of reach for too long.
    """
    address = store.replace("gs://", PUBLIC, 1) if store.startswith("gs://") else store
    # Without an answer for so long; a chunk on its way may take longer.
    silence = aiohttp.ClientTimeout(sock_connect=retries.timeout, sock_read=retries.timeout)
    options = {"client_kwargs": {"timeout": silence}} if "://" in address else None

    def attempt() -> xr.Dataset:
        return xr.open_zarr(address, chunks=None, storage_options=options)

    try:
        return patiently(lambda: _judged(attempt, store), store, retries)
    except (FileNotFoundError, KeyError):
        raise ValueError(
            f"{store}: found no Zarr store, expected ARCO-ERA5; correct download.arco.store"
        ) from None


def fetch(store: xr.Dataset, part: Part, target: Path, retries: RetryParams) -> None:
    """`part` as the NetCDF file `target`, in the layout of the Climate Data Store.

    Raises:
        ValueError: the store lacks a variable, a level, a time or a part of the area, or was out
            of reach for too long.
    """
    fields = {name: _field(store, name, part, retries) for name in part.variables}
    renamed = {"time": "valid_time", "level": "pressure_level"}
    named = xr.Dataset(fields)
    result = named.rename({old: new for old, new in renamed.items() if old in named.dims})
    packed = {"zlib": True, "complevel": 1, "shuffle": True}
    times = {"units": "seconds since 1970-01-01", "dtype": "int64"}
    encoding = {str(name): packed for name in result.data_vars} | {"valid_time": times}
    with netcdf.LOCK:
        result.to_netcdf(target, engine="netcdf4", encoding=encoding)


def _field(store: xr.Dataset, name: str, part: Part, retries: RetryParams) -> xr.DataArray:
    long_name = NAMES[name]
    if long_name not in store:
        raise ValueError(f"ARCO-ERA5 has no {long_name}; take download.era5: cds for {name}")
    times = store.indexes["time"]
    if late := [time for time in part.times if time not in times]:
        raise ValueError(_nothing(store, long_name, late[0]))
    field = _within(store[long_name], part.area)
    if "level" in field.dims:
        field = field.sel(level=list(part.levels))
    moments = [_loaded(field.sel(time=[time]), long_name, time, retries) for time in part.times]
    for moment, time in zip(moments, part.times, strict=True):
        holes = np.isnan(moment.values)
        # A chunk that is not there reads as NaN.
        if holes.all() or (holes.any() and name not in OVER_SEA):
            raise ValueError(_nothing(store, long_name, time))
    joined = xr.concat(moments, "time")
    kept = {key: value for key, value in field.attrs.items() if key != "short_name"}
    joined.attrs, joined.encoding = kept, {}
    return joined


def _loaded(
    field: xr.DataArray, name: str, time: pd.Timestamp, retries: RetryParams
) -> xr.DataArray:
    what = f"ARCO-ERA5, {name} of {time:%Y-%m-%d %H:%M}"
    return patiently(lambda: _judged(field.compute, what), what, retries)


def _within(field: xr.DataArray, area: Area) -> xr.DataArray:
    """The points of `area`, in whatever order the axes have."""
    inside = {}
    for axis, low, high in (
        ("latitude", area.south, area.north),
        ("longitude", area.west, area.east),
    ):
        values = field[axis].values.astype(float)
        inside[axis] = np.flatnonzero((values >= low - GRID / 2) & (values <= high + GRID / 2))
        if inside[axis].size != round((high - low) / GRID) + 1:
            raise ValueError(
                f"ARCO-ERA5: {axis}: found {values.min():g} to {values.max():g}, expected every "
                f"{GRID:g}° from {low:g} to {high:g}; correct download.arco.store"
            )
    return field.isel({axis: slice(index[0], index[-1] + 1) for axis, index in inside.items()})


def _judged(call: Callable[[], Result], what: str) -> Result:
    """What `call` returns; errors of the network, and chunks that came damaged, may pass."""
    try:
        return call()
    except FileNotFoundError:
        raise
    except aiohttp.ClientResponseError as error:
        if error.status in PASSING_STATUS:
            raise PassingError(f"the server answers {error.status}") from None
        raise ValueError(
            f"{what}: the server answers {error.status}, expected public data; correct "
            "download.arco.store"
        ) from None
    # A chunk that does not decompress is a RuntimeError of its codec.
    except (aiohttp.ClientError, OSError, TimeoutError, RuntimeError) as error:
        raise PassingError(f"the transfer broke ({type(error).__name__}: {error})") from None


def _nothing(store: xr.Dataset, name: str, time: pd.Timestamp) -> str:
    first, last = (store.attrs.get(f"valid_time_{end}", "?") for end in ("start", "stop"))
    return (
        f"ARCO-ERA5: {name}: nothing at {time:%Y-%m-%d %H:%M}, expected fields from {first} to "
        f"{last}, which the store says that it has; take download.era5: cds"
    )
