"""Forecasts that need no training, which every network must beat."""

import numpy as np
from scipy.ndimage import map_coordinates
from skimage.registration import optical_flow_ilk

# Pixels around each within which the motion is taken for uniform: 400 km at 20 km a pixel. Less
# follows texture that does not last (chosen on training storms of the synthetic world).
RADIUS = 20


def persistence(history: np.ndarray, leads: int) -> np.ndarray:
    """The last frame of the history, at every lead time.

    Args:
        history: (…, time, y, x).

    Returns:
        (…, 1, leads, y, x): an ensemble of one member.
    """
    last = history[..., None, -1:, :, :]
    return np.repeat(last, leads, axis=-3)


def optical_flow(history: np.ndarray, leads: int) -> np.ndarray:
    """The last frame, carried on by the motion between the last two.

    The motion is that of iterative Lucas-Kanade (Le Besnerais and Champagnat 2005), the
    extrapolation backward semi-Lagrangian along it (Germann and Zawadzki 2002,
    doi:10.1175/1520-0493(2002)130<2859:SDOTPO>2.0.CO;2). What enters from outside is the
    nearest pixel at the edge. Nothing grows and nothing decays.

    Args:
        history: K, (window, time, y, x), equally spaced in time.

    Returns:
        (window, 1, leads, y, x): an ensemble of one member.
    """
    moved = [_extrapolated(frames[-1], _motion(*frames[-2:]), leads) for frames in history]
    return np.stack(moved)[:, None]


def _motion(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Pixels a time step, (2, y, x): from where in `before` each pixel of `after` has come."""
    lowest = min(before.min(), after.min())
    extent = max(before.max(), after.max()) - lowest
    scaled = [(frame - lowest) / (extent or 1.0) for frame in (before, after)]
    return optical_flow_ilk(scaled[1], scaled[0], radius=RADIUS, dtype=np.float32)


def _extrapolated(frame: np.ndarray, motion: np.ndarray, leads: int) -> np.ndarray:
    """`frame` at 1 … `leads` steps, each pixel traced back along the motion that it meets."""
    places = np.indices(frame.shape).astype(np.float64)
    frames = []
    for _ in range(leads):
        met = [map_coordinates(part, places, order=1, mode="nearest") for part in motion]
        places = places + np.stack(met)
        frames.append(map_coordinates(frame, places, order=1, mode="nearest"))
    return np.stack(frames)
