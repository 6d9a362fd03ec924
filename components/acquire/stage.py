"""Extract storms from an archive, at native resolution, as the contract has them."""

import logging
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import xarray as xr
from tqdm import tqdm

from components.command_line import OutPath, command_line
from components.outputs import whole, write_json
from nephele.archives import digital_typhoon, satellite
from nephele.archives.storms import Dropped, Storm, table
from nephele.fields.variables import FRAMES, known
from nephele.params import AcquireParams
from nephele.world import archive as world

log = logging.getLogger(__name__)

SYNTHETIC = "SYNTHETIC storms of Nephele's own world: no measurement, no reanalysis"
# Steps of 0.01 K are finer than any radiometer; the contract's 150 to 340 K fit.
PACKED = {"dtype": "int16", "scale_factor": 0.01, "add_offset": 245.0, "_FillValue": -32768}


@dataclass(frozen=True)
class Unusable:
    """A storm of which no frame was left."""

    name: str
    dropped: tuple[Dropped, ...]


def run(params: AcquireParams, archive: Path) -> Iterator[Storm | Unusable]:
    """The storms of `archive`, one after the other, as the contract has them.

    Raises:
        ValueError: naming the file, the variable, what was found and what was expected.
    """
    for name in params.variables:
        known(name)
    if params.source == "synthetic":
        for name in satellite.storms(archive):
            frames = satellite.read_frames(archive, name)
            yield Storm(name, frames, satellite.read_era5(archive, name, frames, params.variables))
        return
    options = params.digital_typhoon
    for name in digital_typhoon.storms(archive):
        usable, dropped = digital_typhoon.read_frames(archive, name, options.max_fill)
        if usable is None:
            yield Unusable(name, dropped)
            continue
        era5 = digital_typhoon.read_era5(archive, usable, params.variables, options.environment)
        yield Storm(name, usable, era5, dropped)


def provenance(params: AcquireParams) -> dict:
    """Where the data come from, which every picture and table has to say."""
    synthetic = params.source == "synthetic"
    return {
        "source": params.source,
        "synthetic": synthetic,
        "environment": "analysis" if synthetic else params.digital_typhoon.environment,
        "attribution": SYNTHETIC if synthetic else digital_typhoon.ATTRIBUTION,
        "variables": params.variables,
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
            _write(run(params, _archive(params)), params, folder)


def _simulate(params: AcquireParams, folder: Path) -> None:
    storms = params.synthetic.storms
    # Starting a process costs as much as a few storms.
    workers = max(1, min(len(os.sched_getaffinity(0)), storms // 8))
    log.info("simulating %d storms in %d processes", storms, workers)
    world.write(folder, params.synthetic, params.variables, workers=workers)


def _archive(params: AcquireParams) -> Path:
    given = params.digital_typhoon.archive
    if given is None:
        raise ValueError(
            "acquire.digital_typhoon.archive is null, expected the path of an archive "
            "folder; set it as docs/data.md says"
        )
    if not Path(given).is_dir():
        raise ValueError(
            f"acquire.digital_typhoon.archive: {given} is no folder, expected an archive as "
            "docs/data.md lays it out; correct the path"
        )
    return Path(given)


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
            "expected at least one; raise acquire.digital_typhoon.max_fill or use other frames"
        )
    write_json(folder / "provenance.json", provenance(params))
    table(dropped).to_csv(folder / "dropped_frames.csv", index=False)


def _write_storm(storm: Storm, folder: Path) -> None:
    folder.mkdir()
    one_frame = (1, storm.frames.sizes["y"], storm.frames.sizes["x"])
    frames_encoding = {FRAMES: {**PACKED, **_compressed(), "chunksizes": one_frame}}
    _save(storm.frames, folder / "frames.nc", frames_encoding)
    _save(
        storm.era5, folder / "era5.nc", {str(name): _compressed() for name in storm.era5.data_vars}
    )


def _save(fields: xr.Dataset, path: Path, encoding: dict[str, dict]) -> None:
    encoding["time"] = {"units": "seconds since 1970-01-01", "dtype": "int64"}
    fields.to_netcdf(path, engine="netcdf4", encoding=encoding)


def _compressed() -> dict:
    return {"zlib": True, "complevel": 1, "shuffle": True}


def _report(storm: Storm | Unusable) -> None:
    total = len(storm.dropped) + (len(storm.frames.time) if isinstance(storm, Storm) else 0)
    if storm.dropped:
        log.warning("%s: %d of %d frames left out:", storm.name, len(storm.dropped), total)
        for frame in storm.dropped:
            log.warning("  %s %s: %s", frame.time, frame.file, frame.reason)


if __name__ == "__main__":
    command_line(main)
