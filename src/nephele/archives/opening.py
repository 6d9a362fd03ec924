"""Opening files that may be missing, truncated or something else altogether."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import xarray as xr

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
    try:
        dataset = xr.open_dataset(path, engine="netcdf4", decode_timedelta=False, cache=False)
    except (OSError, ValueError, RuntimeError) as error:
        raise _unreadable(path, "NetCDF", error) from None
    with dataset:
        try:
            yield dataset
        except (OSError, RuntimeError) as error:
            raise _unreadable(path, "NetCDF", error) from None


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
