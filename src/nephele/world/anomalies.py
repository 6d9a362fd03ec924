"""The large-scale anomaly of each variable, one number a scene, and what acts of it, and when."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter

from nephele.world.drivers import DRIVERS, MEMORY, Driver, response_deviation
from nephele.world.streams import stream


@dataclass(frozen=True)
class Intervention:
    """From frame `since` on, a variable's anomaly is moved towards another value.

    Attributes:
        since: frame number; earlier frames, and this one, stay as they were.
        anomaly: in standard deviations, one value or one a frame from `since` on;
            0 is climatology.
        towards: 1 replaces, ½ goes half of the way, 0 leaves everything as it was.
    """

    since: int
    anomaly: float | np.ndarray = 0.0
    towards: float = 1.0


def anomalies(
    seed: int,
    storm: int,
    spin_up: int,
    frames: int,
    interventions: Mapping[str, Intervention] | None = None,
) -> dict[str, np.ndarray]:
    """Standardised anomaly of each variable, shape (MEMORY + spin_up + frames,)."""
    before = MEMORY + spin_up
    series = {
        name: _autoregressive(stream(seed, storm, f"anomaly {name}"), driver, before + frames)
        for name, driver in DRIVERS.items()
    }
    for name, intervention in (interventions or {}).items():
        if name not in series:
            raise ValueError(f"no variable {name!r} to intervene on; known: {sorted(series)}")
        series[name] = _intervene(series[name], before, intervention)
    return series


def responses(series: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What acts on the clouds: lagged sums of unit variance, shape (spin_up + frames,)."""
    return {
        name: np.convolve(series[name], driver.lags)[MEMORY : len(series[name])]
        / response_deviation(driver)
        for name, driver in DRIVERS.items()
    }


def shown(
    series: Mapping[str, np.ndarray],
    untouched: Mapping[str, np.ndarray],
    spin_up: int,
    interventions: Mapping[str, Intervention] | None = None,
) -> dict[str, np.ndarray]:
    """What frames show of each anomaly itself, at once, shape (spin_up + frames,).

    The frame at which an intervention begins has been seen before it: it shows the `untouched`.
    """
    found = {name: values[MEMORY:].copy() for name, values in series.items()}
    for name, intervention in (interventions or {}).items():
        seen = spin_up + intervention.since + 1
        found[name][:seen] = untouched[name][MEMORY:][:seen]
    return found


def _autoregressive(random: np.random.Generator, driver: Driver, length: int) -> np.ndarray:
    noise = random.standard_normal(length)
    noise[1:] *= np.sqrt(1 - driver.persistence**2)  # stationary from the first value on
    return lfilter([1.0], [1.0, -driver.persistence], noise)


def _intervene(values: np.ndarray, before: int, intervention: Intervention) -> np.ndarray:
    if not 0 <= intervention.since < len(values) - before:
        raise ValueError(
            f"intervention since frame {intervention.since}; expected 0 to "
            f"{len(values) - before - 1}"
        )
    changed = values.copy()
    part = changed[before + intervention.since :]
    part += intervention.towards * (intervention.anomaly - part)
    return changed
