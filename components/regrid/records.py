"""Records of any length on disk: opened lazily, written in slabs, continued where they stopped."""

import hashlib
import json
import shutil
import warnings
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import xarray as xr
from zarr.codecs import BloscCodec

from components.outputs import write_json

CHUNK_BYTES = 32 * 2**20  # read at a time by each thread; all that is made of it is some five times
NAMES = {"valid_time": "time", "lat": "latitude", "lon": "longitude"}


def opened(paths: Iterable[Path], variables: Iterable[str] | None = None) -> xr.Dataset:
    """The fields of NetCDF files or Zarr stores that follow each other in time, lazily.

    Chunks hold whole fields, and whole chunks of the files, so that nothing is read twice.

    Raises:
        ValueError: there is no such file, it has no such variable, or no time.
    """
    files = sorted(paths)
    if not files:
        raise ValueError("no files to regrid, expected at least one; check the path or pattern")
    parts = []
    for file in files:
        try:
            parts.append(xr.open_dataset(file, decode_timedelta=False, cache=False))
        except (OSError, ValueError) as error:
            cause = str(error).splitlines()[0]
            raise ValueError(
                f"{file}: expected NetCDF or Zarr, found what cannot be read "
                f"({cause}); copy it again"
            ) from None
    parts = [_chosen(part, variables, file) for part, file in zip(parts, files, strict=True)]
    first = next(iter(parts[0].data_vars.values()))
    length = _chunk(first, len(parts[0].data_vars))
    return xr.concat(
        [part.chunk({"time": length} | dict.fromkeys(_space(part), -1)) for part in parts],
        "time",
        data_vars="minimal",
        coords="minimal",
        compat="override",
        join="exact",
        combine_attrs="override",
    )


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


def _chosen(dataset: xr.Dataset, variables: Iterable[str] | None, file: Path) -> xr.Dataset:
    renamed = dataset.rename({old: new for old, new in NAMES.items() if old in dataset.variables})
    if "time" not in renamed.dims:
        raise ValueError(f"{file}: found no axis time or valid_time, expected one; add it")
    if variables is None:
        fields = [n for n in renamed.data_vars if {"time", *_space(renamed)} <= {*renamed[n].dims}]
    else:
        fields = list(variables)
        if absent := [name for name in fields if name not in renamed]:
            found = ", ".join(map(str, renamed.data_vars))
            raise ValueError(f"{file}: {absent[0]} is missing, found {found}; name one of these")
    extra = [n for n in renamed.coords if n not in renamed.dims and n not in NAMES.values()]
    return renamed[fields].drop_vars(extra, errors="ignore")


def _space(dataset: xr.Dataset) -> tuple[str, ...]:
    """Names of the axes that latitude and longitude are on."""
    if not {"latitude", "longitude"} <= {*dataset.variables}:
        return ("latitude", "longitude")
    return tuple(map(str, {*dataset["latitude"].dims, *dataset["longitude"].dims}))


def _chunk(field: xr.DataArray, variables: int) -> int:
    """Fields in time that a chunk holds: a multiple of the file's own chunks."""
    own = field.encoding.get("preferred_chunks", {}).get("time", 1)
    one = 4 * variables * int(np.prod(field.shape)) // field.sizes["time"]
    return min(max(1, CHUNK_BYTES // one // own) * own, field.sizes["time"])


def _shape(fields: xr.Dataset) -> list:
    return [[str(name), list(map(int, field.shape))] for name, field in fields.data_vars.items()]


def _done(progress: Path, mark: str) -> int:
    """Fields in time that the interrupted run with this mark has written."""
    try:
        found = json.loads(progress.read_text())
    except (OSError, ValueError):
        return 0
    return int(found["done"]) if found["mark"] == mark else 0
