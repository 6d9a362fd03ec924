"""Extract storms from an archive, at native resolution, as the contract has them."""

import logging
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import xarray as xr
from tqdm import tqdm

from components.command_line import OutPath, command_line
from components.outputs import whole, write_json
from nephele.acquisition import AcquireParams
from nephele.archives import best_tracks, digital_typhoon, era5, gridsat, satellite
from nephele.archives.storms import Dropped, Storm, table
from nephele.fields.variables import FRAMES, known
from nephele.world import archive as world

log = logging.getLogger(__name__)

Frames = tuple[xr.Dataset | None, tuple[Dropped, ...]]  # the usable ones, and those left out
FrameReader = Callable[[str], Frames]

ATTRIBUTIONS = {
    "synthetic": "SYNTHETIC storms of Nephele's own world: no measurement, no reanalysis",
    "digital_typhoon": digital_typhoon.ATTRIBUTION,
    "gridsat": gridsat.ATTRIBUTION,
}
ONE_STORM = "{storm}"  # in acquire.era5: the name of each storm, where each has fields of its own
# CF attributes of era5.nc's axes.
AXES = {
    "latitude": {"units": "degrees_north", "standard_name": "latitude"},
    "longitude": {"units": "degrees_east", "standard_name": "longitude"},
}
# Steps of 0.01 K are finer than any radiometer; the contract's 150 to 340 K fit.
PACKED = {"dtype": "int16", "scale_factor": 0.01, "add_offset": 245.0, "_FillValue": -32768}


@dataclass(frozen=True)
class Unusable:
    """A storm of which no frame was left."""

    name: str
    dropped: tuple[Dropped, ...]


def run(params: AcquireParams, simulated: Path | None = None) -> Iterator[Storm | Unusable]:
    """The storms of the source, one after the other, as the contract has them.

    Args:
        simulated: the archive that the synthetic world has written, where it is the source.

    Raises:
        ValueError: naming the file, the variable, what was found and what was expected.
    """
    for name in params.variables:
        known(name)
    if simulated is not None:
        for name in satellite.storms(simulated):
            frames = satellite.read_frames(simulated, name)
            fields = satellite.read_era5(simulated, name, frames, params.variables)
            yield Storm(name, frames, fields)
        return
    names, read_frames, where = _observed(params)
    for name in names:
        usable, dropped = read_frames(name)
        if usable is None:
            yield Unusable(name, dropped)
            continue
        here = where.replace(ONE_STORM, name)
        fields = era5.for_frames(here, usable, params.variables, params.environment)
        yield Storm(name, usable, fields, dropped)


def _observed(params: AcquireParams) -> tuple[list[str], FrameReader, str]:
    """The names of the storms, what reads the frames of one, and where ERA5 lies."""
    return _gridsat(params) if params.source == "gridsat" else _digital_typhoon(params)


def _gridsat(params: AcquireParams) -> tuple[list[str], FrameReader, str]:
    where = _given(params.era5, "era5", "ERA5: a path, glob or URL")
    files = gridsat.find(_given(params.gridsat.files, "gridsat.files", "a folder or glob"))
    published = Path(_given(params.gridsat.tracks, "gridsat.tracks", "the tracks of IBTrACS"))
    tracks = best_tracks.read_ibtracs(published)
    reader = partial(gridsat.read_frames, files, tracks, max_fill=params.max_fill)
    return gridsat.storms(files, tracks), reader, where


def _digital_typhoon(params: AcquireParams) -> tuple[list[str], FrameReader, str]:
    given, key = params.digital_typhoon.archive, "digital_typhoon.archive"
    archive = Path(_given(given, key, "the path of an archive folder"))
    if not archive.is_dir():
        raise ValueError(
            f"acquire.{key}: {archive} is no folder, expected an archive as docs/data.md lays "
            "it out; correct the path"
        )
    reader = partial(digital_typhoon.read_frames, archive, max_fill=params.max_fill)
    return digital_typhoon.storms(archive), reader, params.era5 or str(archive / "environment")


