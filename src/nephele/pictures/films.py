"""The forecasts that verification kept, as moving pictures: at most one a storm."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr

from nephele.pictures.animations import Forecast, animation, film_strip

NETWORK = "student"  # the one that forecasts where there is no ERA5


@dataclass(frozen=True)
class Film:
    name: str  # of a file, without its ending
    caption: str
    animation: bytes  # animated PNG
    still: bytes  # PNG


def films(kept: xr.Dataset, count: int, synthetic: bool) -> list[Film]:
    """The student's forecasts of the first window of each storm, `count` at most.

    Args:
        kept: K; `forecast` (window, network, member, lead_time, y, x), `truth` and
            `persistence` (window, lead_time, y, x), `past` (window, time, y, x); coordinates
            storm and init_time of the window, lead_time and time in hours or as durations.
        count: how many, where there are as many storms.
        synthetic: say so in each picture.
    """
    label = "SYNTHETIC: a simulated world" if synthetic else ""
    forecasts = _forecasts(kept, count, label)
    return [_film(f"forecast_{number}", one) for number, one in enumerate(forecasts, start=1)]


def _forecasts(kept: xr.Dataset, count: int, label: str) -> Iterator[Forecast]:
    storms = kept.storm.values.astype(str)
    _, first = np.unique(storms, return_index=True)
    for window in sorted(first)[:count]:
        one = kept.isel(window=window)
        ensemble = one.forecast.sel(network=NETWORK).transpose("member", "lead_time", "y", "x")
        yield Forecast(
            storm=str(storms[window]),
            network=NETWORK,
            init_time=one.init_time.values.astype("datetime64[ns]")[()],
            past_hours=_hours(one.time),
            past=one.past.transpose("time", "y", "x").values,
            lead_hours=_hours(one.lead_time),
            truth=one.truth.transpose("lead_time", "y", "x").values,
            mean=ensemble.mean("member").values,
            members=ensemble.isel(member=slice(0, 2)).values,
            persistence=one.persistence.transpose("lead_time", "y", "x").values,
            label=label,
        )


def _film(name: str, forecast: Forecast) -> Film:
    init = str(forecast.init_time.astype("datetime64[h]"))
    return Film(
        name=name,
        caption=(
            f"Storm {forecast.storm} from {init.replace('T', ' ')} UTC. Look at where the cold "
            "cloud (coloured) goes and whether it grows: persistence holds the last frame, each "
            "member moves it in its own way, and their mean fades where they disagree."
        ),
        animation=animation(forecast),
        still=film_strip(forecast),
    )


def _hours(times: xr.DataArray) -> list[float]:
    values = times.values
    if np.issubdtype(values.dtype, np.timedelta64):
        values = values / np.timedelta64(1, "h")
    return [float(hours) for hours in values]
