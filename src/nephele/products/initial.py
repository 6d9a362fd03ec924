"""What a forecast starts from: the last frames before its initial time, on the model's grid."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from nephele.archives.observed import Observed, UnusableError
from nephele.fields import grid, times
from nephele.fields.variables import FRAMES
from nephele.forecasting.trained import Description
from nephele.regridding import conservative
from nephele.regridding.storm import Target, filled_from_nearest

MOST_FILLED = 0.1  # share of a frame's cells that may be filled from their neighbours


@dataclass(frozen=True)
class Need:
    """The frames that a model forecasts from."""

    history: int  # frames, the last at the initial time
    spacing_hours: int
    target: Target

    @classmethod
    def of(cls, model: Description) -> "Need":
        """What a trained model needs."""
        grid_of_training = Target(model.shape.size, model.trained_on.cell_km * 1e3)
        return cls(model.shape.history, model.trained_on.spacing_hours, grid_of_training)

    def moments(self, init: pd.Timestamp) -> pd.DatetimeIndex:
        """The times of the history of a forecast from `init`."""
        back = np.arange(1 - self.history, 1) * self.spacing_hours
        return pd.DatetimeIndex([init + pd.Timedelta(hours=int(hours)) for hours in back])


@dataclass(frozen=True)
class Past:
    """A storm's last frames on the target grid, without holes.

    Attributes:
        brightness: K, (time, y, x).
        points: cell centres along either axis, m.
        latitude, longitude: of the centre at each time, degrees; NaN where it is not known.
        filled: share of the cells without a measurement, filled from the nearest one.
        provenance: source, synthetic and attribution, as far as they are known.
    """

    storm: str
    times: pd.DatetimeIndex
    brightness: np.ndarray
    points: np.ndarray
    latitude: np.ndarray
    longitude: np.ndarray
    filled: float
    provenance: Mapping[str, object]


def past(observed: Observed, need: Need, init: pd.Timestamp | None = None) -> Past:
    """The history of a forecast from `init`, or from the last time that has a whole one.

    Raises:
        ValueError: a frame is missing, cannot be used, or does not cover the model's grid.
    """
    frames = _at(observed, need, init) if init is not None else _latest(observed, need)
    _check_covers(frames, need.target, observed.storm)
    weights = conservative.overlaps(
        frames.y.values, frames.x.values, need.target.points, observed.storm
    )
    images, _ = conservative.regrid(weights, frames[FRAMES].values)
    _check_filled(images, times.of(frames), observed.storm)
    return Past(
        observed.storm,
        times.of(frames),
        filled_from_nearest(images).astype(np.float32),
        need.target.points,
        frames.centre_latitude.values,
        frames.centre_longitude.values,
        float(np.isnan(images).mean()),
        observed.provenance,
    )


def _at(observed: Observed, need: Need, init: pd.Timestamp) -> xr.Dataset:
    moments = need.moments(init)
    missing = moments.difference(observed.times)
    if len(missing):
        raise ValueError(
            f"{observed.storm}: no frame of {_list(missing)}, expected {need.history} frames "
            f"{need.spacing_hours} h apart up to {_said(init)} "
            f"(frames from {_said(observed.times[0])} to {_said(observed.times[-1])}); "
            "choose another --init"
        )
    return observed.read(moments)


def _latest(observed: Observed, need: Need) -> xr.Dataset:
    """The newest whole history; a time whose frame cannot be used counts as missing."""
    usable, reasons = observed.times, []
    while True:
        whole = [init for init in usable if need.moments(init).isin(usable).all()]
        if not whole:
            break
        try:
            return observed.read(need.moments(whole[-1]))
        except UnusableError as error:
            usable = usable[usable != error.time]
            reasons.append(str(error))
    last = observed.times[-1]
    missing = need.moments(last).difference(usable)
    why = f" ({reasons[0]})" if reasons else ""
    raise ValueError(
        f"{observed.storm}: no time has {need.history} frames {need.spacing_hours} h apart up to "
        f"it; for the last, {_said(last)}, {_list(missing)} is missing{why}; add the frames"
    )


def _check_covers(frames: xr.Dataset, target: Target, name: str) -> None:
    for axis in ("y", "x"):
        have, need = grid.edges(frames[axis].values), grid.edges(target.points)
        slack = 0.1 * float(np.diff(frames[axis].values).max())
        if have[0] > need[0] + slack or have[-1] < need[-1] - slack:
            raise ValueError(
                f"{name}: {axis}: the frames reach from {have[0] / 1e3:.0f} to "
                f"{have[-1] / 1e3:.0f} km, and the model sees {need[0] / 1e3:.0f} to "
                f"{need[-1] / 1e3:.0f} km ({target.size} cells of {target.cell / 1e3:g} km); "
                "use frames of a larger area"
            )


def _check_filled(images: np.ndarray, moments: pd.DatetimeIndex, name: str) -> None:
    for moment, share in zip(moments, np.isnan(images).mean(axis=(1, 2)), strict=True):
        if share > MOST_FILLED:
            raise ValueError(
                f"{name}: {_said(moment)}: {share:.0%} of the frame is missing, expected at most "
                f"{MOST_FILLED:.0%}; choose another --init"
            )


def _list(moments: pd.DatetimeIndex) -> str:
    return ", ".join(_said(moment) for moment in moments)


def _said(moment: pd.Timestamp) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
