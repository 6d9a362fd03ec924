"""Records of any length on disk: opened lazily, written in slabs, continued where they stopped."""

import hashlib
import json
import shutil
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cfgrib
import eccodes
import numpy as np
import pandas as pd
import xarray as xr
from zarr.codecs import BloscCodec

from components.outputs import write_json
from nephele.archives.opening import check_length
from nephele.fields import times

CHUNK_BYTES = 32 * 2**20  # read at a time by each thread; all that is made of it is some five times
NAMES = {"valid_time": "time", "lat": "latitude", "lon": "longitude"}
ZARR = ("zarr.json", ".zgroup", ".zmetadata")
# Without an index beside the file, which may lie where nothing can be written.
GRIB: dict[str, Any] = {
    "engine": "cfgrib",
    "backend_kwargs": {"indexpath": "", "errors": "raise", "time_dims": ("valid_time",)},
}


def opened(paths: Iterable[Path], variables: Iterable[str] | None = None) -> xr.Dataset:
    """The fields of NetCDF or GRIB files or Zarr stores, lazily.

    Files of the same variables follow each other in time; those of others have the same times.
    Chunks hold whole fields, and whole chunks of the files, so that nothing is read twice.

    Raises:
        ValueError: there is no such file, it has no such variable, or no time; times come twice or
            differ from variable to variable.
    """
    files = sorted(paths)
    if not files:
        raise ValueError("no files to regrid, expected at least one; check the path or pattern")
    parts: dict[tuple, list[xr.Dataset]] = {}
    wanted = None if variables is None else set(variables)
    for file in files:
        part = _chosen(_opened(file), wanted, file)
        parts.setdefault(tuple(part.data_vars), []).append(part)
    if absent := (wanted or set()) - {name for names in parts for name in names}:
        found = ", ".join(str(name) for file in files for name in _opened(file).data_vars)
        raise ValueError(f"{min(absent)} is missing, found {found}; name one of these")
    parts.pop((), None)
    length = min(_chunk(part) for same in parts.values() for part in same)
    records = [_following(same, length) for same in parts.values()]
    try:
        return xr.merge(records, join="exact", compat="override", combine_attrs="override")
    except ValueError as error:
        names = "; ".join(", ".join(map(str, names)) for names in parts)
        raise ValueError(
            f"{names}: found different times or grids, expected the same of all variables; regrid "
            f"them one after the other ({str(error).splitlines()[0]})"
        ) from None


def _opened(file: Path) -> xr.Dataset:
    if not file.exists():
        raise ValueError(f"{file}: there is no such file; check the path or pattern")
    expected = f"{file}: expected NetCDF, GRIB or Zarr, found"
    first = _first_bytes(file)
    if first == b"PK\x03\x04":
        raise ValueError(f"{expected} a zip file; unpack it and name the files that were in it")
    if first is None and not any((file / name).exists() for name in ZARR):
        raise ValueError(f"{expected} a folder that is no Zarr store; name the files in it")
    if first is not None:
        check_length(file)
    try:
        way = GRIB if first == b"GRIB" else {}
        return xr.open_dataset(file, decode_timedelta=False, cache=False, **way)
    except (
        OSError, ValueError, EOFError, eccodes.CodesInternalError, cfgrib.DatasetBuildError
    ) as error:  # fmt: skip
        cause = str(error).splitlines()[0]
        kind = "something else" if "did not find a match" in cause else "what cannot be read"
        told = "" if "did not find a match" in cause else f" ({cause})"
        raise ValueError(f"{expected} {kind}{told}; copy it again, or name another file") from None


def _first_bytes(file: Path) -> bytes | None:
    """None of a folder."""
    if file.is_dir():
        return None
    with file.open("rb") as opened:
        return opened.read(4)


def _following(parts: list[xr.Dataset], length: int) -> xr.Dataset:
    """One record of parts that follow each other, in chunks of `length` fields in time."""
    parts = sorted(parts, key=lambda part: part["time"].values[0])
    whole = xr.concat(
        [part.chunk({"time": length} | dict.fromkeys(_space(part), -1)) for part in parts],
        "time",
        data_vars="minimal",
        coords="minimal",
        compat="override",
        join="exact",
        combine_attrs="override",
    )
    if not (np.diff(whole["time"].values) > np.timedelta64(0)).all():
        names = ", ".join(map(str, whole.data_vars))
        raise ValueError(
            f"{names}: found times more than once or out of order, expected each file to begin "
            "where another ends; leave out what overlaps"
        )
    return whole


