"""Fields of any length, regridded chunk by chunk when they are computed.

What comes out is lazy where what goes in is; all variables of a chunk share its weights.
"""

from typing import Literal

import dask
import dask.array as da
import numpy as np
import pandas as pd
import xarray as xr

from nephele.fields import times
from nephele.fields.grid import centres
from nephele.regridding import bilinear, conservative, cropping, masked
from nephele.regridding.grids import Curvilinear, Grid, Rectilinear
from nephele.regridding.masked import Weights
from nephele.regridding.targets import Box, Degrees, Target, laid

Method = Literal["bilinear", "conservative"]
METHODS = {"bilinear": bilinear, "conservative": conservative}
PRECISION = np.float32  # of values and sums: some 1e-6 of a value, as ERA5 is packed to 1e-5


def fixed(fields: xr.Dataset, target: Box, method: Method) -> xr.Dataset:
    """Fields on a fixed grid.

    Args:
        fields: each variable on latitude and longitude, both 1-D, or both 2-D over two other axes,
            and on any further axes; NaN where missing.

    Returns:
        each variable (…, latitude, longitude), and as `<variable>_valid` the share of each cell
        that is valid, 0 to 1.

    Raises:
        ValueError: there is no latitude or longitude, or they make no grid.
    """
    fields = eastward(fields)
    grid, space = source(fields)
    chosen, grid = cropping.cropped(fields, grid, space, *cropping.rim_of_box(target))
    weights = dask.delayed(METHODS[method].fixed(grid, target).astype(PRECISION))
    latitude, longitude = target.centres
    coords = {
        "latitude": ("latitude", latitude, {"units": "degrees_north"}),
        "longitude": ("longitude", longitude, {"units": "degrees_east"}),
    }
    return _regridded(chosen, space, target.shape, coords, _fixed, weights=weights)


def following(
    fields: xr.Dataset, target: Target | Degrees, track: pd.DataFrame, method: Method
) -> xr.Dataset:
    """Fields around a storm's centre at the times of its track.

    Each takes the latest field at or before its time, none older than `times.ERA5_AGE`.

    Args:
        fields: as `fixed` has them, with an axis `time`.
        track: latitude and longitude, degrees, by time.

    Returns:
        each variable (time, …, y, x), and its `<variable>_valid`.

    Raises:
        ValueError: as `fixed`, or a time has no field.
    """
    fields = eastward(fields)
    track_at = track["latitude"].to_numpy(float), track["longitude"].to_numpy(float)
    grid, space = source(fields)
    moments = pd.DatetimeIndex(track.index)
    field = times.latest(times.of(fields), moments, "the fields", times.ERA5_AGE)
    around = laid(target, *track_at)
    chosen, grid = cropping.cropped(fields, grid, space, *cropping.rim_of_frames(around))
    chosen = chosen.isel(time=field).assign_coords(time=moments)
    coords = {
        **_offsets(target),
        "centre_latitude": ("time", track_at[0], {"units": "degrees_north"}),
        "centre_longitude": ("time", track_at[1], {"units": "degrees_east"}),
    }
    shape = target.size, target.size
    moving = dask.delayed((grid, target, method))
    return _regridded(chosen, space, shape, coords, _following, centres=track_at, geometry=moving)


def _offsets(target: Target | Degrees) -> dict[str, tuple]:
    """Coordinates of the cells, from the centre."""
    if isinstance(target, Target):
        axes, units = (target.points, target.points), "m"
    else:
        extents = target.height, target.width
        axes = tuple(centres(target.size, extent / target.size) for extent in extents)  # type: ignore[assignment]
        units = "degrees"
    ways = ("y", "northward"), ("x", "eastward")
    return {
        name: (name, points, {"units": units, "long_name": f"distance {way} from the centre"})
        for (name, way), points in zip(ways, axes, strict=True)
    }


def eastward(fields: xr.Dataset) -> xr.Dataset:
    """The columns from west to east, where they were sorted by number across the date line.

    Longitudes of -180 to -160 and 100 to 180 are those of one area, which begins at 100.
    """
    longitude = fields.coords.get("longitude")
    if longitude is None or longitude.ndim != 1 or len(longitude) < 2:
        return fields
    values = longitude.values.astype(float)
    steps = np.diff(values)
    if not (steps > 0).all() or steps.max() <= 180:
        return fields
    west = int(steps.argmax()) + 1
    order = np.r_[west : len(values), :west]
    return fields.isel({longitude.dims[0]: order})


