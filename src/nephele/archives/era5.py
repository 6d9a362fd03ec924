"""ERA5 as users have it, brought to the contract.

From the Climate Data Store in NetCDF, of today and of before 2024, and in GRIB, zipped or not;
and Zarr stores with the names of ARCO-ERA5, on this machine or elsewhere.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd
import xarray as xr

from nephele.archives import humidity, joining, locations, selecting
from nephele.archives.coordinates import around
from nephele.archives.formats import opened
from nephele.archives.selecting import Request
from nephele.fields import contract, times
from nephele.fields.variables import known

Pieces = dict[str, list[xr.DataArray]]


def read(where: str | Sequence[Path], request: Request) -> xr.Dataset:
    """The requested variables of what lies at `where` as the contract has them.

    A variable may be spread over several files in time; different variables may lie in
    different files, on the same latitudes and longitudes. Times that all have are kept.
    Relative humidity that is missing is derived from temperature and specific humidity.

    Args:
        where: files; or a path (of a file, a folder, a Zarr store), a glob or a URL.

    Raises:
        ValueError: naming the file, the variable, what was found and what was expected.
    """
    places = locations.found(where)
    label = _label(places)
    pieces = _pieces(places, request)
    if not pieces.get("r", True):
        pieces["r"] = _humidity(places, request, label)
    _require_all(pieces, label)
    series = {name: joining.in_time(parts, label) for name, parts in pieces.items()}
    fields = joining.on_one_grid(series, label)
    return contract.check_era5(fields, request.variables, label)


def for_frames(
    where: str | Sequence[Path],
    frames: xr.Dataset,
    variables: dict[str, int | None],
    environment: str,
) -> xr.Dataset:
    """The fields around a storm's frames.

    Args:
        environment: `analysis` for the fields of the frames' times and up to six hours before,
            `climatology` for the mean over all times there are, repeated at the frames' times.

    Raises:
        ValueError: as `read`; or a frame has no field.
    """
    moments = times.of(frames)
    box = around(frames)
    if environment == "climatology":
        return mean_over_time(read(where, Request(variables, box)), moments)
    request = Request(variables, box, moments[0] - times.ERA5_AGE, moments[-1])
    fields = read(where, request)
    label = where if isinstance(where, str) else _label([*map(str, where)])
    times.latest(times.of(fields), moments, label, times.ERA5_AGE)
    return fields


def mean_over_time(fields: xr.Dataset, moments: pd.DatetimeIndex) -> xr.Dataset:
    """The mean over the time of `fields`, repeated at each of `moments`."""
    mean = fields.mean("time", keep_attrs=True)
    repeated = mean.expand_dims(time=moments, axis=0)
    return repeated.transpose(*contract.ERA5_DIMS)


def _pieces(places: list[str], request: Request) -> Pieces:
    found: Pieces = {name: [] for name in request.variables}
    for place in places:
        with opened(place) as datasets:
            for label, dataset in datasets:
                for piece in selecting.pieces(dataset, request, label):
                    found[str(piece.name)].append(piece)
    return found


def _humidity(places: list[str], request: Request, label: str) -> list[xr.DataArray]:
    """Relative humidity from what it depends on, or nothing where that is missing too."""
    level = request.variables["r"]
    if level is None:
        return []
    pieces = _pieces(places, replace(request, variables={"t": level, "q": level}))
    if not all(pieces.values()):
        return []
    series = {name: joining.in_time(parts, label) for name, parts in pieces.items()}
    both = joining.on_one_grid(series, label)
    derived = humidity.relative(both.t, both.q, level).astype("float32")
    return [selecting.described(derived, "r", level)]


def _require_all(pieces: Pieces, label: str) -> None:
    missing = [name for name, parts in pieces.items() if not parts]
    if missing:
        names = ", ".join(f"{name} ({known(name).long_name})" for name in missing)
        found = ", ".join(name for name, parts in pieces.items() if parts) or "none of them"
        derived = " (or t and q for r)" if "r" in missing else ""
        raise ValueError(
            f"{label}: {names} {'is' if len(missing) == 1 else 'are'} missing, found {found}, "
            "expected "
            f"{', '.join(pieces)}{derived}; download it, or remove it from acquire.variables"
        )


def _label(places: list[str]) -> str:
    if len(places) == 1:
        return places[0]
    folder, _, _ = places[0].rpartition("/")
    return f"{folder}/{{{','.join(place.rpartition('/')[2] for place in places[:4])}}}"
