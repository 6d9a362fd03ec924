"""The storm: where it goes, how strong it is, and the wind in balance with its pressure."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from nephele.world import climatology
from nephele.world.drivers import STEP_HOURS
from nephele.world.streams import stream

AIR_DENSITY = 1.15  # kg m-3, at the sea surface
SHAPE = 1.3  # Holland's B
DEEPEST = 8500.0  # Pa, pressure deficit of the strongest storm
SHALLOWEST = 800.0  # Pa
METRES_PER_DEGREE = 111_195.0
BETA_DRIFT = np.array([-1.0, 1.6])  # m s-1 eastward, northward
TRACK_NOISE = 0.9  # m s-1
SPIN_UP_TIME = 30.0  # h, over which the intensity follows what the environment allows


@dataclass(frozen=True)
class Track:
    """A storm's life, every array of shape (step,).

    Attributes:
        latitude, longitude: degrees, of the centre.
        intensity: 0 to 1.
        deficit: Pa, the centre's pressure below its surroundings.
        core: m, radius of the strongest wind.
    """

    latitude: np.ndarray
    longitude: np.ndarray
    intensity: np.ndarray
    deficit: np.ndarray
    core: float


def track(
    seed: int,
    storm: int,
    ridge: np.ndarray,
    responses: Mapping[str, np.ndarray],
) -> Track:
    """Steer a storm through the large-scale `ridge` (standardised z anomaly), step by step."""
    random = stream(seed, storm, "track")
    start = np.array([random.uniform(13.0, 20.0), random.uniform(132.0, 155.0)])
    core = random.uniform(35e3, 60e3)
    first, usual = random.uniform(0.3, 0.6), random.uniform(0.55, 0.85)
    # Drawn last, so that a longer life begins as a shorter one.
    wander = _smooth(random.standard_normal((len(ridge), 2))) * TRACK_NOISE
    fickle = _smooth(stream(seed, storm, "intensity").standard_normal((len(ridge), 1)))[:, 0]
    potential = usual + 0.12 * fickle + 0.10 * responses["sst"]

    places, intensities = [start], [first]
    for step in range(len(ridge) - 1):
        places.append(_move(places[-1], ridge[step], wander[step]))
        allowed = potential[step] * climatology.support(*places[-1])
        change = (allowed - intensities[-1]) * STEP_HOURS / SPIN_UP_TIME
        intensities.append(float(np.clip(intensities[-1] + change, 0.05, 1.0)))
    latitude, longitude = np.array(places).T
    intensity = np.array(intensities)
    deficit = SHALLOWEST + (DEEPEST - SHALLOWEST) * intensity**1.5
    return Track(latitude, longitude, intensity, deficit, core)


def pressure_drop(radius: np.ndarray, deficit: float, core: float) -> np.ndarray:
    """Pa below the surroundings at `radius` (m), Holland (1980), equation 1."""
    return deficit * (1 - np.exp(-((core / np.maximum(radius, 1.0)) ** SHAPE)))


def tangential_wind(radius: np.ndarray, deficit: float, core: float, latitude: float) -> np.ndarray:
    """m s-1 in gradient balance with `pressure_drop`, Holland (1980), equation 4."""
    safe = np.maximum(radius, 1.0)
    ratio = (core / safe) ** SHAPE
    half = safe * climatology.coriolis(latitude) / 2
    return np.sqrt(SHAPE * deficit / AIR_DENSITY * ratio * np.exp(-ratio) + half**2) - half


def _move(place: np.ndarray, ridge: float, wander: np.ndarray) -> np.ndarray:
    latitude, longitude = place
    east, north = climatology.steering(latitude, ridge) + BETA_DRIFT + wander
    seconds = STEP_HOURS * 3600
    return np.array(
        [
            latitude + north * seconds / METRES_PER_DEGREE,
            longitude + east * seconds / METRES_PER_DEGREE / np.cos(np.deg2rad(latitude)),
        ]
    )


def _smooth(noise: np.ndarray) -> np.ndarray:
    """AR(1) along the first axis with unit variance and a memory of about a day."""
    persistence = np.exp(-STEP_HOURS / 24.0)
    smooth = noise.copy()
    for step in range(1, len(noise)):
        smooth[step] = persistence * smooth[step - 1] + np.sqrt(1 - persistence**2) * noise[step]
    return smooth
