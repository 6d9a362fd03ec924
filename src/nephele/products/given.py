"""What somebody gives, and asks for: checked before anything slow is done with it."""

from collections.abc import Sequence
from pathlib import Path

import xarray as xr

from nephele.archives import observed, satellite
from nephele.archives.opening import netcdf
from nephele.fields.variables import FRAMES, VARIABLES


def find(paths: Sequence[Path]) -> observed.Observed:
    """The frames at `paths`, as `observed.find` finds them.

    Raises:
        ValueError: there are none, or something else is there.
    """
    if len(paths) == 1:
        file = paths[0] / "frames.nc" if paths[0].is_dir() else paths[0]
        if file.is_file() and file.suffix not in observed.HDF5:
            _check_images(file)
    return observed.find(paths)


def leads(hours: int, lead_hours: Sequence[int], spacing: int) -> int:
    """How many frames a forecast of `hours` has.

    Args:
        lead_hours: all that the model knows.
        spacing: hours between two frames.

    Raises:
        ValueError: `hours` falls between two frames, or beyond what the model knows.
    """
    most = lead_hours[-1]
    if hours < spacing or hours > most or hours % spacing:
        raise ValueError(
            f"--hours {hours}: expected a multiple of {spacing} from {spacing} to {most}, the lead "
            "times that the model knows"
        )
    return hours // spacing


def _check_images(file: Path) -> None:
    with netcdf(file) as raw:
        if "lead_time" not in raw.dims and any(name in raw for name in satellite.NAMES):
            return
        what = _kind(raw)
    beside = file.with_name("frames.nc")
    hint = f"; the storm's are in {beside}" if beside != file and beside.is_file() else ""
    raise ValueError(
        f"{file}: {what}, expected a storm's observed frames: {FRAMES} (or irwin), K, on time, y "
        f"and x{hint}"
    )


def _kind(raw: xr.Dataset) -> str:
    """What a file without observed frames holds."""
    if "lead_time" in raw.dims:
        return "a forecast"
    names = sorted(map(str, raw.data_vars))
    if not names:
        return "no variable"
    fields = "fields of ERA5" if set(names) & VARIABLES.keys() else "other variables"
    return f"{fields} ({', '.join(names)}) and no image"
