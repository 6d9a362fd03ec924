"""Opening ERA5 in whichever format it came: NetCDF, GRIB, zip files of these, Zarr.

A file's first bytes say what it is, since the Climate Data Store gives a zip file the name that
was asked for.
"""

import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import cfgrib
import eccodes
import xarray as xr

from nephele.archives import locations
from nephele.archives.opening import check_length, netcdf

Opened = list[tuple[str, xr.Dataset]]  # with the name of the file, for messages


@contextmanager
def opened(place: str) -> Iterator[Opened]:
    """The datasets at a path or URL, lazily; they are read inside the `with`.

    A file at a URL is fetched as a whole, of a Zarr store only what is read.

    Raises:
        ValueError: there is no such file or store, or it cannot be read.
    """
    if locations.is_store(place):
        with _store(place) as datasets:
            yield datasets
    elif locations.is_remote(place):
        with _elsewhere(place, _fetch) as datasets:
            yield datasets
    else:
        path = Path(place)
        match _first_bytes(path):
            case b"GRIB":
                with _grib(path) as datasets:
                    yield datasets
            case b"PK\x03\x04":
                with _elsewhere(place, _extract) as datasets:
                    yield datasets
            case _:
                with netcdf(path) as dataset:
                    yield [(place, dataset)]


@contextmanager
def _store(place: str) -> Iterator[Opened]:
    try:
        dataset = xr.open_dataset(
            place, engine="zarr", chunks=None, cache=False, decode_timedelta=False
        )
    except (*locations.REMOTE, KeyError, ValueError) as error:
        raise locations.unreadable(place, "Zarr", error) from None
    with dataset:
        try:
            yield [(place, dataset)]
        except (*locations.REMOTE, RuntimeError) as error:
            raise locations.unreadable(place, "Zarr", error) from None


@contextmanager
def _grib(path: Path) -> Iterator[Opened]:
    check_length(path)
    try:
        state = path.stat()
        datasets = _indexed(str(path), state.st_mtime_ns, state.st_size)
        yield [(str(path), dataset) for dataset in datasets]
    except (OSError, EOFError, eccodes.CodesInternalError, cfgrib.DatasetBuildError) as error:
        raise locations.unreadable(str(path), "GRIB", error) from None


@lru_cache(maxsize=64)
def _indexed(path: str, changed: int, size: int) -> tuple[xr.Dataset, ...]:
    """The datasets of a GRIB file, whose messages are gone through once, however many storms."""
    # Without an index beside the file, which may lie where nothing can be written.
    options = {"indexpath": "", "errors": "raise", "time_dims": ("valid_time",)}
    return (
        *cfgrib.open_datasets(path, backend_kwargs=options, cache=False, decode_timedelta=False),
    )


@contextmanager
def _elsewhere(place: str, bring: Callable[[str, Path], Path]) -> Iterator[Opened]:
    """What `bring` puts into a temporary folder; messages name `place` in its stead."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        try:
            here = str(bring(place, Path(folder)))
        except ValueError as error:
            raise ValueError(str(error).replace(folder, place)) from None
        try:
            yield [
                (label.replace(here, place), dataset)
                for file in locations.found(here)
                for label, dataset in stack.enter_context(opened(file))
            ]
        except ValueError as error:
            raise ValueError(str(error).replace(here, place)) from None


def _extract(place: str, folder: Path) -> Path:
    try:
        with ZipFile(place) as file:
            file.extractall(folder)
    except (BadZipFile, OSError, EOFError, zlib.error) as error:
        raise locations.unreadable(place, "zip", error) from None
    return folder


def _fetch(place: str, folder: Path) -> Path:
    system, path = locations.filesystem(place)
    target = folder / "fetched"
    try:
        system.get_file(path, str(target))
    except locations.REMOTE as error:
        raise locations.unreadable(place, "a file or Zarr store", error) from None
    return target


def _first_bytes(path: Path) -> bytes:
    if not path.is_file():
        return b""
    with path.open("rb") as file:
        return file.read(4)
