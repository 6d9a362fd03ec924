"""One storm of the synthetic world, from its seed to its frames."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from nephele.fields import grid
from nephele.world import clouds
from nephele.world.anomalies import Intervention, anomalies, responses, shown
from nephele.world.drivers import DRIVERS, MEMORY, STEP_HOURS
from nephele.world.storm import Track, track
from nephele.world.streams import stream
from nephele.world.wind import Wind, wind

SPIN_UP = 12  # steps before the first frame: the random part forgets how it started
FIRST_YEAR = 2001


@dataclass(frozen=True)
class Step:
    """One step of a run.

    Attributes:
        drivers: all that differs between runs of one storm.
        index: of the clouds, (y, x) of the sheet.
        kelvin: the frame, (y, x); none in the spin-up.
    """

    drivers: tuple[float, ...]
    index: np.ndarray
    kelvin: np.ndarray | None


def simulate(
    seed: int,
    storm: int,
    frames: int,
    interventions: Mapping[str, Intervention] | None = None,
) -> xr.Dataset:
    """Simulate one storm; see `run`."""
    return run(seed, storm, frames, interventions)[0]


def run(
    seed: int,
    storm: int,
    frames: int,
    interventions: Mapping[str, Intervention] | None = None,
    before: Sequence[Step] = (),
) -> tuple[xr.Dataset, list[Step]]:
    """Simulate one storm. The same arguments give the same bits.

    An intervention leaves every random draw as it was; see `Intervention`.

    Args:
        before: steps of another run of this storm; as long as both are driven alike, they are
            taken from there.

    Returns:
        The storm and its steps. Of the storm,
        brightness_temperature (time, y, x) in K with x, y in m about the centre, and along
        time centre_latitude, centre_longitude (degrees), intensity (0 to 1),
        pressure_deficit (Pa); anomaly and response (variable, time), standardised;
        attribute core_radius (m).
    """
    if frames < 1:
        raise ValueError(f"frames = {frames}; expected at least one")
    series = anomalies(seed, storm, SPIN_UP, frames, interventions)
    acting = responses(series)
    ridge = DRIVERS["z"].scale * series["z"][MEMORY:]
    path = track(seed, storm, ridge, acting)
    untouched = anomalies(seed, storm, SPIN_UP, frames)
    seen = shown(series, untouched, SPIN_UP, interventions)
    steps = _steps(seed, storm, path, acting, seen, before)
    kelvin = np.stack([step.kelvin for step in steps if step.kelvin is not None])
    return _labelled(kelvin, seed, storm, path, series, acting), steps


def _steps(
    seed: int,
    storm: int,
    path: Track,
    acting: Mapping[str, np.ndarray],
    seen: Mapping[str, np.ndarray],
    before: Sequence[Step],
) -> list[Step]:
    random = stream(seed, storm, "bands")
    place = clouds.sheet(orientation=random.uniform(0, np.pi))
    phase, arms = random.uniform(0, 2 * np.pi), int(random.integers(1, 3))
    drift = 2 * np.pi * STEP_HOURS / random.uniform(14, 26)  # bands turn once in 14 to 26 h
    steps = np.arange(len(path.intensity))
    tail = random.uniform(0, 2 * np.pi) + random.uniform(-0.12, 0.12) * steps  # radians

    made: list[Step] = []
    alike = True
    for now, strength in enumerate(path.intensity):
        effects = {name: float(values[now]) for name, values in acting.items()}
        announced = {name: float(values[now]) for name, values in seen.items()}
        storm_now = strength, path.core, path.deficit[now], path.latitude[now]
        drivers = (*map(float, storm_now), *effects.values(), *announced.values())
        alike = alike and now < len(before) and before[now].drivers == drivers
        if alike:
            made.append(before[now])
            continue
        bands = clouds.spiral_bands(place, phase + arms * drift * now, arms, tail[now], strength)
        held = clouds.equilibrium(place, strength, effects, bands)
        texture_now = stream(seed, storm, "texture", now)
        start = made[-1].index if made else held
        wind_now = _wind(path, now, effects["z"])
        lively = clouds.liveliness(place, announced)
        index = clouds.step(place, start, held, wind_now, lively, texture_now)
        kelvin = None
        if now >= SPIN_UP:
            warm = clouds.with_eye(clouds.temperature(index), place, strength, path.core)
            kelvin = clouds.cropped(warm)
        made.append(Step(drivers, index, kelvin))
    return made


def _wind(path: Track, now: int, ridge: float) -> Wind:
    # A stronger ridge is an easterly shear; without one, westerlies aloft shear the storm.
    shear = np.array([1.5, 0.8]) - np.array([0.8, 0.6]) * ridge
    return wind(path.deficit[now], path.core, path.latitude[now], path.intensity[now], shear)


def times(seed: int, storm: int, frames: int) -> np.ndarray:
    """Valid times of the frames: from some day between July and October, one storm a fortnight."""
    day = int(stream(seed, storm, "season").integers(0, 110))
    year = np.datetime64(str(FIRST_YEAR + storm % 20), "Y").astype("datetime64[M]") + 6
    start = year.astype("datetime64[D]") + np.timedelta64(day, "D")
    return start.astype("datetime64[ns]") + np.arange(frames) * np.timedelta64(
        round(STEP_HOURS * 3600), "s"
    )


def _labelled(
    kelvin: np.ndarray,
    seed: int,
    storm: int,
    path: Track,
    series: Mapping[str, np.ndarray],
    acting: Mapping[str, np.ndarray],
) -> xr.Dataset:
    axis = grid.centres(clouds.SIZE, clouds.CELL)
    shown = slice(SPIN_UP, None)
    past = MEMORY + SPIN_UP
    return xr.Dataset(
        {
            "brightness_temperature": (("time", "y", "x"), kelvin, {"units": "K"}),
            "intensity": ("time", path.intensity[shown]),
            "pressure_deficit": ("time", path.deficit[shown], {"units": "Pa"}),
            "anomaly": (("variable", "time"), np.stack([series[v][past:] for v in DRIVERS])),
            "response": (("variable", "time"), np.stack([acting[v][shown] for v in DRIVERS])),
        },
        coords={
            "time": times(seed, storm, len(kelvin)),
            "y": ("y", axis, {"units": "m"}),
            "x": ("x", axis, {"units": "m"}),
            "variable": list(DRIVERS),
            "centre_latitude": ("time", path.latitude[shown]),
            "centre_longitude": ("time", path.longitude[shown]),
        },
        attrs={"title": "SYNTHETIC", "core_radius": path.core},
    )
