"""One storm at a glance, as the networks get it: frames, ERA5 variables and their masks in time."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import Colormap
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from nephele.fields.variables import FRAMES, known
from nephele.pictures import palette
from nephele.pictures.png import write_png

COLUMNS = 6
MAPS = {"sst": "inferno", "msl": "viridis", "z": "viridis", "r": "BrBG"}


def spread(storms: Sequence[str], count: int) -> list[str]:
    """At most `count` of the storms, evenly spread over their order."""
    chosen = np.linspace(0, len(storms) - 1, min(count, len(storms)))
    return [storms[i] for i in np.unique(chosen.round().astype(int))]


def draw(windows: xr.Dataset, storm: str, levels: Mapping[str, int | None], path: Path) -> None:
    """Draw the storm's frames and fields, evenly spread in time, to a PNG file.

    Hatching marks cells that are mostly not defined and were filled with the climatology.
    """
    own = np.flatnonzero(windows.storm.values == storm)
    chosen = own[
        np.unique(np.linspace(0, len(own) - 1, min(COLUMNS, len(own))).round().astype(int))
    ]
    part = windows.isel(frame=chosen)
    names = [str(name) for name in windows.variable.values]
    figure = Figure(
        figsize=(2.3 * len(chosen) + 1.2, 2.3 * (1 + len(names)) + 0.9), layout="constrained"
    )
    axes = figure.subplots(1 + len(names), len(chosen), squeeze=False)
    _frames_row(figure, list(axes[0]), part)
    for row, name in enumerate(names, start=1):
        _field_row(figure, list(axes[row]), part.sel(variable=name), (name, levels[name]))
    synthetic = "SYNTHETIC · " if windows.attrs["synthetic"] else ""
    environment = (
        " · ERA5's place taken by a climatology"
        if windows.attrs["environment"] != "analysis"
        else ""
    )
    figure.suptitle(
        f"{synthetic}storm {storm}{environment} · {len(own)} frames in all", fontsize=11
    )
    write_png(figure, path)


def _frames_row(figure: Figure, axes: Sequence[Axes], part: xr.Dataset) -> None:
    for axis, number in zip(axes, range(part.sizes["frame"]), strict=True):
        frame = part.isel(frame=number)
        image = _show(
            axis, frame[FRAMES].values, palette.infrared(), palette.COLDEST, palette.WARMEST
        )
        moment = np.datetime_as_string(frame.time.values, unit="h").replace("T", " ")
        axis.set_title(f"{moment} UTC\n{_position(frame)}", fontsize=7)
    _bar(figure, image, axes, "brightness temperature, K")


def _field_row(
    figure: Figure, axes: Sequence[Axes], part: xr.Dataset, label: tuple[str, int | None]
) -> None:
    name, level = label
    low, high = float(part.era5.min()), float(part.era5.max())
    colours = matplotlib.colormaps[MAPS.get(name, "viridis")]
    for axis, number in zip(axes, range(part.sizes["frame"]), strict=True):
        frame = part.isel(frame=number)
        image = _show(axis, frame.era5.values, colours, low, high)
        missing = frame.era5_valid.values < 0.5
        if missing.any():
            extent = axis.images[0].get_extent()
            axis.contourf(
                missing, levels=[0.5, 1.5], colors="none", hatches=["////"], extent=extent
            )
        axis.set_title(f"valid {float(frame.era5_valid.mean()):.0%}", fontsize=7)
    where = "" if level is None else f" {level} hPa"
    _bar(figure, image, axes, f"{known(name).long_name}{where}, {known(name).units}")


def _show(axis: Axes, values: np.ndarray, colours: Colormap, low: float, high: float) -> AxesImage:
    axis.set_xticks([])
    axis.set_yticks([])
    return axis.imshow(
        values, origin="lower", cmap=colours, vmin=low, vmax=high, interpolation="nearest"
    )


def _bar(figure: Figure, image: AxesImage, axes: Sequence[Axes], text: str) -> None:
    bar = figure.colorbar(image, ax=list(axes), shrink=0.9, pad=0.01)
    bar.set_label(text, fontsize=7)
    bar.ax.tick_params(labelsize=6)


def _position(frame: xr.Dataset) -> str:
    latitude, longitude = float(frame.latitude), float(frame.longitude)
    east = longitude if longitude <= 180 else 360 - longitude
    hemisphere = "N" if latitude >= 0 else "S", "E" if longitude <= 180 else "W"
    return f"{abs(latitude):.1f}°{hemisphere[0]} {east:.1f}°{hemisphere[1]}"
