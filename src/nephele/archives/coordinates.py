"""Latitudes and longitudes as archives write them, brought to increasing axes and 0 to 360."""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from nephele.fields import grid


@dataclass(frozen=True)
class Box:
    """Degrees; west and east in 0 to 360, west below east."""

    south: float
    north: float
    west: float
    east: float


def around(frames: xr.Dataset) -> Box:
    """The smallest box that holds every cell of every frame of a storm.

    Raises:
        ValueError: they reach across Greenwich, where a box of 0 to 360° would be cut.
    """
    x, y = grid.edges(frames.x.values), grid.edges(frames.y.values)
    # The extremes of latitude and longitude lie on the outline (no frame holds a pole).
    outline = [(x, y[:1]), (x, y[-1:]), (x[:1], y), (x[-1:], y)]
    centre = frames.centre_latitude.values, frames.centre_longitude.values
    sides = [grid.positions(*side, *centre) for side in outline]
    latitudes = np.concatenate([latitude.ravel() for latitude, _ in sides])
    longitudes = np.concatenate([longitude.ravel() for _, longitude in sides])
    if longitudes.max() - longitudes.min() > 180:
        raise ValueError(
            "the storm's frames reach across the meridian of Greenwich, expected all of them on "
            "one side; leave out the storm, or its last days"
        )
    return Box(
        float(latitudes.min()),
        float(latitudes.max()),
        float(longitudes.min()),
        float(longitudes.max()),
    )


def ascending(fields: xr.Dataset, name: str) -> xr.Dataset:
    """`fields` with latitude and longitude (0 to 360) increasing.

    Descending latitudes and longitudes of -180 to 180 say what they mean and are turned;
    anything else that does not increase is refused.

    Raises:
        ValueError: an axis is missing, out of range, in no order, or has a meridian twice.
    """
    for axis, low, high in (("latitude", -90.0, 90.0), ("longitude", -180.0, 360.0)):
        if axis not in fields.coords:
            raise ValueError(f"{name}: coordinate {axis} is missing, expected degrees; add it")
        values = fields[axis].values
        if not (np.isfinite(values).all() and values.min() >= low and values.max() <= high):
            raise ValueError(
                f"{name}: {axis}: found {values.min():g} to {values.max():g}, "
                f"expected degrees between {low:g} and {high:g}; correct the axis"
            )
    latitude = fields.latitude.values
    if (np.diff(latitude) < 0).all():
        fields = fields.isel(latitude=slice(None, None, -1))
    elif not (np.diff(latitude) > 0).all():
        raise ValueError(
            f"{name}: latitude: neither increases nor decreases throughout ({_first(latitude)}), "
            "expected one order; sort the file by latitude"
        )
    return _eastward(fields, name)


def cut(fields: xr.Dataset, box: Box, name: str) -> xr.Dataset:
    """The part of `fields` that encloses `box`, with axes that `ascending` has put right.

    Raises:
        ValueError: the fields do not reach as far, or have a gap inside.
    """
    for axis, low, high in (("latitude", box.south, box.north), ("longitude", box.west, box.east)):
        values = fields[axis].values.astype(float)
        if values[0] > low or values[-1] < high:
            raise ValueError(
                f"{name}: {axis}: found {values[0]:g} to {values[-1]:g}, expected at least "
                f"{low:.2f} to {high:.2f} around the storm's frames; download a larger area"
            )
        first = int(np.searchsorted(values, low, side="right")) - 1
        last = int(np.searchsorted(values, high, side="left"))
        fields = fields.isel({axis: slice(first, last + 1)})
        steps = np.diff(values[first : last + 1])
        if steps.max() > 1.5 * np.median(steps):
            gap = int(steps.argmax()) + first
            raise ValueError(
                f"{name}: {axis}: nothing between {values[gap]:g} and {values[gap + 1]:g}, "
                f"expected a point every {np.median(steps):g}; download the area as one piece"
            )
    return fields


def _eastward(fields: xr.Dataset, name: str) -> xr.Dataset:
    longitude = fields.longitude.values
    turned = np.mod(longitude.astype(float), 360.0)
    if len(np.unique(turned)) < len(turned):
        raise ValueError(
            f"{name}: longitude: found the same meridian more than once between "
            f"{longitude.min():g} and {longitude.max():g}, expected each once; "
            "remove one of the columns"
        )
    # Once around is the only break that a file in order can have, wherever it starts.
    if (np.diff(turned) < 0).sum() > 1:
        raise ValueError(
            f"{name}: longitude: does not increase eastward ({_first(longitude)}), "
            "expected one order; sort the file by longitude"
        )
    attributes = fields.longitude.attrs
    fields = fields.assign_coords(longitude=turned).sortby("longitude")
    fields.longitude.attrs = attributes
    return fields


def _first(values: np.ndarray) -> str:
    return ", ".join(f"{value:g}" for value in values[:4]) + ", …"
