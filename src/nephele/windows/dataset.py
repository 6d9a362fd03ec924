"""All storms on the target grid, cut into windows: the dataset that every later stage reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from nephele.fields.variables import FRAMES, VARIABLES, known
from nephele.regridding.storm import Regridded, Target
from nephele.windows import index, splits, statistics


@dataclass(frozen=True)
class Plan:
    """How to cut and split.

    Attributes:
        future: the frames, of `shape.rollout`, that the network forecasts at once.
        split_by: `storm` or `time`.
        shares: of validation and of test.
    """

    shape: index.Shape
    future: int
    split_by: str
    shares: tuple[float, float]
    seed: int


def build(
    storms: Sequence[Regridded],
    variables: Mapping[str, int | None],
    target: Target,
    plan: Plan,
    provenance: Mapping[str, object],
) -> xr.Dataset:
    """Frames and fields of all storms, their windows and splits, and the training statistics.

    Raises:
        ValueError: there is no complete window, or a split is empty.
    """
    if not 0 < plan.future <= plan.shape.rollout:
        raise ValueError(
            f"regrid.future = {plan.future}, expected at most regrid.rollout = {plan.shape.rollout}; "
            "raise the roll-out"
        )
    table = _frame_table(storms)
    frame_index = _windows(storms, plan.shape)
    owner = table["storm"].to_numpy()[frame_index[:, 0]]
    split = _split(table, frame_index, owner, plan)
    chosen = split != splits.NONE
    frame_index, owner, split = frame_index[chosen], owner[chosen], split[chosen]

    frames = np.concatenate([storm.frames for storm in storms])
    era5 = np.concatenate([storm.era5 for storm in storms])
    valid = np.concatenate([storm.valid for storm in storms])
    fitted = statistics.of(frames, era5, valid, frame_index[split == "train"], plan.shape.history)
    for number, values in enumerate(fitted.climatology):
        hole = np.isnan(era5[:, number])
        era5[:, number][hole] = np.broadcast_to(values.astype(np.float32), hole.shape)[hole]

    dataset = xr.Dataset(
        {
            FRAMES: (("frame", "y", "x"), frames),
            "era5": (("frame", "variable", "y", "x"), era5),
            "era5_valid": (("frame", "variable", "y", "x"), valid),
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
            "variable": list(variables),
            "step": plan.shape.hours.astype(np.int32),
            "lead": plan.shape.hours[plan.shape.history :].astype(np.int32),
            "window_storm": ("window", owner.astype(str)),
            "split": ("window", split.astype(str)),
            "init_time": ("window", table["time"].to_numpy()[frame_index[:, plan.shape.history - 1]]),
        },
        attrs=_attributes(target, plan, provenance),
    )
    return _described(dataset, variables)


def _frame_table(storms: Sequence[Regridded]) -> pd.DataFrame:
    parts = [
        pd.DataFrame({"storm": s.name, "time": s.times, "latitude": s.latitude, "longitude": s.longitude})
        for s in storms
    ]
    return pd.concat(parts, ignore_index=True)


def _windows(storms: Sequence[Regridded], shape: index.Shape) -> np.ndarray:
    starts = np.cumsum([0, *(len(storm.times) for storm in storms)])
    parts = [
        start + index.within(storm.times, shape) for start, storm in zip(starts, storms, strict=False)
    ]
    windows = np.concatenate(parts)
    if not len(windows):
        longest = max(len(storm.times) for storm in storms)
        raise ValueError(
            f"no storm has {shape.history} + {shape.rollout} frames exactly {shape.spacing_hours} h apart "
            f"(the longest has {longest} frames), expected at least one window; acquire longer series, or "
            "lower regrid.rollout or regrid.history"
        )
    return windows


def _split(table: pd.DataFrame, frame_index: np.ndarray, owner: np.ndarray, plan: Plan) -> np.ndarray:
    if plan.split_by == "storm":
        return splits.by_storm(owner, *plan.shares, plan.seed)
    times = pd.DatetimeIndex(table["time"])
    first, last = times[frame_index[:, 0]], times[frame_index[:, -1]]
    return splits.by_time(first, last, plan.shape.span, plan.shares)


def _statistics(fitted: statistics.Statistics) -> dict[str, tuple]:
    return {
        "frame_mean": ((), fitted.frame_mean),
        "frame_std": ((), fitted.frame_std),
        "residual_std": (("lead",), fitted.residual_std),
        "era5_mean": (("variable",), fitted.era5_mean),
        "era5_std": (("variable",), fitted.era5_std),
        "era5_climatology": (("variable", "y", "x"), fitted.climatology.astype(np.float32)),
    }


def _attributes(target: Target, plan: Plan, provenance: Mapping[str, object]) -> dict[str, object]:
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
    }


def _described(windows: xr.Dataset, variables: Mapping[str, int | None]) -> xr.Dataset:
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
        "era5_climatology": ("storm-relative mean over the training frames; units by variable", None),
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
    levels = [f"{level} hPa" if level is not None else "surface" for level in variables.values()]
    return windows.assign_coords(
        era5_units=("variable", [known(name).units for name in variables]),
        era5_level=("variable", levels),
    )
