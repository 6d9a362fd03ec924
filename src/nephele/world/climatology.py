"""What a late summer over the northwest Pacific is like on average, and where its land lies."""

import numpy as np

Values = np.ndarray | float  # of any shape

EARTH_RATE = 7.292e-5  # s-1
METRES_PER_DEGREE = 111_195.0

RIDGE_LATITUDE = 29.0  # degrees north, of the subtropical high
RIDGE_WIDTH = 12.0  # degrees
RIDGE_MSL = 700.0  # Pa
RIDGE_Z = 420.0  # m2 s-2 at 850 hPa
TILT_SCALE = 1.0e6  # m, over which an anomaly of z changes from south to north
TILT = 0.6  # that change, in units of the anomaly

# Ellipses: latitude, longitude, half-axes in degrees, degrees that the long axis is turned
# anticlockwise from east. As crude as it looks: a continent and the larger islands.
LAND = (
    (42.0, 100.0, 22.0, 20.0, 0.0),  # China
    (14.0, 103.0, 6.0, 9.0, 0.0),  # Indochina
    (62.0, 130.0, 30.0, 17.0, 0.0),  # Siberia
    (37.0, 127.5, 1.8, 3.0, 0.0),  # Korea
    (36.0, 137.5, 5.5, 1.4, 40.0),  # Honshu
    (43.3, 143.0, 2.2, 1.4, 0.0),  # Hokkaido
    (32.5, 131.0, 1.0, 1.6, 0.0),  # Kyushu
    (23.7, 121.0, 0.7, 1.8, -20.0),  # Taiwan
    (16.5, 121.2, 1.3, 2.4, 0.0),  # Luzon
    (11.0, 124.0, 2.0, 1.8, 0.0),  # Visayas
    (7.5, 125.0, 1.6, 1.8, 0.0),  # Mindanao
    (1.0, 114.0, 4.5, 4.5, 0.0),  # Borneo
    (-5.0, 142.0, 8.0, 3.0, -15.0),  # New Guinea
)


def coriolis(latitude: Values) -> Values:
    """s-1."""
    return 2 * EARTH_RATE * np.sin(np.deg2rad(latitude))


def is_land(latitude: Values, longitude: Values) -> np.ndarray:
    """True on land; degrees in, any shape."""
    land = np.zeros(np.broadcast_shapes(np.shape(latitude), np.shape(longitude)), bool)
    for north, east, long_axis, short_axis, turn in LAND:
        cosine, sine = np.cos(np.deg2rad(turn)), np.sin(np.deg2rad(turn))
        x, y = longitude - east, latitude - north
        along, across = x * cosine + y * sine, y * cosine - x * sine
        land |= (along / long_axis) ** 2 + (across / short_axis) ** 2 < 1
    return land


def ridge(latitude: Values) -> Values:
    """The subtropical high, 1 on its axis."""
    return np.exp(-(((latitude - RIDGE_LATITUDE) / RIDGE_WIDTH) ** 2))


def mean_fields(latitude: np.ndarray, longitude: np.ndarray) -> dict[str, np.ndarray]:
    """sst (K), msl (Pa), z at 850 hPa (m2 s-2) and r at 200 hPa (%) without any anomaly."""
    poleward = np.maximum(latitude - 20.0, 0.0)
    return {
        "sst": 302.2 - 0.016 * poleward**2 - 0.02 * (longitude - 140.0) * (poleward > 0),
        "msl": 100_900.0 + RIDGE_MSL * ridge(latitude) + 4.0 * (longitude - 140.0),
        "z": 14_560.0 + RIDGE_Z * ridge(latitude) - 8.0 * np.maximum(latitude - 35.0, 0.0),
        "r": 54.0 - 9.0 * ridge(latitude) + 0.0 * longitude,
    }


def tilt(north: np.ndarray) -> np.ndarray:
    """Shape of a z anomaly: a stronger ridge is higher everywhere, most so in the north (m)."""
    return 1 + TILT * np.tanh(north / TILT_SCALE)


def steering(latitude: float, anomaly: float) -> np.ndarray:
    """Geostrophic wind of z at the centre, east and north, m s-1.

    Args:
        latitude: degrees north, of the storm.
        anomaly: of z, m2 s-2.
    """
    distance = (latitude - RIDGE_LATITUDE) / RIDGE_WIDTH
    mean_slope = -2 * distance * ridge(latitude) * RIDGE_Z / (RIDGE_WIDTH * METRES_PER_DEGREE)
    slope = mean_slope + anomaly * TILT / TILT_SCALE
    return np.array([-slope / coriolis(max(latitude, 10.0)), 0.0])


def support(latitude: float, longitude: float) -> float:
    """How much of its potential intensity a storm can hold at a place, 0 to 1."""
    over_land = bool(is_land(latitude, longitude))
    cold = 1 / (1 + np.exp((latitude - 33.0) / 2.5))
    return float((0.25 if over_land else 1.0) * (0.15 + 0.85 * cold))
