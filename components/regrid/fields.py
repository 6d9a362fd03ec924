"""Regrid a record of fields, of any length, from NetCDF or Zarr files to one Zarr store.

    python -m components.regrid.fields era5/*.nc --to sea.zarr --box -5 45 100 -160
    python -m components.regrid.fields era5/*.nc --to storm.zarr --track track.csv
    python -m components.regrid.fields era5/*.nc --to boxes.zarr --track track.csv --degrees 20 24

A box is fixed; a track, a table with the columns time, latitude and longitude, is followed. What
was interrupted goes on where it stopped when the same is said again.
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from components.regrid import cluster, records
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
    with cluster.connected(given.scheduler) as parallel:
        fields = records.opened(given.files, given.variables)
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
            regridded = lazily.following(fields, target, _track(given.track), given.method)
        # Files that have changed since an interruption are other files.
        files = [[str(f.resolve()), f.stat().st_size, f.stat().st_mtime_ns] for f in given.files]
        track = given.track.read_text() if given.track else None
        way = [given.method, given.size, given.cell_km, given.degrees, given.box, track]
        records.write(regridded, given.to, [files, way], parallel)
    log.info("%s: %d fields in time", given.to, regridded.sizes["time"])


def _track(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path, parse_dates=["time"]).set_index("time")[["latitude", "longitude"]]
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(
            f"{path}: found no table with the columns time, latitude and longitude ({error}); "
            "write one, with a row for each frame"
        ) from None


def _given(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", type=Path, nargs="+", help="NetCDF or Zarr, following in time")
    parser.add_argument("--to", type=Path, required=True, help="the Zarr store to write")
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument(
        "--box", type=float, nargs=4, metavar=("SOUTH", "NORTH", "WEST", "EAST"), help="degrees"
    )
    target.add_argument("--track", type=Path, help="CSV: time, latitude, longitude")
    parser.add_argument("--variables", nargs="+", help="all that are on latitude and longitude")
    parser.add_argument("--method", choices=list(lazily.METHODS), default="conservative")
    parser.add_argument("--size", type=int, default=128, help="cells a side")
    parser.add_argument("--cell-km", type=float, default=20.0, help="of a cell along a track")
    parser.add_argument(
        "--degrees", type=float, nargs=2, metavar=("HEIGHT", "WIDTH"), help="along a track, not km"
    )
    parser.add_argument("--scheduler", help="of a dask cluster, such as tcp://host:8786")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
