"""How fast fields are regridded, beside xarray-regrid and CDO, and in how much memory.

    python benchmarks/regrid.py [--fields 24] [--folder /tmp]

Hourly fields of 0.25° over the whole Earth, float32, a third of them NaN as land is, to 128 × 128
cells: those of the Earth, boxes of 23° × 24° that follow a storm, and squares of 20 km cells that
follow it (of which xarray-regrid knows nothing). Conservative, missing values left out, everything
in this one run. "New" weights are made in the time measured, "ready" ones before it. Prints
Markdown tables; what CDO does is missing without `cdo`.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import netCDF4
import numpy as np
import pandas as pd
import xarray as xr

from nephele.regridding import conservative, cropping, masked
from nephele.regridding.grids import Rectilinear
from nephele.regridding.targets import Box, Degrees, Following, Target, laid

LATITUDE, LONGITUDE = np.linspace(90, -90, 721), np.arange(0, 360, 0.25)
EARTH, BOX, SQUARE = Box.of(-90, 90, 0, 360, 128), Degrees(128, 23, 24), Target(128, 20e3)
TARGETS = (EARTH, BOX, SQUARE)
DIMS = ("latitude", "longitude")
FRAMES = 6  # of the storm: CDO has to make the weights of each before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fields", type=int, default=24)
    parser.add_argument("--folder", type=Path, help="where files are written; else a temporary one")
    options = parser.parse_args()
    import xarray_regrid  # noqa: F401 - it adds the accessor, and weighs on what is measured

    print(f"{len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f} at the start\n")
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        file = written(folder / "sst.nc", options.fields)
        with xr.open_dataset(file) as opened:
            fields = opened["sst"].load()
        print("| fields a second | Earth | boxes | squares |\n|---|---|---|---|")
        row("nephele, in memory, ready weights", *(here(fields, t, True) for t in TARGETS))
        row("nephele, in memory, new weights", *(here(fields, t, False) for t in TARGETS))
        row("xarray-regrid, in memory", theirs_earth(fields[:4]), theirs_boxes(fields[:12]))
        row("nephele, file to file, new weights", *(from_file(file, folder, t) for t in TARGETS))
        if shutil.which("cdo"):
            row("CDO, file to file, ready weights", *climate_operators(file, folder))
        print("\n| | MB/s | peak memory, MiB |\n|---|---|---|")
        for times in (1, 10):
            seconds, peak = command(file, folder, EARTH, times)
            size = times * file.stat().st_size / 1e6
            print(f"| NetCDF to Zarr, {size:.0f} MB | {size / seconds:.0f} | {peak:.0f} |")
        for what, speed in disk(file, folder).items():
            print(f"| the disk, {what} | {speed:.0f} | |")


def row(name: str, *rates: float) -> None:
    print(f"| {name} | " + " | ".join(f"{rate:.1f}" for rate in rates) + " |", flush=True)


def rate(count: int, work: Callable[[], object], repeats: int = 3) -> float:
    """The best of some repeats, per second: others share the machine."""
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return count / min(seconds)


def written(path: Path, count: int) -> Path:
    """An uncompressed file of fields that drift eastward under a coast that stays."""
    random = np.random.default_rng(0)
    land = np.kron(random.random((13, 24)) < 0.33, np.ones((56, 60), bool))[:721, :1440]
    smooth = 290 + 8 * np.outer(np.sin(np.deg2rad(6 * LATITUDE)), np.cos(np.deg2rad(9 * LONGITUDE)))
    field = (smooth + random.normal(0, 0.3, smooth.shape)).astype(np.float32)
    with netCDF4.Dataset(path, "w") as file:
        for name, values, units in (
            ("time", np.arange(count), "hours since 2000-01-01"),
            ("latitude", LATITUDE, "degrees_north"),
            ("longitude", LONGITUDE, "degrees_east"),
        ):
            file.createDimension(name, len(values))
            axis = file.createVariable(name, "f8", (name,))
            axis.units, axis.standard_name, axis[:] = units, name, values
        dims = ("time", "latitude", "longitude")
        sst = file.createVariable("sst", "f4", dims, fill_value=np.nan, chunksizes=(1, 721, 1440))
        sst.units = "K"
        for number in range(count):
            sst[number] = np.where(land, np.nan, np.roll(field, number, axis=1))
    return path


def source(fields: xr.DataArray) -> Rectilinear:
    return Rectilinear.of(fields.latitude.values, fields.longitude.values)


def centres(count: int) -> tuple[np.ndarray, np.ndarray]:
    """A storm that crosses the date line northward."""
    return np.linspace(15, 25, count), np.linspace(176, 184, count)


def here(fields: xr.DataArray, target: Box | Degrees | Target, ready: bool) -> float:
    count = len(fields)
    near = fields
    if target != EARTH:  # what the pipeline and the command cut off, too
        middle = centres(count)
        rim = cropping.rim_of_frames(laid(target, *middle))
        near, _ = cropping.cropped(fields.to_dataset(), source(fields), DIMS, *rim)
        near = near["sst"].load()
    grid, stack = source(near), near.values

    def weights() -> masked.Weights:
        if isinstance(target, Box):
            return conservative.fixed(grid, target).astype(np.float32)
        around = laid(target, *middle)
        return conservative.following(grid, around, np.arange(count), count).astype(np.float32)

    if not isinstance(target, Box):
        stack = stack[None]  # the frames of one variable are one field
    made = weights()
    return rate(count, lambda: masked.apply(made if ready else weights(), stack))


def theirs_earth(fields: xr.DataArray) -> float:
    ordered = fields.sortby("latitude").load()
    axes = dict(zip(("latitude", "longitude"), EARTH.centres, strict=True))
    target = xr.Dataset(coords=axes)
    return rate(
        len(fields),
        lambda: ordered.regrid.conservative(target, "latitude", skipna=True).compute(),
        repeats=2,
    )


def theirs_boxes(fields: xr.DataArray) -> float:
    """Boxes of as many degrees, cut from the source before: what its users would do."""
    ordered = fields.sortby("latitude").load()

    def work() -> None:
        for field, latitude, longitude in zip(ordered, *centres(len(fields)), strict=True):
            box = Box.of(latitude - 11.5, latitude + 11.5, longitude - 12, longitude + 12, 128)
            near = field.sel(
                latitude=slice(latitude - 12.5, latitude + 12.5),
                longitude=slice(longitude - 13, longitude + 13),
            )
            axes = dict(zip(("latitude", "longitude"), box.centres, strict=True))
            near.regrid.conservative(xr.Dataset(coords=axes), "latitude", skipna=True).compute()

    return rate(len(fields), work, repeats=2)


def from_file(file: Path, folder: Path, target: Box | Degrees | Target) -> float:
    """Fields a second of the command, between a record and one of three times its length.

    So what it takes to start, some two seconds, has no part in it.
    """
    (short, _), (long, _) = (command(file, folder, target, times) for times in (1, 3))
    return 2 * netcdf_times(file) / max(long - short, 1e-9)


def command(
    file: Path, folder: Path, target: Box | Degrees | Target, times: int
) -> tuple[float, float]:
    """Seconds and peak memory (MiB) of the command on `times` copies of the file."""
    moments, files = [], []
    with xr.open_dataset(file) as opened:
        for number in range(times):
            later = opened.time.values + number * opened.sizes["time"] * np.timedelta64(1, "h")
            moments.append(later)
            files.append(folder / f"part{number:03d}.nc")
            if not files[-1].exists():
                shutil.copy(file, files[-1])
                with netCDF4.Dataset(files[-1], "a") as copy:
                    copy["time"][:] += number * len(later)
    out = folder / "out.zarr"
    shutil.rmtree(out, ignore_errors=True)
    arguments = [*map(str, files), "--to", str(out)]
    if isinstance(target, Box):
        arguments += ["--box", "-90", "90", "0", "360"]
    else:
        whole = np.concatenate(moments)
        track = dict(zip(DIMS, centres(len(whole)), strict=True))
        pd.DataFrame({"time": whole} | track).to_csv(folder / "track.csv", index=False)
        arguments += ["--track", str(folder / "track.csv")]
        if isinstance(target, Degrees):
            arguments += ["--degrees", str(target.height), str(target.width)]
    found = subprocess.run(
        [sys.executable, __file__, "--measured", *arguments],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    seconds, peak = map(float, found.stdout.split()[-2:])
    return seconds, peak


def measured(arguments: list[str]) -> None:
    """In a process of its own: run the command, print its seconds and its peak memory."""
    from components.regrid import fields

    started = time.perf_counter()
    fields.main(arguments)
    seconds = time.perf_counter() - started
    status = Path("/proc/self/status").read_text().splitlines()
    peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    print(seconds, peak / 1024)


def netcdf_times(file: Path) -> int:
    with netCDF4.Dataset(file) as opened:
        return len(opened.dimensions["time"])


def climate_operators(file: Path, folder: Path) -> tuple[float, float, float]:
    """CDO's fields a second, with weights made before, one call a frame around the storm."""
    count = netcdf_times(file)
    axes = "\n".join(
        [
            "gridtype = lonlat", "xsize = 128", "ysize = 128",
            f"xfirst = {EARTH.centres[1][0]}", f"xinc = {360 / 128}",
            f"yfirst = {EARTH.centres[0][0]}", f"yinc = {180 / 128}",
        ]
    )  # fmt: skip
    grid, weights = folder / "earth.txt", folder / "earth_weights.nc"
    grid.write_text(axes + "\n")
    operate(f"gencon,{grid}", file, weights)
    remap = f"remap,{grid},{weights}"
    earth = rate(count, lambda: operate(remap, file, folder / "cdo.nc"), repeats=2)
    boxes = laid(BOX, *centres(FRAMES))
    middles = [np.meshgrid(*pair, indexing="ij") for pair in zip(*boxes.centres, strict=True)]
    edges = zip(boxes.latitude, boxes.longitude, strict=True)
    corners = [np.meshgrid(*pair, indexing="ij") for pair in edges]
    squares = Following(SQUARE, *centres(FRAMES))
    found = [followed(file, folder, middles, corners)]
    middles, corners = (
        list(zip(*both, strict=True)) for both in (squares.positions(), squares.corners())
    )
    return earth, *found, followed(file, folder, middles, corners)


