"""Regrid a record of fields, of any length, from NetCDF, GRIB or Zarr to one Zarr store.

    python -m components.regrid.fields era5/*.nc --to sea.zarr --box -5 45 100 -160
    python -m components.regrid.fields era5/*.nc --to storm.zarr --track track.csv
    python -m components.regrid.fields era5/*.nc --to boxes.zarr --track track.csv --degrees 20 24

A box is fixed; a track, a CSV table with the columns time (UTC), latitude and longitude, is
followed. What was interrupted goes on where it stopped when the same is said again.
"""

import argparse
import glob
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from components.regrid import cluster, records, track
from nephele.regridding import lazily
from nephele.regridding.targets import Box, Degrees, Target

log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run on the arguments of the process; what the user can mend ends in one sentence."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    given = _given(arguments)
    try:
        regrid(given)
    except (ValueError, OSError) as error:
        sys.exit(f"regrid: {error}")


def regrid(given: argparse.Namespace) -> None:
    """Regrid what the command line says.

    Raises:
        ValueError: the fields, the track or the box cannot be used.
    """
    files = _found(given.files)
    scheduler = cluster.connected(given.scheduler, called="--scheduler", without="leave it out")
    with scheduler as parallel:
        fields = records.opened(files, given.variables)
        if given.box:
            south, north, west, east = given.box
            box = Box.of(south, north, west, east, given.size)
            regridded = lazily.fixed(fields, box, given.method)
        else:
            target = (
                Degrees(given.size, *given.degrees)
                if given.degrees
                else Target(given.size, 1e3 * given.cell_km)
            )
            regridded = lazily.following(fields, target, track.read(given.track), given.method)
        # Files that have changed since an interruption are other files.
        state = [[str(f.resolve()), f.stat().st_size, f.stat().st_mtime_ns] for f in files]
        along = given.track.read_text() if given.track else None
        way = [given.method, given.size, given.cell_km, given.degrees, given.box, along]
        records.write(regridded, given.to, [state, way], parallel)
    log.info("%s: %d fields in time", given.to, regridded.sizes["time"])


def _found(patterns: Sequence[str]) -> list[Path]:
    """The files that these paths and patterns name; a shell has expanded patterns, or has not."""
    found: list[Path] = []
    for pattern in patterns:
        matches = [] if Path(pattern).exists() else sorted(glob.glob(pattern, recursive=True))
        found += map(Path, matches or [pattern])
    return found


def _given(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "files", nargs="+", help="NetCDF, GRIB or Zarr, following in time; or patterns"
    )
    parser.add_argument("--to", type=Path, required=True, help="the Zarr store to write")
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument(
        "--box", type=float, nargs=4, metavar=("SOUTH", "NORTH", "WEST", "EAST"), help="degrees"
    )
    target.add_argument("--track", type=Path, help="CSV: time, latitude, longitude")
    parser.add_argument(
        "--variables", nargs="+", help="default: all that are on time, latitude and longitude"
    )
    parser.add_argument(
        "--method",
        choices=list(lazily.METHODS),
        default="conservative",
        help="default: %(default)s",
    )
    parser.add_argument("--size", type=int, default=128, help="cells a side; default: %(default)s")
    parser.add_argument(
        "--cell-km", type=float, default=20.0, help="of a cell along a track; default: %(default)s"
    )
    parser.add_argument(
        "--degrees", type=float, nargs=2, metavar=("HEIGHT", "WIDTH"), help="along a track, not km"
    )
    parser.add_argument("--scheduler", help="of a dask cluster, such as tcp://host:8786")
    given = parser.parse_args(arguments)
    if given.box and given.degrees:
        parser.error("--degrees goes with --track, not with --box")
    return given


if __name__ == "__main__":
    main()