def source(fields: xr.Dataset) -> tuple[Grid, tuple[str, str]]:
    """The grid of `fields`, and the names of its two axes.

    Raises:
        ValueError: there is no latitude or longitude, or they make no grid.
    """
    for name in ("latitude", "longitude"):
        if name not in fields.coords:
            found = ", ".join(map(str, fields.coords)) or "none"
            raise ValueError(
                f"coordinate {name} is missing, found {found}; expected degrees: add it"
            )
    latitude, longitude = fields["latitude"], fields["longitude"]
    if latitude.ndim == longitude.ndim == 1:
        axes = str(latitude.dims[0]), str(longitude.dims[0])
        return Rectilinear.of(latitude.values, longitude.values), axes
    if latitude.dims != longitude.dims or latitude.ndim != 2:
        raise ValueError(
            f"latitude is on the axes {latitude.dims} and longitude on {longitude.dims}, expected "
            "one axis each, or the same two; transpose or repeat them"
        )
    y, x = map(str, latitude.dims)
    return Curvilinear.of(latitude.values, longitude.values), (y, x)


def _regridded(
    fields: xr.Dataset,
    space: tuple[str, str],
    shape: tuple[int, int],
    coords: dict,
    block: object,
    centres: tuple[np.ndarray, np.ndarray] | None = None,
    **given: object,
) -> xr.Dataset:
    """Both results of `block` for every chunk, as variables of their own."""
    time = ["time"] if "time" in fields.dims else []
    layers = {str(n): _layers(field, fields, time, space) for n, field in fields.data_vars.items()}
    stack = da.concatenate([flat for flat, _ in layers.values()], axis=len(time))
    data = stack.rechunk(dict.fromkeys(range(len(time), stack.ndim), -1))
    along = []
    if centres is not None:
        along = [
            da.from_array(part, chunks=(data.chunks[0],))[:, None, None, None] for part in centres
        ]
    out = da.map_blocks(
        block,
        data,
        *along,
        **given,
        new_axis=0,
        chunks=((2,), *data.chunks[:-2], (shape[0],), (shape[1],)),
        dtype=PRECISION,
        meta=np.empty((0,) * (data.ndim + 1), PRECISION),
    )
    if not fields.chunks:
        out = da.from_array(out.compute(), chunks=-1)
    kept = {n: c for n, c in fields.coords.items() if not {*c.dims} & {*space} and n not in space}
    result = xr.Dataset(coords={**kept, **coords})
    to = [name for name in coords if coords[name][0] == name]
    start = 0
    for name, (flat, rest) in layers.items():
        stop = start + flat.shape[len(time)]
        piece = out[(slice(None), *[slice(None)] * len(time), slice(start, stop))]
        sizes = (*piece.shape[1 : 1 + len(time)], *(fields.sizes[axis] for axis in rest), *shape)
        values, valid = (part.reshape(sizes) for part in piece)
        start = stop
        keep = {key: fields[name].attrs[key] for key in KEPT if key in fields[name].attrs}
        about = {"long_name": f"share of the cell in which {name} is valid", "units": "1"}
        result[name] = ((*time, *rest, *to), values, keep)
        result[f"{name}_valid"] = ((*time, *rest, *to), valid, about)
    return result if fields.chunks else result.compute()


def _layers(
    field: xr.DataArray, fields: xr.Dataset, time: list[str], space: tuple[str, str]
) -> tuple[da.Array, list[str]]:
    """A variable as (time, layer, latitude, longitude), and the axes that its layers are of."""
    if time and "time" not in field.dims:
        field = field.expand_dims(time=fields.sizes["time"])
    rest = [str(axis) for axis in field.dims if axis not in (*time, *space)]
    ordered = field.astype(PRECISION).transpose(*time, *rest, *space)
    whole = ordered.chunk(dict.fromkeys((*rest, *space), -1)).data
    return whole.reshape((*whole.shape[: len(time)], -1, *whole.shape[-2:])), rest


KEPT = ("units", "long_name", "standard_name")


def _fixed(block: np.ndarray, weights: Weights) -> np.ndarray:
    """(…, latitude, longitude) → values and valid shares, (2, …, y, x)."""
    results = masked.apply(weights, block.reshape(-1, *block.shape[-2:]))
    return np.stack([part.reshape(*block.shape[:-2], *part.shape[-2:]) for part in results])


def _following(
    block: np.ndarray,
    latitude: np.ndarray,
    longitude: np.ndarray,
    geometry: tuple[Grid, Target | Degrees, Method],
) -> np.ndarray:
    """(time, …, latitude, longitude) → values and valid shares, (2, time, …, y, x)."""
    grid, target, method = geometry
    frames = len(block)
    around = laid(target, latitude.ravel(), longitude.ravel())
    weights = METHODS[method].following(grid, around, np.arange(frames), frames)
    stacks = np.moveaxis(block, 0, -3)
    results = masked.apply(weights.astype(PRECISION), stacks.reshape(-1, frames, *block.shape[-2:]))
    shaped = [part.reshape(*stacks.shape[:-2], *part.shape[-2:]) for part in results]
    return np.stack([np.moveaxis(part, -3, 0) for part in shaped])
