"""One storm at a glance, as acquired and as the networks get it: frames, fields, masks in time."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import Colormap
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from nephele.fields import grid, times
from nephele.fields.variables import FRAMES, known
from nephele.pictures import palette
from nephele.pictures.png import write_png

COLUMNS = 6  # of regridded frames
MAPS = {"sst": "inferno", "msl": "viridis", "z": "viridis", "r": "BrBG"}
Extent = tuple[float, float, float, float]


def spread(storms: Sequence[str], count: int) -> list[str]:
    """At most `count` of the storms, evenly spread over their order."""
    chosen = np.linspace(0, len(storms) - 1, min(count, len(storms)))
    return [storms[i] for i in np.unique(chosen.round().astype(int))]


def draw(
    windows: xr.Dataset,
    storm: str,
    given: tuple[xr.Dataset, xr.Dataset],
    levels: Mapping[str, int | None],
    path: Path,
) -> None:
    """Write the `sheet` of a storm to a PNG file."""
    write_png(sheet(windows, storm, given, levels), path)


def sheet(
    windows: xr.Dataset,
    storm: str,
    given: tuple[xr.Dataset, xr.Dataset],
    levels: Mapping[str, int | None],
) -> Figure:
    """The storm's frames and fields, evenly spread in time; on the left the first as acquired.

    Hatching marks cells that are mostly not defined and were filled with the climatology; as
    acquired they are white. A line around what was acquired shows the part that was taken.

    Args:
        given: frames.nc and era5.nc of the storm, as the contract has them.
        levels: each variable's pressure level, hPa, None at the surface.
    """
    own = np.flatnonzero(windows.storm.values == storm)
    chosen = own[
        np.unique(np.linspace(0, len(own) - 1, min(COLUMNS, len(own))).round().astype(int))
    ]
    part = windows.isel(frame=chosen)
    names = list(levels)  # without the placebo, which shows another storm
    figure = Figure(
        figsize=(2.3 * len(chosen) + 4.2, 2.3 * (1 + len(names)) + 1.1), layout="constrained"
    )
    axes = figure.subplots(1 + len(names), 1 + len(chosen), squeeze=False)
    _frames_row(figure, list(axes[0]), part, given[0])
    for row, name in enumerate(names, start=1):
        _field_row(figure, list(axes[row]), part.sel(variable=name), given[1], (name, levels[name]))
    _kilometres(axes[:, 1:])
    synthetic = "SYNTHETIC · " if windows.attrs["synthetic"] else ""
    environment = (
        " · ERA5's place taken by a climatology"
        if windows.attrs["environment"] != "analysis"
        else ""
    )
    figure.suptitle(
        f"{synthetic}storm {storm}{environment} · {len(own)} frames in all · left: as acquired",
        fontsize=11,
    )
    return figure


def _frames_row(figure: Figure, axes: Sequence[Axes], part: xr.Dataset, frames: xr.Dataset) -> None:
    scale = palette.infrared(), palette.COLDEST, palette.WARMEST
    first = frames.sel(time=part.time.values[0])
    extent = _extent(first.x.values / 1e3, first.y.values / 1e3)
    _show(axes[0], first[FRAMES].values, extent, scale)
    west, east, south, north = _target_extent(part)
    axes[0].plot([west, east, east, west, west], [south, south, north, north, south], "c", lw=0.8)
    axes[0].set_title(f"{_size(first[FRAMES])} pixels, km", fontsize=7)
    for number, axis in enumerate(axes[1:]):
        frame = part.isel(frame=number)
        image = _show(axis, frame[FRAMES].values, _target_extent(part), scale)
        moment = np.datetime_as_string(frame.time.values, unit="h").replace("T", " ")
        axis.set_title(f"{moment} UTC\n{_position(frame)}", fontsize=7)
    _bar(figure, image, axes, "brightness temperature, K")


def _field_row(
    figure: Figure,
    axes: Sequence[Axes],
    part: xr.Dataset,
    era5: xr.Dataset,
    label: tuple[str, int | None],
) -> None:
    name, level = label
    scale = matplotlib.colormaps[MAPS.get(name, "viridis")], *_limits(part.era5)
    known_at, moment = times.of(era5), part.time.values[:1]
    latest = int(known_at.searchsorted(moment[0], side="right")) - 1
    field = era5[name].isel(time=latest)
    _show(axes[0], field.values, _extent(field.longitude.values, field.latitude.values), scale)
    axes[0].plot(*_outline(part.isel(frame=0)), "c", lw=0.8)
    axes[0].set_title(f"{_size(field)} points, degrees", fontsize=7)
    for number, axis in enumerate(axes[1:]):
        frame = part.isel(frame=number)
        extent = _target_extent(part)
        image = _show(axis, frame.era5.values, extent, scale)
        missing = frame.era5_valid.values < 0.5
        if missing.any():
            axis.contourf(
                missing, levels=[0.5, 1.5], colors="none", hatches=["////"], extent=extent
            )
        axis.set_title(f"valid {float(frame.era5_valid.mean()):.0%}", fontsize=7)
    where = "" if level is None else f" {level} hPa"
    _bar(figure, image, axes, f"{known(name).long_name}{where}, {known(name).units}")


def _show(
    axis: Axes, values: np.ndarray, extent: Extent, scale: tuple[Colormap, float, float]
) -> AxesImage:
    colours, low, high = scale
    axis.tick_params(labelsize=5, length=2)
    return axis.imshow(
        values,
        origin="lower",
        cmap=colours,
        vmin=low,
        vmax=high,
        interpolation="nearest",
        extent=extent,
    )


def _kilometres(axes: np.ndarray) -> None:
    """Label the axes of regridded cells at the rim only; all are alike."""
    for axis in axes.flat:
        axis.tick_params(labelleft=False, labelbottom=False)
    for axis in axes[:, 0]:
        axis.tick_params(labelleft=True)
        axis.set_ylabel("km from the centre", fontsize=6, labelpad=1)
    for axis in axes[-1]:
        axis.tick_params(labelbottom=True)
        axis.set_xlabel("km", fontsize=6, labelpad=1)


def _limits(field: xr.DataArray) -> tuple[float, float]:
    return float(field.min()), float(field.max())


def _extent(x: np.ndarray, y: np.ndarray) -> Extent:
    """Outer edges of cells with these centres."""
    (west, *_, east), (south, *_, north) = grid.edges(x), grid.edges(y)
    return float(west), float(east), float(south), float(north)


def _target_extent(part: xr.Dataset) -> Extent:
    return _extent(part.x.values / 1e3, part.y.values / 1e3)


def _outline(frame: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Longitudes and latitudes of the rim of a regridded frame, degrees."""
    x, y = grid.edges(frame.x.values), grid.edges(frame.y.values)
    around_x = np.concatenate([x, np.full(len(y), x[-1]), x[::-1], np.full(len(y), x[0])])
    around_y = np.concatenate([np.full(len(x), y[0]), y, np.full(len(x), y[-1]), y[::-1]])
    centre = float(frame.latitude), float(frame.longitude)
    latitude, longitude = grid.to_sphere(around_x, around_y, *centre)
    return longitude, latitude


def _size(field: xr.DataArray) -> str:
    return " × ".join(map(str, field.shape))


def _bar(figure: Figure, image: AxesImage, axes: Sequence[Axes], text: str) -> None:
    bar = figure.colorbar(image, ax=list(axes), shrink=0.9, pad=0.01)
    bar.set_label(text, fontsize=7)
    bar.ax.tick_params(labelsize=6)


def _position(frame: xr.Dataset) -> str:
    latitude, longitude = float(frame.latitude), float(frame.longitude)
    east = longitude if longitude <= 180 else 360 - longitude
    hemisphere = "N" if latitude >= 0 else "S", "E" if longitude <= 180 else "W"
    return f"{abs(latitude):.1f}°{hemisphere[0]} {east:.1f}°{hemisphere[1]}"
