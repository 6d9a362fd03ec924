"""The wind that carries the clouds, relative to the storm: swirl, outflow and shear."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nephele.world.drivers import STEP_HOURS
from nephele.world.storm import tangential_wind

Plane = NDArray[np.float32]
ComplexPlane = NDArray[np.complex64]

ALOFT = 0.55  # cloud tops turn slower than the low-level wind that the pressure balances
OUTFLOW = 5.0  # m s-1, strongest
OUTFLOW_RADIUS = 350e3  # m, where it is strongest
SUBSTEP = 900.0  # s, of the integration along the radius
SPACING = 1e3  # m, of the radii of the look-up table
FARTHEST = 3.2e6  # m


@dataclass(frozen=True)
class Wind:
    """Swirl and outflow as functions of radius, and a uniform shear.

    Attributes:
        radii: m, equally spaced from 0.
        turning: rad s-1, anticlockwise.
        spreading: s-1, outward wind divided by radius.
        shear: m s-1, east and north.
    """

    radii: np.ndarray
    turning: np.ndarray
    spreading: np.ndarray
    shear: np.ndarray

    def departures(self, where: ComplexPlane, hours: float = STEP_HOURS) -> ComplexPlane:
        """Where the air at `where` (m, x + iy) was `hours` ago.

        Swirl and outflow leave circles circles, so they are one complex factor a radius; half
        of the shear comes before them and half after (Strang splitting).
        """
        half = np.complex64(complex(*self.shear) * hours * 1800)
        moved = where - half
        ring = (np.abs(moved) * np.float32(1 / SPACING) + np.float32(0.5)).astype(np.int32)
        return moved * self._factors(hours)[ring] - half

    def _factors(self, hours: float) -> np.ndarray:
        """Departure point divided by arrival point, for every radius of the table."""
        count = round(hours * 3600 / SUBSTEP)
        radius, angle = self.radii.copy(), np.zeros_like(self.radii)
        for _ in range(count):
            middle = radius * np.exp(-0.5 * SUBSTEP * np.interp(radius, self.radii, self.spreading))
            angle -= SUBSTEP * np.interp(middle, self.radii, self.turning)
            radius = radius * np.exp(-SUBSTEP * np.interp(middle, self.radii, self.spreading))
        shrinking = np.divide(radius, self.radii, out=np.ones_like(radius), where=self.radii > 0)
        return (shrinking * np.exp(1j * angle)).astype(np.complex64)


def wind(deficit: float, core: float, latitude: float, intensity: float, shear: np.ndarray) -> Wind:
    """The wind about a storm of the given pressure deficit (Pa) and core radius (m)."""
    radii = np.arange(0.0, FARTHEST, SPACING)
    safe = np.maximum(radii, 5e3)
    turning = ALOFT * tangential_wind(safe, deficit, core, latitude) / safe
    outflow = OUTFLOW * (0.3 + 0.7 * intensity) / OUTFLOW_RADIUS
    spreading = outflow * np.exp(1 - radii / OUTFLOW_RADIUS)
    return Wind(radii, turning, spreading, shear)
