"""`nephele forecast`: from the frames that one has to a file and a picture of what comes.

    nephele forecast data/S0001/frames.nc --out forecast.nc

The model is read, and torch with it, only when there is nothing more to refuse without it.
"""

import argparse
import hashlib
import logging
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from components import destinations, execution, model_folder, model_location
from components.demands import LIMITS
from components.fingerprints import fingerprint
from components.outputs import whole
from nephele.archives.observed import Observed
from nephele.products import given

if TYPE_CHECKING:
    import xarray as xr

    from nephele.forecasting.trained import TrainedModel
    from nephele.products.initial import Past

log = logging.getLogger("nephele")

MODEL = "outputs/distill_student/distilled/model"


def nephele() -> None:
    """The console script.

    What the user can mend (ValueError, OSError) ends in one sentence and exit status 1.
    """
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    log.setLevel(logging.INFO)
    options = _parser().parse_args()
    try:
        options.command(options)
    except (ValueError, OSError) as error:
        sys.exit(f"nephele {options.name}: {error}")


def forecast(options: argparse.Namespace) -> None:
    """Read, forecast and write."""
    started = time.monotonic()
    options.picture = options.picture or options.out.with_suffix(".png")
    _check(options)
    found = given.find(options.frames)
    init = _moment(options.init)
    for path in (options.out, options.picture):
        destinations.check_not_read(path, found.files)
    folder = model_location.folder(options.model)
    for path in (options.out, options.picture):
        destinations.check_outside(path, folder)
    frames = _leads(folder, options)

    from nephele.forecasting import trained

    model = trained.load(folder)
    loaded = time.monotonic()
    past, issued = run(found, model, options, init, frames)
    issued.attrs |= provenance(found, past, model, folder, options)
    made = time.monotonic()
    write(issued, options.out, options.picture)
    log.info(
        "%s from %s UTC: %d members to +%d h in %s "
        "(%.1f s to load, %.1f s to forecast, %.1f s to write)",
        past.storm,
        f"{past.times[-1]:%Y-%m-%d %H:%M}",
        options.members,
        options.hours,
        options.out,
        loaded - started,
        made - loaded,
        time.monotonic() - made,
    )


def run(
    found: Observed,
    model: "TrainedModel",
    options: argparse.Namespace,
    init: pd.Timestamp | None,
    frames: int,
) -> tuple["Past", "xr.Dataset"]:
    """What the forecast starts from, and the forecast of so many frames."""
    from nephele.products import dataset, ensembles, initial

    past = initial.past(found, initial.Need.of(model.description), init)
    members = ensembles.ensemble(model, past.brightness, options.members, options.seed, frames)
    return past, dataset.labelled(past, members, model.lead_hours[:frames], {})


def write(issued: "xr.Dataset", out: Path, picture: Path) -> None:
    """Write the file and the picture, each whole or not at all.

    Both are made before either takes its place, the picture first: a new file has its picture.
    """
    from nephele.pictures import outlook

    animated = outlook.animation(issued)
    with whole(out) as file, whole(picture) as image:
        issued.to_netcdf(file, engine="netcdf4")
        image.write_bytes(animated)


def provenance(
    found: Observed,
    past: "Past",
    model: "TrainedModel",
    folder: Path,
    options: argparse.Namespace,
) -> dict[str, object]:
    """What made the forecast, without the time of day: the same again gives the same bytes."""
    known, about = dict(past.provenance), model.description
    attributes: dict[str, object] = {
        "title": f"Ensemble forecast of infrared brightness temperature, storm {past.storm}",
        "source": f"Nephele {metadata.version('nephele')}, {model.kind} network",
        "history": (
            f"nephele forecast {' '.join(path.name for path in options.frames)} "
            f"--init {past.times[-1]:%Y-%m-%dT%H:%M} --hours {options.hours} "
            f"--members {options.members} --seed {options.seed}"
        ),
        "comment": "an experimental forecast, not calibrated: no warning should rest on it",
        "nephele_version": metadata.version("nephele"),
        "model_fingerprint": fingerprint(folder),
        "input_fingerprint": _fingerprint(found.files),
        "seed": options.seed,
        "model_trained_on": about.trained_on.attribution,
        "model_synthetic": int(about.trained_on.synthetic),
        "sampler": about.sampler,
        "sampling_steps": model.steps,
        "cell_km": about.trained_on.cell_km,
        "filled_share": past.filled,
    }
    attributes |= execution.revision()
    if "synthetic" in known:
        attributes["synthetic"] = int(bool(known["synthetic"]))
    attributes |= {f"input_{key}": known[key] for key in ("source", "attribution") if key in known}
    return attributes


def _check(options: argparse.Namespace) -> None:
    limits = LIMITS | {"members": (2, LIMITS["members"][1])}  # one member has no spread
    for name, (least, most) in limits.items():
        value = getattr(options, name)
        if not least <= value <= most:
            raise ValueError(f"--{name} {value}: expected a whole number from {least} to {most}")
    destinations.check(options.out, options.picture)


def _leads(folder: Path, options: argparse.Namespace) -> int:
    """How many frames to forecast, from the model's description: torch is not needed to refuse."""
    about = model_folder.described(folder)
    if about["kind"] == "teacher":
        raise ValueError(
            f"--model {options.model}: a teacher, which needs ERA5 that is not there when a "
            "forecast is made; expected a student (or its control)"
        )
    return given.leads(options.hours, about["lead_hours"], about["trained_on"]["spacing_hours"])


def _moment(text: str | None) -> pd.Timestamp | None:
    """A time as the user says it, in UTC."""
    if text is None:
        return None
    try:
        moment = pd.Timestamp(text)
    except ValueError:
        moment = pd.NaT  # type: ignore[assignment]
    if pd.isna(moment):
        raise ValueError(f"--init {text}: expected a time in UTC, such as 2007-10-04T06:00")
    return moment.tz_convert(None) if moment.tzinfo else moment


def _fingerprint(files: tuple[Path, ...]) -> str:
    """Of one file its own; of several what their names and contents make together."""
    if len(files) == 1:
        return fingerprint(files[0])
    lines = sorted(f"{fingerprint(file)} {file.name}\n" for file in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="nephele", description="Forecasts of a typhoon's cloud field from infrared images."
    )
    commands = parser.add_subparsers(dest="name", required=True)
    one = commands.add_parser(
        "forecast",
        help="forecast the next hours from a storm's frames",
        description="Forecast the next hours from a storm's frames: a CF NetCDF file with every "
        "member, mean, spread and probability of cold cloud, and an animated picture of it.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    one.set_defaults(command=forecast)
    add = one.add_argument
    add("frames", nargs="+", type=Path, help="frames.nc, another NetCDF file, a storm's folder, "
        "or HDF5 files of the Digital Typhoon Dataset")  # fmt: skip
    add("--model", default=MODEL, help="a trained student: a folder, or an MLflow URI")
    add("--members", type=int, default=16, help="how many")
    add("--hours", type=int, default=24, help="how far ahead")
    add("--init", help="initial time, UTC; the last that has a whole history, unless given")
    add("--seed", type=int, default=0, help="of the noise: the same seed, the same forecast")
    add("--out", type=Path, default=Path("forecast.nc"), help="the NetCDF file")
    add("--picture", type=Path, help="the animated PNG; beside --out, unless given")
    return parser


if __name__ == "__main__":
    nephele()
