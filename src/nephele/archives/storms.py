"""What a reader hands over: one storm's frames and fields, and what it left out."""

from dataclasses import dataclass

import pandas as pd
import xarray as xr


@dataclass(frozen=True)
class Dropped:
    """A frame that was left out, and why; or a time at which there is none."""

    storm: str
    time: str  # ISO 8601
    file: str  # its name; empty where there is no file
    reason: str  # in the first words, before a colon, what kind of fault it is


@dataclass(frozen=True)
class Storm:
    """A storm as the contract has it; see nephele.fields.contract for both datasets."""

    name: str
    frames: xr.Dataset
    era5: xr.Dataset
    dropped: tuple[Dropped, ...] = ()


def table(dropped: list[Dropped]) -> pd.DataFrame:
    """One row a frame, in the order of storm and time."""
    rows = [(d.storm, d.time, d.file, d.reason) for d in dropped]
    columns = ["storm", "time", "file", "reason"]
    return pd.DataFrame(rows, columns=columns).sort_values(["storm", "time"], ignore_index=True)
