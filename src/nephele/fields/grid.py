"""The storm-centred grid: a Lambert azimuthal equal-area plane that touches the Earth at the storm.

Distances are metres on a sphere. A frame stores its centre, x and y; latitudes and
longitudes follow from them here, so that no file has to carry them frame by frame.
"""

import numpy as np

EARTH_RADIUS = 6_371_000.0  # m

Values = np.ndarray | float


def centres(size: int, cell: float) -> np.ndarray:
    """Cell centres of a square grid about the origin, in the units of `cell`, increasing."""
    return (np.arange(size) - (size - 1) / 2) * cell


def edges(points: np.ndarray) -> np.ndarray:
    """Cell edges about increasing cell centres: half-way between, and as far beyond the ends."""
    middle = (points[1:] + points[:-1]) / 2
    return np.concatenate([[2 * points[0] - middle[0]], middle, [2 * points[-1] - middle[-1]]])


def to_plane(
    latitude: Values, longitude: Values, centre_latitude: Values, centre_longitude: Values
) -> tuple[np.ndarray, np.ndarray]:
    """Project degrees to x (east) and y (north), m (Snyder 1987, eq. 24-2 to 24-4).

    Arguments broadcast.
    """
    phi, phi0 = np.deg2rad(latitude), np.deg2rad(centre_latitude)
    dlon = np.deg2rad(np.asarray(longitude) - centre_longitude)
    cosine = np.sin(phi0) * np.sin(phi) + np.cos(phi0) * np.cos(phi) * np.cos(dlon)
    scale = EARTH_RADIUS * np.sqrt(2 / (1 + cosine))
    x = scale * np.cos(phi) * np.sin(dlon)
    y = scale * (np.cos(phi0) * np.sin(phi) - np.sin(phi0) * np.cos(phi) * np.cos(dlon))
    return np.asarray(x), np.asarray(y)


def to_sphere(
    x: Values, y: Values, centre_latitude: Values, centre_longitude: Values
) -> tuple[np.ndarray, np.ndarray]:
    """Latitude and longitude (0 to 360), degrees, of points of the plane.

    Snyder 1987, eq. 20-14 and 20-15, with c = 2 arcsin(ρ / 2R).

    Arguments broadcast.
    """
    phi0 = np.deg2rad(centre_latitude)
    distance = np.hypot(x, y)
    angle = 2 * np.arcsin(distance / (2 * EARTH_RADIUS))
    # sin(angle) / distance has the limit 1 / R at the centre.
    ratio = np.sin(angle)
    ratio = np.divide(
        ratio, distance, out=np.full_like(ratio, 1 / EARTH_RADIUS), where=distance > 0
    )
    latitude = np.arcsin(np.cos(angle) * np.sin(phi0) + y * ratio * np.cos(phi0))
    eastward = np.arctan2(x * ratio, np.cos(phi0) * np.cos(angle) - y * ratio * np.sin(phi0))
    longitude = np.mod(centre_longitude + np.rad2deg(eastward), 360.0)
    return np.asarray(np.rad2deg(latitude)), np.asarray(longitude)


def positions(
    x: np.ndarray, y: np.ndarray, centre_latitude: Values, centre_longitude: Values
) -> tuple[np.ndarray, np.ndarray]:
    """Latitude and longitude of every cell of every frame, degrees, shape (time, y, x)."""
    return to_sphere(
        x[None, None, :],
        y[None, :, None],
        np.asarray(centre_latitude)[:, None, None],
        np.asarray(centre_longitude)[:, None, None],
    )


def attributes(radius: float = EARTH_RADIUS) -> dict[str, object]:
    """CF attributes of the grid mapping; the projection's centre moves with the storm."""
    return {
        "grid_mapping_name": "lambert_azimuthal_equal_area",
        "earth_radius": radius,
        "false_easting": 0.0,
        "false_northing": 0.0,
        "comment": "the projection's centre is centre_latitude(time), centre_longitude(time)",
    }
