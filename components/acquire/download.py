"""Fetch what `acquire` reads: best tracks, GridSat-B1 frames and ERA5 of given storms and years.

    python -m components.acquire.download --params params.yaml --archive ARCHIVE

The section `download` of params.yaml says which storms and from where (docs/downloading.md). What
is there is not fetched again, so that the same command goes on after an interruption.
"""

import argparse
import logging
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from components.acquire import era5_files, needs, parallel
from components.acquire.needs import Need
from components.outputs import whole
from nephele import parameter_file
from nephele.acquisition import AcquireParams
from nephele.archives import best_tracks
from nephele.downloads import gridsat, https, storms
from nephele.downloads.params import DownloadParams

log = logging.getLogger("download")

SECTION = "download"
GIGA = 1e9


def main() -> None:
    """The command.

    What the user can mend (ValueError, OSError) ends in one sentence and exit status 1.
    """
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    log.setLevel(logging.INFO)
    given = _parser().parse_args()
    try:
        params = parameter_file.read(given.params, SECTION, DownloadParams, given.set)
        acquire = parameter_file.read(given.params, "acquire", AcquireParams)
        with logging_redirect_tqdm():
            log.info(run(params, acquire.variables, given.archive.resolve()))
    except (ValueError, OSError) as error:
        sys.exit(f"{SECTION}: {error}")


def run(params: DownloadParams, variables: era5_files.Variables, archive: Path) -> str:
    """Fetch what `params` name into `archive`; what there is then, and how it is read.

    Raises:
        ValueError: nothing is named, a source refuses or lacks it, or was out of reach too long.
    """
    wanted = [
        needs.of(storm, track, params.hours) for storm, track in _tracks(params, archive).items()
    ]
    settings = {"acquire.source": "digital_typhoon", "acquire.digital_typhoon.archive": archive}
    found = [f"{len(wanted)} storm(s)"]
    if params.tracks == "ibtracs":
        settings = {"acquire.gridsat.tracks": archive / "tracks.csv"}
    if params.frames == "gridsat":
        frames = _frames(wanted, params, archive / "gridsat")
        found.append(f"{frames} GridSat-B1 frames")
        settings |= {"acquire.source": "gridsat", "acquire.gridsat.files": archive / "gridsat"}
    if params.era5:
        _fields(wanted, params, variables, archive / "era5")
        found.append(f"ERA5 ({', '.join(variables)}) every {params.hours} h")
        settings["acquire.era5"] = archive / "era5/{storm}"
    read_by = ", ".join(f"{key}: {value}" for key, value in settings.items())
    return f"{archive} has {', '.join(found)}; what reads it in params.yaml is {read_by}"


def _tracks(params: DownloadParams, archive: Path) -> dict[str, pd.DataFrame]:
    """The best tracks of the wanted storms, by storm."""
    if not (params.storms or params.years):
        raise ValueError(
            "download.storms and download.years are empty, expected at least one storm or year; "
            "say --set 'storms=[HAIYAN-2013]'"
        )
    names = [str(name) for name in params.storms]
    if params.tracks == "digital_typhoon":
        folder = archive / "digital_typhoon" / "jma"
        of_years = [
            path.stem for year in params.years for path in sorted(folder.glob(f"{year}??.tsv"))
        ]
        return {
            storm: best_tracks.read(folder / f"{storm}.tsv")
            for storm in dict.fromkeys(names + of_years)
        }
    listing = archive / "ibtracs" / params.ibtracs.rpartition("/")[2]
    if not listing.exists():
        with whole(listing) as partial:
            https.fetch(params.ibtracs, partial, params.retries)
            storms.listed(partial)
    chosen = storms.chosen(storms.listed(listing), names, params.years)
    subset = archive / "tracks.csv"
    before = set(storms.listed(subset).index) if subset.exists() else set()
    with whole(subset) as partial:
        storms.copy(listing, before.union(chosen), partial)
    tracks = best_tracks.read_ibtracs(subset)
    # Spurs are parts of other storms' tracks, and no storms to the readers.
    return {storm: tracks[storm] for storm in chosen if not tracks[storm].attrs.get("spur")}


def _frames(wanted: Sequence[Need], params: DownloadParams, folder: Path) -> int:
    """Fetch the frames; how many there are."""
    times = sorted({time for need in wanted for time in need.frames})
    bucket = gridsat.Bucket(params.gridsat, params.retries)
    found = bucket.find(times)
    if len(found) < len(times):
        first = next(time for time in times if time not in found)
        log.warning(
            "%d of %d frames are not in the bucket, the first that of %s UTC",
            len(times) - len(found), len(times), f"{first:%Y-%m-%d %H:%M}",
        )  # fmt: skip
    lacking = [file for file in found.values() if not _is_there(folder / file.name, file.size)]
    _has_room(folder, sum(file.size for file in lacking), f"{len(lacking)} GridSat-B1 frames")

    def fetch(file: gridsat.Stored) -> None:
        with whole(folder / file.name) as partial:
            bucket.fetch(file, partial)

    with tqdm(desc="GridSat-B1", total=len(lacking), unit="frame") as bar:
        parallel.each(fetch, lacking, params.gridsat.parallel, bar)
    return len(found)


def _fields(
    wanted: Sequence[Need],
    params: DownloadParams,
    variables: era5_files.Variables,
    folder: Path,
) -> None:
    """Fetch ERA5."""
    lacking = era5_files.lacking(wanted, params, variables, folder)
    size = era5_files.size(lacking, variables)
    _has_room(folder, size, f"ERA5 of {len(lacking)} storm(s), uncompressed")
    if lacking:
        era5_files.fetch(lacking, params, variables, folder)


def _is_there(path: Path, size: int) -> bool:
    return path.exists() and path.stat().st_size == size


def _has_room(folder: Path, size: int, what: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    log.info("%s: %.3g GB to fetch at most, %.3g GB free", what, size / GIGA, free / GIGA)
    if size > free:
        raise ValueError(
            f"{what}: {size / GIGA:.3g} GB to fetch, {free / GIGA:.3g} GB free in {folder}; "
            "take fewer storms, or another --archive"
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m components.acquire.download", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--params", required=True, help="a params.yaml with a section download")
    parser.add_argument("--archive", required=True, type=Path, help="the folder to fill")
    parser.add_argument(
        "--set",
        nargs="+",
        action="extend",
        default=[],
        metavar="PARAMETER=VALUE",
        help="in place of what the section download says, as 'storms=[HAIYAN-2013]' era5=arco",
    )
    return parser


if __name__ == "__main__":
    main()
