"""Grids that fields are brought to: a fixed box, or a square that follows a storm."""

from dataclasses import dataclass

import numpy as np

from nephele.fields import grid


@dataclass(frozen=True)
class Target:
    """The square grid centred on the storm."""

    size: int  # cells a side
    cell: float  # m

    def __post_init__(self) -> None:
        _check_size(self.size)
        if not 0 < self.size * self.cell <= 2 * grid.EARTH_RADIUS:
            raise ValueError(
                f"{self.size} cells of {self.cell / 1e3:g} km a side, expected cells larger than 0 "
                f"and at most {2 * grid.EARTH_RADIUS / 1e3:.0f} km in all, a hemisphere; correct "
                "the cells' size or number"
            )

    @property
    def points(self) -> np.ndarray:
        """Cell centres along either axis, m."""
        return grid.centres(self.size, self.cell)


@dataclass(frozen=True)
class Box:
    """A fixed grid of equal steps in latitude and longitude.

    Attributes:
        latitude, longitude: edges of the rows and columns, degrees, increasing.
    """

    latitude: np.ndarray
    longitude: np.ndarray

    @classmethod
    def of(cls, south: float, north: float, west: float, east: float, size: int) -> "Box":
        """`size` × `size` cells; an `east` below `west` lies beyond the date line.

        Raises:
            ValueError: it has no extent, or reaches over a pole or more than once around.
        """
        _check_size(size)
        if east <= west:
            east += 360
        if not (-90 <= south < north <= 90 and west < east <= west + 360):
            raise ValueError(
                f"a box from {south:g} to {north:g}°N and {west:g} to {east:g}°E, expected "
                "south < north within -90 to 90, and at most once around; correct its sides"
            )
        return cls(np.linspace(south, north, size + 1), np.linspace(west, east, size + 1))

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.latitude) - 1, len(self.longitude) - 1

    @property
    def centres(self) -> tuple[np.ndarray, np.ndarray]:
        """Latitudes of the rows and longitudes of the columns, degrees."""
        return _middle(self.latitude), _middle(self.longitude)

    def positions(self) -> tuple[np.ndarray, np.ndarray]:
        """Latitude and longitude of each cell's centre, degrees, (y, x)."""
        return tuple(np.meshgrid(*self.centres, indexing="ij"))


@dataclass(frozen=True)
class Following:
    """A `Target` laid around the centres of successive frames, on planes of equal area.

    Attributes:
        latitude, longitude: of the frames' centres, degrees, (frame,).
    """

    target: Target
    latitude: np.ndarray
    longitude: np.ndarray

    @property
    def shape(self) -> tuple[int, int, int]:
        return len(self.latitude), self.target.size, self.target.size

    @property
    def edges(self) -> np.ndarray:
        """Cell edges along either axis of the plane, m."""
        return grid.edges(self.target.points)

    def positions(self) -> tuple[np.ndarray, np.ndarray]:
        """Latitude and longitude (0 to 360) of each cell's centre, degrees, (frame, y, x)."""
        points = self.target.points
        return grid.positions(points, points, self.latitude, self.longitude)

    def corners(self) -> tuple[np.ndarray, np.ndarray]:
        """Latitude and longitude of the cells' corners, degrees, (frame, y + 1, x + 1)."""
        return grid.positions(self.edges, self.edges, self.latitude, self.longitude)


@dataclass(frozen=True)
class Degrees:
    """A box of so many degrees, `size` × `size` cells, that is laid around a storm."""

    size: int
    height: float
    width: float

    def __post_init__(self) -> None:
        _check_size(self.size)
        if not (0 < self.height <= 180 and 0 < self.width <= 360):
            raise ValueError(
                f"a box of {self.height:g} by {self.width:g} degrees, expected more than 0 and at "
                "most 180 by 360; correct its height or width"
            )


@dataclass(frozen=True)
class Boxes:
    """Boxes of latitude and longitude around the centres of successive frames.

    Attributes:
        latitude, longitude: edges of the rows and columns, degrees, (frame, edge), increasing.
    """

    latitude: np.ndarray
    longitude: np.ndarray

    @property
    def shape(self) -> tuple[int, int, int]:
        return len(self.latitude), self.latitude.shape[1] - 1, self.longitude.shape[1] - 1

    @property
    def centres(self) -> tuple[np.ndarray, np.ndarray]:
        """Latitudes of the rows and longitudes of the columns, degrees, (frame, cell)."""
        return _middle(self.latitude), _middle(self.longitude)


Moving = Following | Boxes


def laid(target: Target | Degrees, latitude: np.ndarray, longitude: np.ndarray) -> Moving:
    """The target around the frames' centres, degrees, (frame,).

    Raises:
        ValueError: a box reaches over a pole.
    """
    if isinstance(target, Target):
        return Following(target, latitude, longitude)
    share = np.linspace(-0.5, 0.5, target.size + 1)
    rows = latitude[:, None] + share * target.height
    if rows.min() < -90 or rows.max() > 90:
        raise ValueError(
            f"boxes reach from {rows.min():g} to {rows.max():g}°N, expected -90 to 90; take lower "
            "ones, or the cells of a plane"
        )
    return Boxes(rows, longitude[:, None] + share * target.width)


def _check_size(size: int) -> None:
    if size < 2:
        raise ValueError(f"{size} cells a side, expected at least 2; take more")


def _middle(edges: np.ndarray) -> np.ndarray:
    return (edges[..., 1:] + edges[..., :-1]) / 2
