"""What is asked of ERA5 for a storm, and how it is cut into pieces that a source can deliver."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import groupby

import pandas as pd

# Short name → the name that both the Climate Data Store and ARCO-ERA5 have for it.
NAMES = {
    "sst": "sea_surface_temperature",
    "msl": "mean_sea_level_pressure",
    "z": "geopotential",
    "r": "relative_humidity",
    "t": "temperature",
    "u": "u_component_of_wind",
    "v": "v_component_of_wind",
    "q": "specific_humidity",
}
GRID = 0.25  # degrees between ERA5's points, as both sources have them

Times = tuple[pd.Timestamp, ...]


@dataclass(frozen=True)
class Area:
    """Degrees, multiples of GRID; west and east in 0 to 360, west below east."""

    north: float
    west: float
    south: float
    east: float


@dataclass(frozen=True)
class Part:
    """Variables by short name, one or more of ERA5's levels in hPa (none: surface), in one file."""

    variables: tuple[str, ...]
    levels: tuple[int, ...]
    times: Times
    area: Area

    @property
    def name(self) -> str:
        """A file name that tells the parts of a storm from each other."""
        levels = "_".join(map(str, self.levels)) + "_hpa" if self.levels else "single_levels"
        return f"{levels}_{self.times[0]:%Y%m%d%H}-{self.times[-1]:%Y%m%d%H}.nc"


def monthly(variables: Mapping[str, int | None], times: Times, area: Area) -> list[Part]:
    """Parts as the Climate Data Store likes them: one level and one month each."""
    by_level: dict[int | None, tuple[str, ...]] = {}
    for name, level in variables.items():
        by_level[level] = (*by_level.get(level, ()), name)
    return [
        Part(names, () if level is None else (level,), month, area)
        for month in _grouped(times, "%Y-%m")
        for level, names in by_level.items()
    ]


def halves(part: Part) -> tuple[Part, Part] | None:
    """`part` cut between two days, or within its only one; None where there is one time only."""
    if len(part.times) == 1:
        return None
    days = _grouped(part.times, "%Y-%m-%d")
    pieces = days if len(days) > 1 else [(time,) for time in part.times]
    middle = len(pieces) // 2
    early, late = (sum(side, ()) for side in (pieces[:middle], pieces[middle:]))
    return replace(part, times=early), replace(part, times=late)


def daily(
    variables: tuple[str, ...], levels: tuple[int, ...], times: Times, area: Area
) -> list[Part]:
    """Parts as a store of hourly chunks likes them: all variables of one day each."""
    return [Part(variables, levels, day, area) for day in _grouped(times, "%Y-%m-%d")]


def _grouped(times: Times, form: str) -> list[Times]:
    return [tuple(group) for _, group in groupby(times, key=lambda time: time.strftime(form))]
