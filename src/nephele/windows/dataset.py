"""All storms on the target grid, cut into windows: the dataset that every later stage reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from nephele.fields.variables import FRAMES, PLACEBO, VARIABLES, known
from nephele.regridding.storm import Regridded, Target
from nephele.windows import index, placebo, splits, statistics


@dataclass(frozen=True)
class Plan:
    """How to cut and split.

    Attributes:
        future: the frames, of `shape.rollout`, that the network forecasts at once.
        split_by: `storm` or `time`.
        gap_hours: between splits in time, at least.
        shares: of validation and of test.
        placebo: the variable that a placebo copies, or None for no placebo.
    """

    shape: index.Shape
    future: int
    split_by: str
    gap_hours: int
    shares: tuple[float, float]
    placebo: str | None
    seed: int


@dataclass(frozen=True)
class Frames:
    """The frames of all storms, one after the other.

    Attributes:
        table: storm, time, latitude and longitude of each frame.
        brightness: K, (frame, y, x).
        era5: native units, (frame, variable, y, x), NaN where nothing is valid.
        valid: whole per cent, (frame, variable, y, x).
        filled: share of the cells of `brightness` without a measurement.
    """

    table: pd.DataFrame
    brightness: np.ndarray
    era5: np.ndarray
    valid: np.ndarray
    filled: float


def joined(storms: Sequence[Regridded]) -> Frames:
    """All storms as one, so that the storms themselves can be forgotten: they are large."""
    columns = [
        pd.DataFrame(
            {"storm": s.name, "time": s.times, "latitude": s.latitude, "longitude": s.longitude}
        )
        for s in storms
    ]
    table = pd.concat(columns, ignore_index=True)
    return Frames(
        table,
        np.concatenate([storm.frames for storm in storms]),
        np.concatenate([storm.era5 for storm in storms]),
        np.concatenate([storm.valid for storm in storms]),
        sum(storm.filled * len(storm.times) for storm in storms) / len(table),
    )


def build(
    frames: Frames,
    variables: Mapping[str, int | None],
    target: Target,
    plan: Plan,
    provenance: Mapping[str, object],
) -> xr.Dataset:
    """Frames and fields of all storms, their windows and splits, and the training statistics.

    The holes in `frames.era5` are filled in place.

    Raises:
        ValueError: there is no complete window, or a split is empty.
    """
    if not 0 < plan.future <= plan.shape.rollout:
        raise ValueError(
            f"regrid.future = {plan.future}, expected at most regrid.rollout = "
            f"{plan.shape.rollout}; raise the roll-out"
        )
    if plan.placebo is not None and plan.placebo not in variables:
        raise ValueError(
            f"regrid.placebo = {plan.placebo!r}, expected one of {', '.join(variables)}, or null; "
            "name a variable of acquire.variables"
        )
    table = frames.table
    frame_index = _windows(table, plan.shape)
    owner = table["storm"].to_numpy()[frame_index[:, 0]]
    split = _split(table, frame_index, owner, plan)
    chosen = split != splits.NONE
    frame_index, owner, split = frame_index[chosen], owner[chosen], split[chosen]
    era5, valid = frames.era5, frames.valid
    if plan.placebo is not None:
        donor = placebo.donors(table["storm"].to_numpy(), frame_index, split, plan.seed)
        number = list(variables).index(plan.placebo)
        era5, valid = placebo.appended(era5, valid, number, donor)
    training = frame_index[split == "train"]
    fitted = statistics.of(frames.brightness, era5, valid, training, plan.shape.history)
    _fill(era5, fitted.climatology.astype(np.float32))

    windows = xr.Dataset(
        {
            FRAMES: (("frame", "y", "x"), frames.brightness),
            "era5": (("frame", "variable", "y", "x"), era5),
            "era5_valid": (("frame", "variable", "y", "x"), valid * np.float32(0.01)),
            "frame_index": (("window", "step"), frame_index.astype(np.int32)),
            **_statistics(fitted),
        },
        coords={
            "storm": ("frame", table["storm"].to_numpy().astype(str)),
            "time": ("frame", table["time"].to_numpy()),
            "latitude": ("frame", table["latitude"].to_numpy()),
            "longitude": ("frame", table["longitude"].to_numpy()),
            "y": target.points,
            "x": target.points,
            "variable": [*variables, *([PLACEBO] if plan.placebo else [])],
            "step": plan.shape.hours.astype(np.int32),
            "lead": plan.shape.hours[plan.shape.history :].astype(np.int32),
            "window_storm": ("window", owner.astype(str)),
            "split": ("window", split.astype(str)),
            "init_time": (
                "window",
                table["time"].to_numpy()[frame_index[:, plan.shape.history - 1]],
            ),
        },
        attrs=_attributes(target, plan, provenance),
    )
    return _described(windows, variables, plan.placebo)


def _windows(table: pd.DataFrame, shape: index.Shape) -> np.ndarray:
    series = {name: part.index for name, part in table.groupby("storm", sort=False)}
    parts = [
        rows.to_numpy()[index.within(pd.DatetimeIndex(table.loc[rows, "time"]), shape)]
        for rows in series.values()
    ]
    windows = np.concatenate(parts)
    if not len(windows):
        raise ValueError(
            f"no storm has {shape.history} + {shape.rollout} frames exactly "
            f"{shape.spacing_hours} h apart (the longest has "
            f"{max(map(len, series.values()))} frames), expected at least one window; acquire "
            "longer series, or lower regrid.rollout or regrid.history"
        )
    return windows


def _split(
    table: pd.DataFrame, frame_index: np.ndarray, owner: np.ndarray, plan: Plan
) -> np.ndarray:
    if plan.split_by == "storm":
        return splits.by_storm(owner, *plan.shares, plan.seed)
    times = pd.DatetimeIndex(table["time"])
    first, last = times[frame_index[:, 0]], times[frame_index[:, -1]]
    return splits.by_time(first, last, pd.Timedelta(hours=plan.gap_hours), plan.shares)


def _fill(era5: np.ndarray, climatology: np.ndarray) -> None:
    """Replace NaN in `era5` (frame, variable, y, x), in place."""
    for frame in era5:
        hole = np.isnan(frame)
        if hole.any():
            frame[hole] = climatology[hole]


def _statistics(fitted: statistics.Statistics) -> dict[str, tuple]:
    return {
        "frame_mean": ((), fitted.frame_mean),
        "frame_std": ((), fitted.frame_std),
        "residual_std": (("lead",), fitted.residual_std),
        "era5_mean": (("variable",), fitted.era5_mean),
        "era5_std": (("variable",), fitted.era5_std),
        "era5_climatology": (("variable", "y", "x"), fitted.climatology.astype(np.float32)),
        "era5_spread": (("variable", "y", "x"), fitted.spread.astype(np.float32)),
    }


def _attributes(target: Target, plan: Plan, provenance: Mapping[str, object]) -> dict[str, object]:
    # The world's seed runs a storm again as it was; real data have none.
    seed = {"world_seed": provenance["world_seed"]} if "world_seed" in provenance else {}
    return {
        "Conventions": "CF-1.11",
        "source": str(provenance["source"]),
        "synthetic": int(bool(provenance["synthetic"])),
        "environment": str(provenance["environment"]),
        "attribution": str(provenance["attribution"]),
        "split_by": plan.split_by,
        "history": plan.shape.history,
        "future": plan.future,
        "rollout": plan.shape.rollout,
        "spacing_hours": plan.shape.spacing_hours,
        "cell_km": target.cell / 1e3,
        **seed,
    }


def _described(
    windows: xr.Dataset, variables: Mapping[str, int | None], copied: str | None
) -> xr.Dataset:
    """CF attributes. The variables of `era5` have different units: `units` stands beside them."""
    frame = VARIABLES[FRAMES]
    texts = {
        FRAMES: (frame.long_name, "K"),
        "era5": ("ERA5 at the frame, filled with the climatology; units by variable", None),
        "era5_valid": ("fraction of the cell in which ERA5 is defined", "1"),
        "frame_index": ("frames of the window, by number", "1"),
        "frame_mean": ("mean over the training frames", "K"),
        "frame_std": ("standard deviation over the training frames", "K"),
        "residual_std": ("root mean square change from the initial frame, training windows", "K"),
        "era5_mean": ("mean over the training frames; units by variable", None),
        "era5_std": ("standard deviation over the training frames; units by variable", None),
        "era5_climatology": (
            "storm-relative mean over the training frames; units by variable",
            None,
        ),
        "era5_spread": (
            "standard deviation about the storm-relative mean, training frames; units by variable",
            None,
        ),
        "latitude": ("latitude of the frame's centre", "degrees_north"),
        "longitude": ("longitude of the frame's centre", "degrees_east"),
        "y": ("distance northward from the centre", "m"),
        "x": ("distance eastward from the centre", "m"),
        "step": ("hours from the initial time", "hours"),
        "lead": ("lead time", "hours"),
    }
    for name, (text, units) in texts.items():
        windows[name].attrs = {"long_name": text} | ({"units": units} if units else {})
    windows[FRAMES].attrs["standard_name"] = frame.standard_name
    originals = [*variables, *([copied] if copied else [])]
    levels = [variables[name] for name in originals]
    return windows.assign_coords(
        era5_units=("variable", [known(name).units for name in originals]),
        era5_level=("variable", ["surface" if p is None else f"{p} hPa" for p in levels]),
    )
