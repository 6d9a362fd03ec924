"""A forecast as a CF dataset: members, what they have in common, and what they came from."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import xarray as xr

from nephele.fields import grid
from nephele.fields.variables import FRAMES, VARIABLES
from nephele.products.initial import Past

COLD = 235.0  # K: colder cloud is high, as in the verification
STEP, OFFSET = 0.01, 250.0  # K: temperatures are stored as whole hundredths
PACKED = {"dtype": "int16", "scale_factor": STEP, "_FillValue": -32768}
SMALL = {"zlib": True, "complevel": 4, "shuffle": True}
FRAME_OF_REFERENCE = (
    "x and y are distances from the storm's centre, and the plane moves with the storm: "
    "latitude_of_projection_origin and longitude_of_projection_origin are the centre at init_time. "
    "Where the centre will be at later times is not forecast: above lead time zero only the "
    "distances hold, not the latitudes and longitudes that this origin gives"
)
ENSEMBLE = ("member", "lead_time", "y", "x")
ENSEMBLE_FIELDS = (FRAMES, "ensemble_mean", "ensemble_spread", "probability_of_cold_cloud")
ON_SCALE = {"units_metadata": "temperature: on_scale"}
CLOCK = {"units_metadata": "leap_seconds: none"}


def labelled(
    past: Past, ensemble: np.ndarray, lead_hours: Sequence[int], attributes: Mapping[str, object]
) -> xr.Dataset:
    """The forecast with its coordinates, ready to be written.

    Mean, spread and probability are those of the members as they are stored, so that a reader
    who works them out again finds the same.

    Args:
        ensemble: K, (member, lead, y, x).
        attributes: of the dataset: where the forecast comes from.
    """
    members = OFFSET + STEP * np.rint((ensemble.astype(np.float64) - OFFSET) / STEP)
    dims = ENSEMBLE[1:]
    forecast = xr.Dataset(
        {
            FRAMES: (ENSEMBLE, members),
            "ensemble_mean": (dims, members.mean(axis=0)),
            "ensemble_spread": (dims, members.std(axis=0, ddof=1)),
            "probability_of_cold_cloud": (dims, (members < COLD).mean(axis=0).astype(np.float32)),
            "observed_brightness_temperature": (("time", "y", "x"), past.brightness),
        },
        coords=_coordinates(past, len(members), lead_hours),
        attrs={"Conventions": "CF-1.11", "storm": past.storm, **attributes},
    )
    for name, text in _texts().items():
        forecast[name].attrs = text
    forecast = forecast.assign(projection=((), np.int8(0), _projection(past)))
    if np.isfinite(past.latitude[-1]):
        forecast = forecast.assign_coords(_positions(past))
    return _encoded(forecast)


def _coordinates(past: Past, members: int, lead_hours: Sequence[int]) -> dict:
    init = past.times[-1]
    valid = init + pd.to_timedelta(np.asarray(lead_hours), unit="h")
    axis = {"units": "m", "long_name": "distance {}ward from the storm's centre"}
    y, x = (
        {**axis, "long_name": axis["long_name"].format(way), "standard_name": name}
        for way, name in (("north", "projection_y_coordinate"), ("east", "projection_x_coordinate"))
    )
    member = {"standard_name": "realization", "units": "1", "long_name": "member of the ensemble"}
    lead = {"standard_name": "forecast_period", "units": "hours", "long_name": "lead time"}
    reference, valid_at, seen_at = (
        {"standard_name": name, "long_name": text, **CLOCK}
        for name, text in (
            ("forecast_reference_time", "initial time"),
            ("time", "valid time"),
            ("time", "time of observation"),
        )
    )
    threshold = {**ON_SCALE, "units": "K", "standard_name": VARIABLES[FRAMES].standard_name}
    coordinates = {
        "member": ("member", np.arange(members, dtype=np.int32), member),
        "lead_time": ("lead_time", np.asarray(lead_hours, np.int32), lead),
        "y": ("y", past.points, {**y, "axis": "Y"}),
        "x": ("x", past.points, {**x, "axis": "X"}),
        "time": ("time", past.times, seen_at),
        "valid_time": ("lead_time", valid, valid_at),
        "init_time": ((), init.to_datetime64(), reference),
        "threshold": ((), COLD, threshold),
    }
    if np.isfinite(past.latitude).all():
        coordinates |= {
            "centre_latitude": ("time", past.latitude, {"units": "degrees_north"}),
            "centre_longitude": ("time", past.longitude, {"units": "degrees_east"}),
        }
        for name in ("latitude", "longitude"):
            coordinates[f"centre_{name}"][2]["long_name"] = f"{name} of the storm's centre"
    return coordinates


def _texts() -> dict[str, dict[str, str]]:
    variable = VARIABLES[FRAMES]
    temperature = {
        "units": variable.units,
        **ON_SCALE,
        "standard_name": variable.standard_name,
        "grid_mapping": "projection",
    }
    return {
        FRAMES: temperature | {"long_name": f"{variable.long_name}, forecast"},
        "ensemble_mean": temperature
        | {"long_name": "mean of the members", "cell_methods": "realization: mean"},
        "ensemble_spread": temperature
        | {
            "long_name": "standard deviation of the members",
            "cell_methods": "realization: standard_deviation",
            "units_metadata": "temperature: difference",
            "comment": "of the sample: divided by the number of members less one",
        },
        "probability_of_cold_cloud": {
            "units": "1",
            "long_name": f"probability of a brightness temperature below {COLD:.0f} K",
            "grid_mapping": "projection",
            "comment": "the share of the members below the threshold; not calibrated",
        },
        "observed_brightness_temperature": temperature
        | {"long_name": f"{variable.long_name}, observed: what the forecast was made from"},
    }


def _projection(past: Past) -> dict[str, object]:
    attributes = grid.attributes() | {"comment": FRAME_OF_REFERENCE}
    if np.isfinite(past.latitude[-1]):
        attributes["latitude_of_projection_origin"] = float(past.latitude[-1])
        attributes["longitude_of_projection_origin"] = float(past.longitude[-1])
    return attributes


def _positions(past: Past) -> dict[str, tuple]:
    """Where the cells lie at the initial time; a coordinate, under a name that says so."""
    places = grid.positions(past.points, past.points, past.latitude[-1:], past.longitude[-1:])
    return {
        f"{name}_at_init": (
            ("y", "x"),
            values[0],
            {"standard_name": name, "units": units, **_at_init(name)},
        )
        for name, units, values in zip(
            ("latitude", "longitude"), ("degrees_north", "degrees_east"), places, strict=True
        )
    }


def _at_init(name: str) -> dict[str, str]:
    return {
        "long_name": f"{name} of the cell at the initial time",
        "comment": "at later valid times the grid has moved on with the storm, by an unknown way",
    }


def _encoded(forecast: xr.Dataset) -> xr.Dataset:
    """Packed, compressed, and with only those coordinates at a variable that belong to it."""
    past = " ".join(str(name) for name in forecast.coords if str(name).startswith("centre_"))
    for name in forecast.variables:
        forecast[name].encoding = {"_FillValue": None}
    for name in (FRAMES, "ensemble_mean", "observed_brightness_temperature"):
        forecast[name].encoding = {**PACKED, "add_offset": OFFSET, **SMALL}
    forecast["ensemble_spread"].encoding = {**PACKED, **SMALL}
    forecast["probability_of_cold_cloud"].encoding = {"_FillValue": None, **SMALL}
    places = [name for name in ("latitude_at_init", "longitude_at_init") if name in forecast]
    for name in ENSEMBLE_FIELDS:
        forecast[name].encoding["coordinates"] = " ".join(["valid_time", "init_time", *places])
    forecast["probability_of_cold_cloud"].encoding["coordinates"] += " threshold"
    if past:
        forecast["observed_brightness_temperature"].encoding["coordinates"] = past
    for name in ("time", "valid_time", "init_time"):
        forecast[name].encoding |= {"units": "seconds since 1970-01-01", "dtype": "int64"}
    for name in places:
        forecast[name].encoding |= {"dtype": "float32", **SMALL}
    return forecast
