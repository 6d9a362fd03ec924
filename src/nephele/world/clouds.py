"""The cloud index: what the environment holds it to, and how wind and chance move it.

The index is a standardised cloud-top height: about unit variance over all frames, high where
tops are high and cold. `temperature` turns it into brightness temperature.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator
from scipy.ndimage import map_coordinates

from nephele.fields import grid
from nephele.world import texture
from nephele.world.drivers import DRIVERS, STEP_HOURS
from nephele.world.wind import Wind

Plane = NDArray[np.float32]

CELL = 10e3  # m
SIZE = 256  # cells a side of a frame
PADDED = 320  # cells a side of the simulation: what leaves on one side enters far from the frame

CORE_RADIUS = 150e3  # m, of the cold central overcast
BACKGROUND = -0.15  # of the index, far from the storm
CORE = (1.1, 1.0)  # index at the centre: of no storm, and added by the strongest
BAND = 0.5  # strength of the spiral bands
TAIL = 0.6  # strength of the broad band that most storms trail
TEXTURE = 0.59  # standard deviation of the random part
STRETCH = 1.3  # how much longer random structures are along the flow than the mean, at birth
LARGEST = 1300e3  # m, wavelength beyond which random structure is no stronger
SLOPE = 3.1  # of its power density
LIFETIME = 6.5  # h, of structures much larger than LONG_WAVE
LONG_WAVE = 250e3  # m, wavelength below which structures live shorter
WINDING = 8.0  # h of wind that a new structure has already felt
EYE_FROM = 0.72  # intensity above which there is an eye
EYE_RADIUS = 0.6  # of the radius of strongest wind
EYE_TEMPERATURE = 287.0  # K
LIVELINESS = 0.6  # ln of small random structure's strength, by one standard deviation at most
CALM, FARTHEST = 0.8, (0.15, 2.5)  # its strength where nothing is unusual, and at most
SMALL = 150e3  # m, wavelength about which structure is small

# Normal quantile of the index and its brightness temperature, K: the real frames' distribution.
INDEX = np.array([-3.1, -2.33, -1.64, -0.67, 0.0, 0.67, 1.75, 2.6, 3.6])
KELVIN = np.array([299.5, 297.4, 295.8, 290.4, 277.9, 253.6, 221.6, 206.0, 196.0])


@dataclass(frozen=True)
class Sheet:
    """The simulated square about the storm: positions (m) and the patterns on it, all (y, x)."""

    x: Plane
    y: Plane
    patterns: Mapping[str, Plane]
    lively: Mapping[str, Plane]
    overcast: Plane
    amplitudes: Plane
    memory: Plane
    small: Plane


def sheet(orientation: float) -> Sheet:
    """The square, the patterns of the four variables, and the spectra of the random part.

    Args:
        orientation: radians anticlockwise from east, along which random structures are born.
    """
    axis = grid.centres(PADDED, CELL).astype(np.float32)
    x, y = np.meshgrid(axis, axis)
    radius = np.hypot(x, y)
    acting = patterns(x, y)
    wavenumber = texture.wavenumbers(PADDED, CELL)
    stretched = texture.wavenumbers(PADDED, CELL, orientation, STRETCH)
    return Sheet(
        x,
        y,
        acting,
        {
            "sst": np.exp(-((radius / np.float32(500e3)) ** 2)),
            "z": acting["z"],
            "r": acting["r"],
        },
        np.exp(-radius / np.float32(CORE_RADIUS)),
        texture.red_amplitudes(stretched, LARGEST, SLOPE),
        np.exp(-STEP_HOURS / LIFETIME * np.sqrt(1 + (wavenumber * LONG_WAVE) ** 2)),
        1 - np.exp(-((wavenumber * SMALL) ** 2)),
    )


def patterns(x: Plane, y: Plane) -> dict[str, Plane]:
    """Where each variable acts, largest value about 1.

    sst feeds the whole shield; r thickens the outer cirrus and leaves the core, which makes its
    own moisture; z pushes the shield to the south-west (a stronger ridge is an easterly shear)
    and lets the air sink around the storm; msl suppresses everywhere alike.
    """
    radius = np.hypot(x, y)
    downshear = -(0.8 * x + 0.6 * y) / 600e3
    pushed = downshear * np.exp(0.5 - 0.5 * (radius / 600e3) ** 2)
    subsiding = 1 - 0.8 * np.exp(-((radius / 400e3) ** 2))
    found = {
        "sst": 0.3 + 0.7 * np.exp(-((radius / 800e3) ** 2)),
        "msl": np.ones_like(radius),
        "z": 0.8 * pushed - 0.4 * subsiding,
        "r": 1 - 0.9 * np.exp(-((radius / 450e3) ** 2)),
    }
    return {name: pattern.astype(np.float32) for name, pattern in found.items()}


def equilibrium(
    place: Sheet, intensity: float, responses: Mapping[str, float], bands: Plane
) -> Plane:
    """The index that storm and environment hold the clouds to."""
    held = BACKGROUND + (CORE[0] + CORE[1] * intensity) * place.overcast + bands
    for name, driver in DRIVERS.items():
        held = held + np.float32(driver.gain * responses[name]) * place.patterns[name]
    return held.astype(np.float32)


def spiral_bands(place: Sheet, phase: float, arms: int, tail: float, intensity: float) -> Plane:
    """Logarithmic spirals that wind inward anticlockwise, as bands do in the north.

    Args:
        phase: radians, of the inner bands.
        arms: number of the inner bands.
        tail: radians, direction of the broad outer band.
    """
    radius = np.hypot(place.x, place.y)
    angle, turns = np.arctan2(place.y, place.x), np.log(radius / 200e3 + 0.2)
    inner = np.exp(-(((radius - 350e3) / 300e3) ** 2)) * (1 - np.exp(-((radius / 150e3) ** 2)))
    outer = np.exp(-(((radius - 800e3) / 450e3) ** 2))
    bands = BAND * (0.4 + 0.6 * intensity) * inner * np.cos(arms * (angle + 2.2 * turns) - phase)
    trailing = TAIL * outer * np.cos(angle + 1.2 * turns - tail)
    return (bands + trailing).astype(np.float32)


def step(
    place: Sheet,
    index: Plane,
    held: Plane,
    wind: Wind,
    lively: Plane,
    random: np.random.Generator,
) -> Plane:
    """The index one step later.

    Carried by the wind, it relaxes to `held`, small structures sooner than large ones, and
    chance adds as much variance as the relaxation takes away; of small structures `lively`
    squared times as much.
    """
    where = place.x + np.complex64(1j) * place.y
    carried = carry(index, wind.departures(where))
    gone = texture.transform(carried - held)
    born = texture.noise(random, place.amplitudes * np.sqrt(1 - place.memory**2))
    large, small = texture.field(born * (1 - place.small)), texture.field(born * place.small)
    before = wind.departures(where, WINDING)
    wound = carry(large, before) + lively * carry(small, before)
    kept = held + texture.field(place.memory * gone)
    return (kept + np.float32(TEXTURE) * wound).astype(np.float32)


def liveliness(place: Sheet, announced: Mapping[str, float]) -> Plane:
    """Strength of new small structure against its mean: small clouds answer the first.

    Over a warm sea more towers stand in the inner shield; where the air aloft is moist each
    weak updraught makes an anvil; a strong ridge lifts the air on its storm's downshear side. The
    shield as a whole follows hours later, with `equilibrium`.

    Args:
        announced: standardised anomaly by variable.
    """
    lively: Plane = np.zeros_like(place.x)
    for name, where in place.lively.items():
        lively += np.float32(LIVELINESS * announced[name]) * where
    strength = np.float32(CALM) * np.exp(lively)
    return np.clip(strength, np.float32(FARTHEST[0]), np.float32(FARTHEST[1]))


def carry(values: Plane, departures: NDArray[np.complex64]) -> Plane:
    """`values` at the departure points (m, x + iy), periodic."""
    cells = np.stack([departures.imag, departures.real]) / np.float32(CELL)
    cells += np.float32((PADDED - 1) / 2)
    return map_coordinates(values, cells, order=1, mode="grid-wrap", prefilter=False)


def temperature(index: Plane) -> Plane:
    """Brightness temperature, K: colder the higher the index, warmest at the sea surface."""
    return _CURVE(np.clip(index, INDEX[0], INDEX[-1])).astype(np.float32)


def with_eye(kelvin: Plane, place: Sheet, intensity: float, core: float) -> Plane:
    """Warm the eye of a strong storm."""
    strength = np.clip((intensity - EYE_FROM) / 0.15, 0.0, 1.0)
    radius = np.hypot(place.x, place.y)
    weight = np.float32(strength) * np.exp(-((radius / (EYE_RADIUS * core)) ** 4))
    return (kelvin + weight * (EYE_TEMPERATURE - kelvin)).astype(np.float32)


def cropped(values: Plane) -> Plane:
    """The frame: the middle of the simulated square."""
    margin = (PADDED - SIZE) // 2
    return values[margin:-margin, margin:-margin]


_CURVE = PchipInterpolator(INDEX, KELVIN)
