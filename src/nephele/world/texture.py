"""Random fields with a given spectrum, on a periodic square."""

import numpy as np
import scipy.fft
from numpy.typing import NDArray

Plane = NDArray[np.float32]
Spectrum = NDArray[np.complex64]


def wavenumbers(size: int, cell: float, orientation: float = 0.0, stretch: float = 1.0) -> Plane:
    """Cycles per metre of each coefficient of a real 2-D transform, shape (size, size // 2 + 1).

    Args:
        cell: m.
        orientation: radians anticlockwise from x, of an axis along which wavenumbers count
            `stretch` times as much, and across which as much less: a field made with them is
            stretched along that axis.
    """
    along_y = np.fft.fftfreq(size, cell)[:, None]
    along_x = np.fft.rfftfreq(size, cell)[None, :]
    along = along_x * np.cos(orientation) + along_y * np.sin(orientation)
    across = along_y * np.cos(orientation) - along_x * np.sin(orientation)
    return np.hypot(along * stretch, across / stretch).astype(np.float32)


def red_amplitudes(wavenumber: Plane, largest: float, slope: float) -> Plane:
    """Amplitudes of a field of unit variance whose power density falls as wavenumber ** -slope.

    Args:
        largest: m, wavelength beyond which the spectrum is flat.
    """
    power = (wavenumber**2 + 1 / largest**2) ** (-slope / 2)
    power[0, 0] = 0.0
    # Parseval: every column but the first and the last stands for two of the full transform.
    weights = np.full(power.shape, 2.0)
    weights[:, [0, -1]] = 1.0
    return np.sqrt(power / (weights * power).sum()).astype(np.float32)


def noise(random: np.random.Generator, amplitudes: Plane) -> Spectrum:
    """Transform of white noise shaped by `amplitudes`; `field` makes the field of it."""
    size = amplitudes.shape[0]
    white = random.standard_normal((size, size), dtype=np.float32)
    return scipy.fft.rfft2(white) * (amplitudes * np.float32(size))


def transform(field: Plane) -> Spectrum:
    """The 2-D transform of a field."""
    return scipy.fft.rfft2(field)


def field(spectrum: Spectrum) -> Plane:
    """The field of a 2-D transform."""
    return scipy.fft.irfft2(spectrum, s=(spectrum.shape[0], spectrum.shape[0]))
