"""Bring every storm to one grid, and cut it into windows."""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import xarray as xr
from tqdm.dask import TqdmCallback

from components.command_line import InPath, OutPath, command_line
from components.outputs import whole, write_json
from components.regrid import cluster, storms
from nephele.params import RegridParams
from nephele.pictures import contact_sheets as sheets
from nephele.regridding.storm import Regridded
from nephele.regridding.targets import Target
from nephele.windows import dataset, splits, store
from nephele.windows.index import Shape

log = logging.getLogger(__name__)

SHEETS = 6  # storms that get a contact sheet


@dataclass(frozen=True)
class Source:
    """What stands beside the storms in `data`."""

    provenance: dict
    variables: dict[str, int | None]
    dropped: pd.DataFrame
    storms: list[str]


def run(
    regridded: Sequence[Regridded], source: Source, params: RegridParams
) -> tuple[xr.Dataset, dict]:
    """The windows of all storms, and the figures that describe them."""
    frames = dataset.joined(regridded)
    plan = dataset.Plan(
        Shape(params.history, params.rollout, params.spacing_hours),
        params.future,
        params.split_by,
        params.gap_hours,
        (params.validation_share, params.test_share),
        params.placebo,
        params.seed,
    )
    windows = dataset.build(frames, source.variables, _target(params), plan, source.provenance)
    return windows, figures(windows, frames.filled, source)


def figures(windows: xr.Dataset, filled: float, source: Source) -> dict:
    """Counts and statistics, for metrics.json."""
    # What stands before the colon is the kind; what follows are the frame's own figures.
    reasons = source.dropped["reason"].str.split(":").str[0]
    names = windows.variable.values.tolist()
    by_split = {name: windows.split.values == name for name in splits.SPLITS}
    return {
        "storms": len(source.storms),
        "frames": int(windows.sizes["frame"]),
        "filled_share": filled,
        "dropped_frames": len(source.dropped),
        "dropped_by_reason": {str(k): int(n) for k, n in sorted(reasons.value_counts().items())},
        "dropped": source.dropped[["storm", "time", "reason"]].to_dict("records"),
        "windows": {name: int(mask.sum()) for name, mask in by_split.items()},
        "storms_in": {
            name: sorted(set(windows.window_storm.values[mask].tolist()))
            for name, mask in by_split.items()
        },
        "frame_mean": float(windows.frame_mean),
        "frame_std": float(windows.frame_std),
        "residual_std": dict(
            zip(
                map(str, windows.lead.values.tolist()),
                windows.residual_std.values.tolist(),
                strict=True,
            )
        ),
        "era5_mean": dict(zip(names, windows.era5_mean.values.tolist(), strict=True)),
        "era5_std": dict(zip(names, windows.era5_std.values.tolist(), strict=True)),
        "era5_valid": dict(
            zip(
                names,
                windows.era5_valid.mean(("y", "x")).mean("frame").values.tolist(),
                strict=True,
            )
        ),
    }


def read_source(data: Path) -> Source:
    """Provenance, variables, dropped frames and names of the storms in `data`.

    Raises:
        ValueError: `data` is not what `acquire` makes.
    """
    try:
        provenance = json.loads((data / "provenance.json").read_text())
        variables = provenance["variables"]
        dropped = pd.read_csv(data / "dropped_frames.csv", dtype=str)
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(
            f"{data}: provenance.json or dropped_frames.csv is missing or damaged ({error}), "
            "expected what acquire makes; run acquire again"
        ) from None
    storms = sorted(path.parent.name for path in data.glob("*/frames.nc"))
    if not storms:
        raise ValueError(
            f"{data}: found no <storm>/frames.nc, expected at least one; run acquire again"
        )
    return Source(provenance, variables, dropped, storms)


def main(
    data: InPath, params: RegridParams, windows: OutPath, contact_sheets: OutPath, metrics: OutPath
) -> None:
    """Bring every storm to one grid and cut it into history-and-future windows."""
    source = read_source(data)
    with storms.kept(windows.with_name(f".{windows.name}.storms")) as folder:
        with cluster.connected(params.scheduler, threads=1), TqdmCallback(desc="regrid"):
            parts = storms.regridded(data, source.storms, source.variables, _target(params), folder)
        result, counts = run(parts, source, params)
        log.info("windows: %s", counts["windows"])
        with whole(windows) as partial, whole(contact_sheets) as drawn:
            store.write(result, partial)
            _draw(result, data, source, drawn)
        write_json(metrics, counts)


def _target(params: RegridParams) -> Target:
    return Target(params.size, params.cell_km * 1e3)


def _draw(windows: xr.Dataset, data: Path, source: Source, folder: Path) -> None:
    folder.mkdir(parents=True)
    for name in sheets.spread(source.storms, SHEETS):
        _, *given = storms.read_storm(data, name, source.variables)
        sheets.draw(windows, name, (given[0], given[1]), source.variables, folder / f"{name}.png")


if __name__ == "__main__":
    command_line(main)
