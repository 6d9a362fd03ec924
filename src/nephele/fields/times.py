"""Times of a series: increasing, unique, and which field is known at which moment."""

import numpy as np
import pandas as pd
import xarray as xr

HOUR = pd.Timedelta(hours=1)
# ERA5 is analysed every hour and often downloaded every six; an older field is a gap, not the state
# at the frame.
ERA5_AGE = pd.Timedelta(hours=6)


def of(fields: xr.Dataset) -> pd.DatetimeIndex:
    """The times of `fields`."""
    return pd.DatetimeIndex(fields["time"].values)


def check(times: pd.DatetimeIndex, name: str) -> None:
    """Refuse times that are missing, repeated or out of order; `name` is their file.

    Raises:
        ValueError: naming the first time at fault.
    """
    if len(times) == 0:
        raise ValueError(f"{name}: time: there is none, expected at least one; acquire it again")
    if times.hasnans:
        raise ValueError(f"{name}: time: found a missing time, expected none; remove that entry")
    steps = np.diff(times.values)
    if (steps == np.timedelta64(0)).any() or times.has_duplicates:
        twice = times[times.duplicated()][0]
        raise ValueError(
            f"{name}: time: {twice:%Y-%m-%d %H:%M} stands there more than once, "
            "expected every time once; remove the repetition"
        )
    if (steps < np.timedelta64(0)).any():
        first = int(np.argmax(steps < np.timedelta64(0)))
        raise ValueError(
            f"{name}: time: {times[first + 1]:%Y-%m-%d %H:%M} comes after "
            f"{times[first]:%Y-%m-%d %H:%M}, expected increasing times; sort the file by time"
        )


def latest(
    known: pd.DatetimeIndex, wanted: pd.DatetimeIndex, name: str, age: pd.Timedelta
) -> np.ndarray:
    """Index of the latest time of `known` at or before each time of `wanted`, at most `age` old.

    Never interpolated: a forecast must not see a field of the future.

    Raises:
        ValueError: a wanted time has no such field.
    """
    index = known.searchsorted(wanted, side="right") - 1
    late = (index < 0) | (wanted - known[np.maximum(index, 0)] > age)
    if late.any():
        raise ValueError(
            f"{name}: time: found {known[0]:%Y-%m-%d %H:%M} to {known[-1]:%Y-%m-%d %H:%M}, "
            f"expected a field at most {age / HOUR:.0f} h before each frame, and there is none for "
            f"{wanted[late][0]:%Y-%m-%d %H:%M} ({int(late.sum())} of {len(wanted)} frames); "
            "download these times too, or use the archive's climatology"
        )
    return index
