"""A few whole forecasts as a labelled dataset, to look at and to keep."""

from collections.abc import Mapping

import numpy as np
import xarray as xr

from nephele.evaluation.baselines import persistence
from nephele.evaluation.sampling import baseline, ensembles, history, truth
from nephele.forecasting.trained import TrainedModel
from nephele.windows.tensors import Windows

KELVIN = {"units": "K", "long_name": "infrared brightness temperature"}
# Stored in hundredths of a kelvin: far below what the instruments resolve, half the size.
PACKED = {
    "dtype": "int16",
    "scale_factor": 0.01,
    "add_offset": 250.0,
    "_FillValue": -32768,
    "zlib": True,
    "complevel": 4,
}


def one_a_storm(windows: Windows, chosen: np.ndarray, count: int) -> np.ndarray:
    """At most `count` of the windows `chosen`: the middle one of each of as many storms.

    The storms are spread evenly over those that there are, in the order of their names.
    """
    storms = windows.storm[chosen]
    names = np.unique(storms)
    kept = names[np.unique(np.linspace(0, len(names) - 1, min(count, len(names))).astype(int))]
    return np.array([_middle(chosen[storms == name]) for name in kept], dtype=int)


def whole_forecasts(
    models: Mapping[str, TrainedModel],
    windows: Windows,
    chosen: np.ndarray,
    members: int,
    seed: int,
) -> xr.Dataset:
    """Past, truth, persistence and every network's ensemble for the windows `chosen`."""
    samples = windows.samples(chosen)
    forecasts = [
        np.stack([f for f, _ in ensembles(model, windows, chosen, members, seed)])
        for model in models.values()
    ]
    still = np.stack([f[0] for f, _ in baseline(windows, chosen, persistence)])
    hours = np.array(windows.lead_hours)
    step = hours[0]
    found = xr.Dataset(
        {
            "forecast": (
                ("window", "network", "member", "lead_time", "y", "x"),
                np.stack(forecasts, axis=1).astype(np.float32),
                KELVIN,
            ),
            "past": (("window", "time", "y", "x"), history(windows, samples), KELVIN),
            "truth": (("window", "lead_time", "y", "x"), truth(windows, samples), KELVIN),
            "persistence": (("window", "lead_time", "y", "x"), still, KELVIN),
        },
        coords={
            "network": list(models),
            "member": np.arange(members),
            "lead_time": ("lead_time", hours, {"units": "hours", "long_name": "lead time"}),
            "time": (
                "time",
                step * np.arange(1 - windows.history, 1),
                {"units": "hours", "long_name": "time from the initial time"},
            ),
            "storm": ("window", windows.storm[chosen].astype(str)),
            "init_time": ("window", windows.init_time[chosen]),
        },
        attrs=_attributes(windows),
    )
    for name in found.data_vars:
        found[name].encoding = dict(PACKED)
    return found


def _middle(chosen: np.ndarray) -> int:
    return int(chosen[len(chosen) // 2])


def _attributes(windows: Windows) -> dict:
    kept = ("source", "synthetic", "environment", "attribution", "cell_km")
    return {
        "Conventions": "CF-1.11",
        "title": "Forecasts of infrared brightness temperature",
        **{key: windows.attributes[key] for key in kept if key in windows.attributes},
    }
