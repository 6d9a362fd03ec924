"""Grids that fields come on: by rows and columns of latitude and longitude, or in any curves.

Latitudes may run either way and longitudes may start anywhere; a grid that goes once around the
Earth has no rim where it begins.
"""

from dataclasses import dataclass

import numpy as np

from nephele.fields import grid

MISSING = 3.0  # a step so many times the usual one is a strip that is missing


@dataclass(frozen=True)
class Rectilinear:
    """Rows of one latitude, columns of one longitude; a Gaussian grid is one, too.

    Attributes:
        latitude: degrees north, in either order.
        longitude: degrees, increasing throughout, less than once around.
        edges: of the rows (in the order of `latitude`) and the columns, degrees, one more each.
    """

    latitude: np.ndarray
    longitude: np.ndarray
    edges: tuple[np.ndarray, np.ndarray]

    @classmethod
    def of(
        cls,
        latitude: np.ndarray,
        longitude: np.ndarray,
        edges: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> "Rectilinear":
        """The grid of these axes as a file has them, degrees.

        Without `edges`, cells reach half-way to their neighbours, and no further than a pole.

        Raises:
            ValueError: an axis has fewer than two points, or an order of neither kind.
        """
        latitude, longitude = latitude.astype(np.float64), longitude.astype(np.float64)
        steps = np.diff(latitude)
        if len(latitude) < 2 or not ((steps > 0).all() or (steps < 0).all()):
            raise ValueError(
                f"latitude: found {_first(latitude)}, expected at least two, increasing or "
                "decreasing throughout; sort the axis"
            )
        eastward = unwrapped(longitude)
        if len(longitude) < 2 or not (np.diff(eastward) > 0).all() or np.ptp(eastward) >= 360:
            raise ValueError(
                f"longitude: found {_first(longitude)}, expected at least two, going eastward, "
                "less than once around; sort the axis and remove a repeated meridian"
            )
        for name, axis in (("latitude", latitude), ("longitude", eastward)):
            _check_gaps(name, axis)
        if edges is None:
            edges = np.clip(grid.edges(latitude), -90, 90), grid.edges(eastward)
        return cls(latitude, eastward, (edges[0], unwrapped(edges[1])))

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.latitude), len(self.longitude)

    @property
    def periodic(self) -> bool:
        """Whether the first column is the eastern neighbour of the last."""
        first, last = self.edges[1][[0, -1]]
        return bool(last - first > 360 - 0.5 * np.diff(self.longitude).min())


@dataclass(frozen=True)
class Curvilinear:
    """A latitude and a longitude of its own for each cell, degrees, (y, x).

    Attributes:
        corners: latitudes and longitudes of the cells' corners, degrees, (y + 1, x + 1).
    """

    latitude: np.ndarray
    longitude: np.ndarray
    corners: tuple[np.ndarray, np.ndarray]

    @classmethod
    def of(
        cls,
        latitude: np.ndarray,
        longitude: np.ndarray,
        corners: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> "Curvilinear":
        """The grid of these cell centres.

        Without `corners`, they lie in the middle of four cells, and as far beyond the rim.

        Raises:
            ValueError: the arrays differ in shape, or hold what is no position.
        """
        if latitude.shape != longitude.shape or latitude.ndim != 2 or min(latitude.shape) < 2:
            raise ValueError(
                f"latitude has the shape {latitude.shape} and longitude {longitude.shape}, "
                "expected one shape (y, x) of at least two cells a side; transpose or repeat them"
            )
        if not (np.isfinite(latitude).all() and np.isfinite(longitude).all()):
            raise ValueError(
                "latitude or longitude has NaN, expected a position for every cell; cut the grid "
                "to the part that has them"
            )
        latitude, longitude = latitude.astype(np.float64), longitude.astype(np.float64)
        if corners is None:
            beyond = [_beyond(part) for part in np.moveaxis(directions(latitude, longitude), -1, 0)]
            corners = _degrees(np.stack(beyond, axis=-1))
        return cls(latitude, longitude, corners)

    @property
    def shape(self) -> tuple[int, int]:
        return self.latitude.shape

    @property
    def periodic(self) -> bool:
        """Whether the first column is the neighbour of the last."""
        points = directions(self.latitude, self.longitude)
        step = np.linalg.norm(np.diff(points, axis=1), axis=-1).max()
        return bool((np.linalg.norm(points[:, 0] - points[:, -1], axis=-1) < 1.5 * step).all())


Grid = Rectilinear | Curvilinear


def _check_gaps(name: str, values: np.ndarray) -> None:
    steps = np.abs(np.diff(values))
    if steps.max() > MISSING * np.median(steps):
        gap = int(steps.argmax())
        raise ValueError(
            f"{name}: nothing between {values[gap]:g} and {values[gap + 1]:g}, expected a point "
            f"every {np.median(steps):g}; take fields in which no strip is missing"
        )


def unwrapped(longitude: np.ndarray, axis: int = -1) -> np.ndarray:
    """Longitudes, degrees, with whole turns added so that no step along `axis` is westward by
    more than half a turn. What needs no turn stays the same, to the bit."""
    turns = np.round(np.diff(longitude, axis=axis) / 360)
    padding = [(0, 0)] * longitude.ndim
    padding[axis] = (1, 0)
    return longitude - 360 * np.pad(np.cumsum(turns, axis=axis), padding)


def beside(longitude: np.ndarray, start: np.ndarray | float) -> np.ndarray:
    """Longitudes, degrees, turned to lie in `start` to `start` + 360; exact where they do."""
    return longitude - 360 * np.floor((longitude - start) / 360)


def directions(latitude: np.ndarray, longitude: np.ndarray) -> np.ndarray:
    """Unit vectors of positions in degrees, (…, 3)."""
    phi, lam = np.deg2rad(latitude), np.deg2rad(longitude)
    return np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)], axis=-1)


def _degrees(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    x, y, z = np.moveaxis(vectors, -1, 0)
    return np.rad2deg(np.arctan2(z, np.hypot(x, y))), np.mod(np.rad2deg(np.arctan2(y, x)), 360)


def _beyond(values: np.ndarray) -> np.ndarray:
    """Means of four neighbours, with a rim continued linearly: (y, x) → (y + 1, x + 1)."""
    padded = np.pad(values, 1, mode="reflect", reflect_type="odd")
    return (padded[:-1, :-1] + padded[:-1, 1:] + padded[1:, :-1] + padded[1:, 1:]) / 4


def _first(values: np.ndarray) -> str:
    return ", ".join(f"{value:g}" for value in values[:4]) + ", …"
