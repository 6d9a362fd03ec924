"""What frames of a storm look like in figures: the yardstick that synthetic frames are held to."""

import numpy as np
from numpy.typing import NDArray

Frames = NDArray[np.float32]

PERCENTILES = (1, 5, 25, 50, 75, 95, 99)
COLD = (208.0, 220.0, 235.0, 253.0)  # K
RINGS = ((0, 50), (100, 200), (300, 400), (600, 800), (1000, 1280))  # km

# The 139 hourly frames of typhoon 2007-17 in the Digital Typhoon Dataset (National Institute of
# Informatics, CC BY 4.0), 4 x 4 means to 128 x 128; benchmarks/world_calibration.py prints them.
REAL = {
    "mean": 269.8,
    "standard deviation": 24.6,
    "percentile": dict(
        zip(PERCENTILES, (206.0, 221.6, 253.6, 277.9, 290.4, 295.8, 297.4), strict=True)
    ),
    "share colder": dict(zip(COLD, (0.012, 0.043, 0.128, 0.246), strict=True)),
    "ring": dict(zip(RINGS, (236.6, 252.8, 262.4, 270.1, 271.3), strict=True)),
    "spectral slope": -3.0,
    "persistence": {3: 15.4, 6: 19.1, 9: 21.1, 12: 22.6, 15: 24.0, 24: 26.8},
    "correlation": {3: 0.80, 6: 0.69, 9: 0.62, 12: 0.56, 15: 0.50, 24: 0.38},
}


def coarsened(frames: Frames, factor: int) -> Frames:
    """Block means, (..., y, x) to (..., y / factor, x / factor)."""
    *lead, height, width = frames.shape
    blocks = frames.reshape(*lead, height // factor, factor, width // factor, factor)
    return blocks.mean((-3, -1))


def distribution(frames: Frames) -> dict[str, object]:
    """Mean, standard deviation, percentiles and cold shares over all pixels, K."""
    values = np.percentile(frames, PERCENTILES)
    return {
        "mean": float(frames.mean()),
        "standard deviation": float(frames.std()),
        "percentile": dict(zip(PERCENTILES, values.tolist(), strict=True)),
        "share colder": {limit: float((frames < limit).mean()) for limit in COLD},
    }


def radial_means(frames: Frames, cell_km: float, rings: tuple = RINGS) -> dict:
    """Mean of each ring (km) about the middle of frames (time, y, x), K."""
    size = frames.shape[-1]
    axis = (np.arange(size) - (size - 1) / 2) * cell_km
    radius = np.hypot(axis[:, None], axis)
    return {
        (inner, outer): float(frames[..., (radius >= inner) & (radius < outer)].mean())
        for inner, outer in rings
    }


def spectrum(frames: Frames) -> tuple[np.ndarray, np.ndarray]:
    """Radially averaged 2-D power density of frames (time, y, x), and its wavenumber.

    Each frame loses its mean and is tapered by a Hann window. The wavenumber counts waves a
    frame.
    """
    size = frames.shape[-1]
    taper = np.hanning(size)[:, None] * np.hanning(size)
    anomaly = frames - frames.mean((1, 2), keepdims=True)
    power = (np.abs(np.fft.fft2(anomaly * taper)) ** 2).mean(0)
    along = np.fft.fftfreq(size) * size
    ring = np.rint(np.hypot(along[:, None], along)).astype(int)
    total = np.bincount(ring.ravel(), power.ravel())
    count = np.bincount(ring.ravel())
    wavenumber = np.arange(1, size // 2)
    return wavenumber, (total / count)[wavenumber]


def spectral_slope(frames: Frames, first: int = 4, last: int = 32) -> float:
    """Slope of log power density against log wavenumber, from `first` to `last` waves a frame."""
    wavenumber, power = spectrum(frames)
    chosen = (wavenumber >= first) & (wavenumber <= last)
    return float(np.polyfit(np.log(wavenumber[chosen]), np.log(power[chosen]), 1)[0])


def persistence(storms: list[Frames], steps: dict[int, int]) -> dict[str, dict[int, float]]:
    """RMSE of persistence (K) and lag correlation of pixels, for lags in steps by their hours."""
    pairs = {
        hours: (
            np.concatenate([frames[:-step] for frames in storms]),
            np.concatenate([frames[step:] for frames in storms]),
        )
        for hours, step in steps.items()
    }
    return {
        "persistence": {
            hours: float(np.sqrt(np.mean((later - earlier) ** 2)))
            for hours, (earlier, later) in pairs.items()
        },
        "correlation": {
            hours: float(np.corrcoef(earlier.ravel(), later.ravel())[0, 1])
            for hours, (earlier, later) in pairs.items()
        },
    }
