"""Storms regridded on whatever computes, each kept on disk until all are there.

A run that was interrupted takes up what is there, if it was made of the same files in the same
way. What each worker writes it writes itself, so that no array passes through the scheduler.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

import dask
import numpy as np
import pandas as pd
import xarray as xr

import nephele.fields
import nephele.regridding
from components.fingerprints import fingerprint
from components.outputs import whole
from nephele.archives.opening import netcdf
from nephele.fields import contract
from nephele.regridding import storm as regridding
from nephele.regridding.storm import Regridded
from nephele.regridding.targets import Target

ARRAYS = ("frames", "era5", "valid")
READING = Lock()  # the library for NetCDF opens one file at a time in a process, or crashes


@contextmanager
def kept(folder: Path) -> Iterator[Path]:
    """A folder for parts of an output, until the output is there.

    What was made before an interruption, or a storm at fault, waits there for the next run.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield folder
    except BaseException:
        if not any(folder.iterdir()):
            folder.rmdir()
        raise
    shutil.rmtree(folder)


def regridded(
    data: Path,
    names: list[str],
    variables: Mapping[str, int | None],
    target: Target,
    folder: Path,
) -> list[Regridded]:
    """The storms of `data` on the target grid, in this order; `folder` keeps them.

    Raises:
        ValueError: a storm breaks the contract, or does not cover the target.
    """
    code = _code()
    tasks = [
        dask.delayed(_one, name=name)(data, name, dict(variables), target, folder, code)
        for name in names
    ]
    return [_read(part) for part in dask.compute(*tasks)]


def read_storm(
    data: Path, name: str, variables: dict[str, int | None]
) -> tuple[str, xr.Dataset, xr.Dataset]:
    """A storm's frames and fields, checked against the contract."""
    frames_path, era5_path = data / name / "frames.nc", data / name / "era5.nc"
    frames = contract.check_frames(_load(frames_path), str(frames_path))
    return name, frames, contract.check_era5(_load(era5_path), variables, str(era5_path))


def _one(
    data: Path,
    name: str,
    variables: dict[str, int | None],
    target: Target,
    folder: Path,
    code: str,
) -> Path:
    """Regrid a storm, unless that was done; return where it is."""
    files = sorted((data / name).glob("*.nc"))
    made_of = [[file.name, fingerprint(file)] for file in files]
    made_so = json.dumps([made_of, list(variables.items()), target.size, target.cell, code])
    part = folder / f"{name}-{hashlib.sha256(made_so.encode()).hexdigest()[:16]}"
    if not part.exists():
        with READING:
            storm = read_storm(data, name, variables)
        result = regridding.regrid(*storm, list(variables), target)
        with whole(part) as partial:
            _write(result, partial)
    return part


def _write(storm: Regridded, folder: Path) -> None:
    folder.mkdir()
    about: dict[str, object] = {
        "name": storm.name,
        "filled": storm.filled,
        "times": storm.times.values,
        "latitude": storm.latitude,
        "longitude": storm.longitude,
    }
    for name in ARRAYS:
        values = getattr(storm, name)
        # A file has its axes in one order, and in memory they keep theirs: `storm` says why.
        order = np.argsort([-stride for stride in values.strides], kind="stable")
        about[f"{name}_order"] = order
        np.save(folder / f"{name}.npy", values.transpose(order))
    np.savez(folder / "about.npz", **about)  # type: ignore[arg-type]


def _read(folder: Path) -> Regridded:
    """Its arrays stay on disk until they are used."""
    with np.load(folder / "about.npz") as about:
        frames, era5, valid = (
            np.load(folder / f"{name}.npy", mmap_mode="r").transpose(
                np.argsort(about[f"{name}_order"])
            )
            for name in ARRAYS
        )
        return Regridded(
            str(about["name"]),
            pd.DatetimeIndex(about["times"]),
            about["latitude"],
            about["longitude"],
            frames,
            era5,
            valid,
            float(about["filled"]),
        )


def _load(path: Path) -> xr.Dataset:
    with netcdf(path) as fields:
        return fields.load()


def _code() -> str:
    """What the storms are made by: another version makes them again."""
    rooms = (Path(room.__path__[0]) for room in (nephele.fields, nephele.regridding))
    files = [file for room in rooms for file in sorted(room.glob("*.py"))]
    return hashlib.sha256("".join(map(fingerprint, files)).encode()).hexdigest()
