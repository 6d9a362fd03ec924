"""The track that fields are regridded along: a table of times and places."""

from pathlib import Path

import numpy as np
import pandas as pd

from nephele.fields import times

COLUMNS = ("time", "latitude", "longitude")
DEGREES = {"latitude": (-90.0, 90.0), "longitude": (-360.0, 360.0)}


def read(path: Path) -> pd.DataFrame:
    """Latitude and longitude, degrees, by time (UTC), of a CSV file.

    Raises:
        ValueError: it is no such table, has no rows, no place somewhere, or times out of order.
    """
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: {_EXPECTED} ({error}); write one") from None
    if absent := [name for name in COLUMNS if name not in table]:
        found = ", ".join(map(str, table.columns))
        raise ValueError(f"{path}: {absent[0]} is missing, found {found}; {_EXPECTED}: add it")
    try:
        moments = pd.DatetimeIndex(pd.to_datetime(table["time"], utc=True)).tz_localize(None)
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"{path}: time: {str(error).splitlines()[0]}; expected such as 2007-10-03T00:00, UTC; "
            "correct it"
        ) from None
    times.check(moments, str(path))
    places = {name: _degrees(path, name, table[name]) for name in DEGREES}
    return pd.DataFrame(places, index=pd.DatetimeIndex(moments, name="time"))


def _degrees(path: Path, name: str, column: pd.Series) -> np.ndarray:
    values = pd.to_numeric(column, errors="coerce").to_numpy(float)
    low, high = DEGREES[name]
    wrong = ~((values >= low) & (values <= high))
    if wrong.any():
        row = int(wrong.argmax())
        raise ValueError(
            f"{path}: {name}: found {column.iloc[row]} in row {row + 1}, expected degrees from "
            f"{low:g} to {high:g}; correct it"
        )
    return values


_EXPECTED = "expected a table with the columns time, latitude and longitude, a row for each frame"
