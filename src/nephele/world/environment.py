"""The environment as ERA5 would show it: climate, the scene's anomaly, the storm, smaller waves."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from nephele.fields import grid
from nephele.fields.variables import GRAVITY, VARIABLES, standard_height
from nephele.world import climatology, clouds
from nephele.world.drivers import DRIVERS
from nephele.world.storm import AIR_DENSITY, pressure_drop
from nephele.world.streams import stream

LEVELS: dict[str, int | None] = {"sst": None, "msl": None, "z": 850, "r": 200}  # where they act
SPACING = 1.0  # degrees
MARGIN = 2.0  # degrees beyond the frames
WAVES = 8
WAVE_SHARE = 0.35  # standard deviation of the waves in units of the anomaly's
WAVELENGTHS = (15.0, 40.0)  # degrees
WAVE_SPEED = 0.12  # degrees per hour, westward
COLUMN_SHARE = 0.85  # of the surface's pressure drop that is left at 850 hPa
FREEZING_SEA = 271.35  # K
OUTFLOW_MOISTURE = 18.0  # % that the storm's outflow adds to r above it
OUTFLOW_RADIUS = 500e3  # m
R_PER_HPA = 25.0 / 650.0  # %, moister towards the surface


@dataclass(frozen=True)
class _Waves:
    """Smaller structures, that tell nothing: plane waves that drift west, unit variance."""

    east: np.ndarray  # cycles per degree
    north: np.ndarray
    phase: np.ndarray

    def at(self, latitude: np.ndarray, longitude: np.ndarray, hours: float) -> np.ndarray:
        moved = longitude + WAVE_SPEED * hours
        angle = self.east[:, None, None] * moved + self.north[:, None, None] * latitude[:, None]
        return np.cos(2 * np.pi * angle + self.phase[:, None, None]).sum(0) * np.sqrt(2 / WAVES)


def environment(storm: xr.Dataset, seed: int, number: int) -> xr.Dataset:
    """sst, msl, z (850 hPa) and r (200 hPa) around a simulated storm, at its frames' times.

    Args:
        storm: what `simulate` returned for `seed` and storm `number`.

    Returns:
        each variable (time, latitude, longitude), float32, both axes increasing, on a box that
        holds every frame with a margin; sst is NaN on land.
    """
    latitude, longitude = _box(storm)
    waves = {name: _waves(seed, number, name) for name in DRIVERS}
    shape = (storm.sizes["time"], len(latitude), len(longitude))
    fields = {name: np.empty(shape, np.float32) for name in DRIVERS}
    start = storm["time"].values[0]
    for now, time in enumerate(storm["time"].values):
        hours = float((time - start) / np.timedelta64(1, "h"))
        wave = {name: w.at(latitude, longitude, hours) for name, w in waves.items()}
        for name, values in _fields(storm.isel(time=now), latitude, longitude, wave).items():
            fields[name][now] = values
    return xr.Dataset(
        {
            name: (
                ("time", "latitude", "longitude"),
                values,
                {"units": VARIABLES[name].units, "level": LEVELS[name] or 0},
            )
            for name, values in fields.items()
        },
        coords={"time": storm["time"].values, "latitude": latitude, "longitude": longitude},
    )


def on_level(fields: xr.Dataset, name: str, level: int) -> xr.DataArray:
    """z or r on another pressure level: shifted as in a standard column, the anomaly kept."""
    own = LEVELS[name]
    if own is None:
        raise ValueError(f"{name} is a surface variable, and was asked for at {level} hPa")
    if name == "z":
        shift = GRAVITY * (standard_height(float(level)) - standard_height(float(own)))
        return fields["z"] + np.float32(shift)
    return (fields["r"] + np.float32(R_PER_HPA * (level - own))).clip(1.0, 110.0)


def _fields(
    now: xr.Dataset, latitude: np.ndarray, longitude: np.ndarray, waves: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """The four variables at one time, shape (latitude, longitude)."""
    east, north = grid.to_plane(
        latitude[:, None],
        longitude[None, :],
        now["centre_latitude"].values,
        now["centre_longitude"].values,
    )
    radius = np.hypot(east, north)
    drop = pressure_drop(radius, float(now["pressure_deficit"]), now.attrs["core_radius"])
    # A low fills outwards; without this, Holland's tail would still be felt 2000 km away.
    drop = drop * np.exp(-((radius / 1.2e6) ** 2))
    moisture = float(now["intensity"]) * np.exp(-((radius / OUTFLOW_RADIUS) ** 2))

    mean = climatology.mean_fields(latitude[:, None], longitude[None, :])
    scale = {name: driver.scale for name, driver in DRIVERS.items()}
    anomaly = {name: float(now["anomaly"].sel(variable=name)) for name in DRIVERS}
    shape = {name: np.ones_like(north) for name in DRIVERS} | {"z": climatology.tilt(north)}
    found = {
        name: mean[name] + scale[name] * (anomaly[name] * shape[name] + WAVE_SHARE * waves[name])
        for name in DRIVERS
    }
    found["msl"] -= drop
    found["z"] -= COLUMN_SHARE * drop / AIR_DENSITY
    found["r"] = np.clip(found["r"] + OUTFLOW_MOISTURE * moisture, 1.0, 110.0)
    sea = ~climatology.is_land(latitude[:, None], longitude[None, :])
    found["sst"] = np.where(sea, np.maximum(found["sst"], FREEZING_SEA), np.nan)
    return found


def _box(storm: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Whole degrees around every frame of the storm, increasing."""
    half = clouds.SIZE * clouds.CELL / 2
    edge = np.linspace(-half, half, 9)
    x = np.concatenate([edge, edge, np.full(9, -half), np.full(9, half)])
    y = np.concatenate([np.full(9, -half), np.full(9, half), edge, edge])
    centre = storm["centre_latitude"].values[:, None], storm["centre_longitude"].values[:, None]
    latitude, longitude = grid.to_sphere(x[None], y[None], *centre)
    return _axis(latitude), _axis(longitude)


def _axis(values: np.ndarray) -> np.ndarray:
    first = np.floor(values.min() - MARGIN)
    last = np.ceil(values.max() + MARGIN)
    return np.arange(first, last + SPACING / 2, SPACING)


def _waves(seed: int, number: int, name: str) -> _Waves:
    random = stream(seed, number, f"waves {name}")
    direction = random.uniform(0, 2 * np.pi, WAVES)
    wavelength = random.uniform(*WAVELENGTHS, WAVES)
    phase = random.uniform(0, 2 * np.pi, WAVES)
    return _Waves(np.cos(direction) / wavelength, np.sin(direction) / wavelength, phase)
