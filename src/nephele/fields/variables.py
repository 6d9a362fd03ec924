"""Which variables exist, in which units, and which values are plausible.

A new ERA5 variable is one line here; its level is a parameter.
"""

import math
from dataclasses import dataclass

GRAVITY = 9.80665  # m s⁻², which ERA5 divides geopotential by

FRAMES = "brightness_temperature"
PLACEBO = (
    "placebo"  # no quantity: a real variable's fields beside the wrong storm (windows.placebo)
)


@dataclass(frozen=True)
class Variable:
    """A physical quantity, as the contract has it.

    `spellings` are other ways in which archives write the very same units.
    `missing` says whether NaN is a legal value (no sea surface over land).
    """

    long_name: str
    standard_name: str
    units: str
    low: float
    high: float
    spellings: tuple[str, ...] = ()
    missing: bool = False


VARIABLES = {
    FRAMES: Variable(
        "infrared brightness temperature",
        "toa_brightness_temperature",
        "K",
        150.0,
        340.0,
        ("kelvin",),
        missing=True,
    ),
    "sst": Variable(
        "sea surface temperature",
        "sea_surface_temperature",
        "K",
        265.0,
        310.0,
        ("kelvin",),
        missing=True,
    ),
    "msl": Variable(
        "mean sea level pressure",
        "air_pressure_at_mean_sea_level",
        "Pa",
        85_000.0,
        108_000.0,
        ("pascal",),
    ),
    "z": Variable(
        "geopotential",
        "geopotential",
        "m2 s-2",
        -8_000.0,
        500_000.0,
        ("m**2 s**-2", "m^2 s^-2", "m2/s2", "m² s⁻²"),
    ),
    "r": Variable("relative humidity", "relative_humidity", "%", -5.0, 160.0, ("percent",)),
    "t": Variable("temperature", "air_temperature", "K", 160.0, 335.0, ("kelvin",)),
    "u": Variable("eastward wind", "eastward_wind", "m s-1", -150.0, 150.0, ("m s**-1", "m/s")),
    "v": Variable("northward wind", "northward_wind", "m s-1", -150.0, 150.0, ("m s**-1", "m/s")),
    "q": Variable(
        "specific humidity", "specific_humidity", "kg kg-1", -0.001, 0.04, ("kg kg**-1",)
    ),
}

# What a file most often holds instead, and what turns it into the contract's units.
MISTAKES = {
    "msl": [("hPa", "multiply by 100", 850.0, 1080.0)],
    "sst": [("°C", "add 273.15", -5.0, 45.0)],
    "t": [("°C", "add 273.15", -110.0, 60.0)],
    FRAMES: [("°C", "add 273.15", -120.0, 70.0)],
    "r": [("a fraction of 1", "multiply by 100", 0.0, 1.6)],
    "z": [("geopotential height in m", f"multiply by {GRAVITY}", -500.0, 35_000.0)],
}


def known(name: str) -> Variable:
    """The variable of that short name.

    Raises:
        ValueError: there is none.
    """
    if name not in VARIABLES:
        raise ValueError(
            f"unknown variable {name!r}; known are {', '.join(sorted(set(VARIABLES) - {FRAMES}))}: "
            "correct acquire.variables, or add a line to nephele.fields.variables"
        )
    return VARIABLES[name]


def plausible(name: str, level: int | None) -> tuple[float, float]:
    """The lowest and the highest value, in the contract's units, that can be true.

    Geopotential depends on the level: it lies within 12 % (at least 1000 m) of the height
    of the ICAO standard atmosphere, which a height in metres never does below 1000 hPa.
    """
    variable = known(name)
    if name != "z" or level is None:
        return variable.low, variable.high
    height = standard_height(level)
    slack = max(1000.0, 0.12 * height)
    return GRAVITY * (height - slack), GRAVITY * (height + slack)


def standard_height(level: float) -> float:
    """Height in m of a pressure in hPa in the ICAO standard atmosphere (ICAO Doc 7488)."""
    tropopause = 226.32
    if level >= tropopause:
        return 44_330.8 * (1 - (level / 1013.25) ** 0.190263)
    # Isothermal at 216.65 K above 11 km: 6341.6 m is R T / g.
    return 11_000.0 + 6341.6 * math.log(tropopause / level)