def followed(file: Path, folder: Path, middles: list, corners: list) -> float:
    """Frames a second, each a grid of its own: pairs of latitudes and longitudes, (y, x)."""
    for number, (middle, corner) in enumerate(zip(middles, corners, strict=True)):
        grid = folder / f"storm{number}.nc"
        cells(grid, *middle, tuple(corner))
        operate(f"gencon,{grid}", f"-seltimestep,{number + 1}", file, folder / f"w{number}.nc")

    def work() -> None:
        for number in range(FRAMES):
            remap = f"remap,{folder / f'storm{number}.nc'},{folder / f'w{number}.nc'}"
            operate(remap, f"-seltimestep,{number + 1}", file, folder / "cdo.nc")

    return rate(FRAMES, work)


def operate(*words: object) -> None:
    subprocess.run(["cdo", "-s", *map(str, words)], check=True, capture_output=True)


def cells(
    path: Path, latitude: np.ndarray, longitude: np.ndarray, corners: tuple[np.ndarray, ...]
) -> None:
    """A grid of cells with corners, as CDO reads it from a file."""
    dataset = xr.Dataset({"cells": (("y", "x"), np.zeros(latitude.shape))})
    names = (("latitude", "degrees_north"), ("longitude", "degrees_east"))
    for (name, units), middle, edge in zip(names, (latitude, longitude), corners, strict=True):
        sides = edge[:-1, :-1], edge[:-1, 1:], edge[1:, 1:], edge[1:, :-1]
        about = {"units": units, "standard_name": name, "bounds": f"{name}_bounds"}
        dataset = dataset.assign_coords({name: (("y", "x"), middle, about)})
        dataset[f"{name}_bounds"] = (("y", "x", "corner"), np.stack(sides, axis=-1))
    dataset.to_netcdf(path)


def disk(file: Path, folder: Path) -> dict[str, float]:
    """MB/s of reading a file that is not in memory, of one that is, and of writing one."""
    found = {}
    size = file.stat().st_size / 1e6
    content = file.read_bytes()
    copy = folder / "copy"

    def write() -> None:
        with copy.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())

    def read() -> None:
        with copy.open("rb", buffering=0) as stream:
            while stream.read(2**22):
                pass

    found["writing to it"] = rate(1, write) * size
    with copy.open("rb") as stream:
        os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    found["reading what is not in memory"] = rate(1, read, repeats=1) * size
    found["reading what is"] = rate(1, read) * size
    return found


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measured"]:
        measured(sys.argv[2:])
    else:
        main()