def write(fields: xr.Dataset, path: Path, made_of: object, parallel: int) -> None:
    """Write lazy `fields` as a Zarr store; at `path` it is complete or absent.

    `parallel` chunks are computed at a time, so memory does not grow with the record. What an
    interrupted run has written beside `path` stays, if it was `made_of` the same.

    Raises:
        ValueError: something else lies at `path`.
    """
    if path.exists():
        raise ValueError(f"{path} exists, expected nothing there; remove it, or name another")
    partial, progress = (
        path.with_name(f".{path.name}.partial"),
        path.with_name(f".{path.name}.json"),
    )
    mark = hashlib.sha256(json.dumps([made_of, _shape(fields)]).encode()).hexdigest()
    length = fields.chunksizes["time"][0]
    # Those at the ends of files are shorter.
    chunked = {name: field.variable.chunk(time=length) for name, field in fields.data_vars.items()}
    fields = fields.assign(chunked)
    done = _done(progress, mark) if partial.exists() else 0
    if not done:
        shutil.rmtree(partial, ignore_errors=True)
        _prepare(fields, partial, length)
    times = fields.sizes["time"]
    for start in range(done, times, length * parallel):
        stop = min(start + length * parallel, times)
        piece = fields.isel(time=slice(start, stop)).drop_vars(fields.coords)
        piece.to_zarr(partial, region={"time": slice(start, stop)})
        write_json(progress, {"mark": mark, "done": stop})
    partial.rename(path)
    progress.unlink(missing_ok=True)


def _prepare(fields: xr.Dataset, path: Path, length: int) -> None:
    """A store of the shape of `fields`, with their coordinates and no values yet."""
    encoding: dict[str, dict] = {}
    for name, field in fields.data_vars.items():
        sizes = {"time": length}
        encoding[str(name)] = {
            "chunks": tuple(sizes.get(str(axis), field.sizes[axis]) for axis in field.dims),
            "compressors": BloscCodec(cname="lz4", clevel=5, shuffle="shuffle"),
        }
    encoding["time"] = {"units": "seconds since 1970-01-01", "dtype": "int64"}
    with warnings.catch_warnings():
        # Consolidated metadata are not in the Zarr 3 specification yet; readers look for them.
        warnings.filterwarnings("ignore", message="Consolidated metadata")
        fields.drop_encoding().to_zarr(
            path, mode="w-", zarr_format=3, consolidated=True, encoding=encoding, compute=False
        )


def _chosen(dataset: xr.Dataset, wanted: set[str] | None, file: Path) -> xr.Dataset:
    """The variables that are wanted, or all that are on time, latitude and longitude."""
    names = {old: new for old, new in NAMES.items() if old in dataset.variables}
    if "time" in dataset.dims:
        names.pop("valid_time", None)  # each time's own, beside it
    renamed = dataset.drop_vars(set(names.values()), errors="ignore").rename(names)
    if "time" not in renamed.variables:
        raise ValueError(f"{file}: found no axis time or valid_time, expected one; add it")
    if "time" not in renamed.dims:  # a single moment
        renamed = renamed.expand_dims("time")
    found = renamed["time"].dtype
    if not np.issubdtype(found, np.datetime64):
        raise ValueError(
            f"{file}: time: found values of type {found}, expected dates; write time with CF units "
            "(such as 'hours since 2000-01-01')"
        )
    times.check(pd.DatetimeIndex(renamed["time"].values), str(file))
    axes = {"time", *_space(renamed)}
    fields = [name for name, field in renamed.data_vars.items() if axes <= {*field.dims}]
    chosen = [name for name in fields if wanted is None or name in wanted]
    extra = [n for n in renamed.coords if n not in renamed.dims and n not in NAMES.values()]
    return renamed[chosen].drop_vars(extra, errors="ignore")


def _space(dataset: xr.Dataset) -> tuple[str, ...]:
    """Names of the axes that latitude and longitude are on."""
    if not {"latitude", "longitude"} <= {*dataset.variables}:
        return ("latitude", "longitude")
    return tuple(map(str, {*dataset["latitude"].dims, *dataset["longitude"].dims}))


def _chunk(fields: xr.Dataset) -> int:
    """Fields in time that a chunk holds: a multiple of the file's own chunks."""
    first = next(iter(fields.data_vars.values()))
    own = first.encoding.get("preferred_chunks", {}).get("time", 1)
    one = 4 * sum(field.size for field in fields.data_vars.values()) // fields.sizes["time"]
    return min(max(1, CHUNK_BYTES // one // own) * own, fields.sizes["time"])


def _shape(fields: xr.Dataset) -> list:
    return [[str(name), list(map(int, field.shape))] for name, field in fields.data_vars.items()]


def _done(progress: Path, mark: str) -> int:
    """Fields in time that the interrupted run with this mark has written."""
    try:
        found = json.loads(progress.read_text())
    except (OSError, ValueError):
        return 0
    return int(found["done"]) if found["mark"] == mark else 0