def _given(value: str | None, key: str, expected: str) -> str:
    if value is None:
        raise ValueError(f"acquire.{key} is null, expected {expected}; set it as docs/data.md says")
    return value


def provenance(params: AcquireParams) -> dict:
    """Where the data come from, which every picture and table has to say."""
    synthetic = params.source == "synthetic"
    return {
        "source": params.source,
        "synthetic": synthetic,
        "environment": "analysis" if synthetic else params.environment,
        **({} if synthetic else {"era5": params.era5 or "environment/ of the archive"}),
        "attribution": ATTRIBUTIONS[params.source],
        "variables": params.variables,
        **({"world_seed": params.synthetic.seed} if synthetic else {}),
    }


def main(params: AcquireParams, raw: OutPath) -> None:
    """Extract storms from the archive that the parameters name, or from the synthetic world."""
    if not params.variables:
        raise ValueError(
            "acquire.variables is empty, expected at least one ERA5 variable; name one"
        )
    with whole(raw) as folder:
        folder.mkdir()
        if params.source == "synthetic":
            with tempfile.TemporaryDirectory() as temporary:
                _simulate(params, Path(temporary))
                _write(run(params, Path(temporary)), params, folder)
        else:
            _write(run(params), params, folder)


def _simulate(params: AcquireParams, folder: Path) -> None:
    storms = params.synthetic.storms
    # Starting a process costs as much as a few storms.
    workers = max(1, min(len(os.sched_getaffinity(0)), storms // 8))
    log.info("simulating %d storms in %d processes", storms, workers)
    world.write(folder, params.synthetic, params.variables, workers=workers)


def _write(storms: Iterator[Storm | Unusable], params: AcquireParams, folder: Path) -> None:
    dropped: list[Dropped] = []
    kept = 0
    for storm in tqdm(storms, desc="acquire", unit="storm"):
        dropped.extend(storm.dropped)
        if isinstance(storm, Storm):
            kept += 1
            _write_storm(storm, folder / storm.name)
        _report(storm)
    if not kept:
        raise ValueError(
            f"no storm of the archive has a usable frame ({len(dropped)} left out, the "
            f"first because: {dropped[0].reason if dropped else 'there was none'}), "
            "expected at least one; raise acquire.max_fill or use other frames"
        )
    write_json(folder / "provenance.json", provenance(params))
    table(dropped).to_csv(folder / "dropped_frames.csv", index=False)


def _write_storm(storm: Storm, folder: Path) -> None:
    folder.mkdir()
    one_frame = (1, storm.frames.sizes["y"], storm.frames.sizes["x"])
    frames_encoding = {FRAMES: {**PACKED, **_compressed(), "chunksizes": one_frame}}
    _save(storm.frames, folder / "frames.nc", frames_encoding)
    era5 = storm.era5.assign_coords(
        {axis: storm.era5[axis].assign_attrs(about) for axis, about in AXES.items()}
    )
    _save(era5, folder / "era5.nc", {str(name): _compressed() for name in era5.data_vars})


def _save(fields: xr.Dataset, path: Path, encoding: dict[str, dict]) -> None:
    encoding["time"] = {"units": "seconds since 1970-01-01", "dtype": "int64"}
    fields.to_netcdf(path, engine="netcdf4", encoding=encoding)


def _compressed() -> dict:
    return {"zlib": True, "complevel": 1, "shuffle": True}


def _report(storm: Storm | Unusable) -> None:
    if not storm.dropped:
        return
    left_out = sum(frame.file != "" for frame in storm.dropped)
    total = left_out + (len(storm.frames.time) if isinstance(storm, Storm) else 0)
    gaps = len(storm.dropped) - left_out
    log.warning("%s: %d of %d frames left out, %d missing:", storm.name, left_out, total, gaps)
    for frame in storm.dropped:
        log.warning("  %s %s: %s", frame.time, frame.file, frame.reason)


if __name__ == "__main__":
    command_line(main)
