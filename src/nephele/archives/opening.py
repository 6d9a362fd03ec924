"""Opening files that may be missing, truncated or something else altogether."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import xarray as xr
from scipy.io import netcdf_file

UNREADABLE = (
    "{path}: expected {kind}, found a file that cannot be read ({cause}); it is truncated or "
    "damaged, copy it again"
)


@contextmanager
def netcdf(path: Path) -> Iterator[xr.Dataset]:
    """A NetCDF file, lazily; reading it to the end happens inside the `with`.

    Raises:
        ValueError: there is no file, it is no NetCDF, it ends too early, or its times cannot
            be decoded.
    """
    if not path.is_file():
        raise ValueError(f"{path}: no such file, expected NetCDF; check the archive folder")
    check_length(path)
    try:
        dataset = xr.open_dataset(path, engine="netcdf4", decode_timedelta=False, cache=False)
    except (OSError, ValueError, RuntimeError) as error:
        raise _unreadable(path, "NetCDF", error) from None
    with dataset:
        try:
            yield dataset
        except (OSError, RuntimeError) as error:
            raise _unreadable(path, "NetCDF", error) from None


def check_length(path: Path) -> None:
    """Refuse a file in NetCDF's classic format, or in GRIB, that ends before its last value.

    Their libraries give zeros for what is missing, or leave it out, and say nothing. (Files of
    HDF5, the other NetCDF, say themselves that they are too short.)

    Raises:
        ValueError: it ends too early.
    """
    with path.open("rb") as file:
        first = file.read(4)
        if first == b"GRIB":
            file.seek(-min(1024, path.stat().st_size), os.SEEK_END)
            if not file.read().rstrip(b"\0").endswith(b"7777"):  # as every message of GRIB ends
                raise _unreadable(path, "GRIB", ValueError("its last message has no end"))
    if first not in (b"CDF\x01", b"CDF\x02"):
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of arrays that are still in memory
            netcdf_file(path, mmap=True).close()
    except (ValueError, TypeError, IndexError):
        cause = ValueError("its header tells of more values than there are")
        raise _unreadable(path, "NetCDF", cause) from None


def hdf5(path: Path, dataset: str) -> np.ndarray:
    """The whole of one dataset of an HDF5 file, as float32.

    Raises:
        ValueError: the file cannot be read to the end, or has no such dataset.
    """
    try:
        with h5py.File(path) as file:
            if dataset not in file:
                found = ", ".join(sorted(file)) or "nothing"
                raise ValueError(f"{path}: dataset {dataset!r} is missing, found {found}")
            return np.asarray(file[dataset][()], dtype=np.float32)
    except (OSError, RuntimeError) as error:
        raise _unreadable(path, "HDF5", error) from None


def _unreadable(path: Path, kind: str, error: Exception) -> ValueError:
    cause = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")[:120]
    return ValueError(UNREADABLE.format(path=path, kind=kind, cause=cause))
