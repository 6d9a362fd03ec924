"""What normalises and fills, from the training windows alone."""

from dataclasses import dataclass

import numpy as np

LEAST_SPREAD = 0.1  # of a pixel, in units of the whole variable's: few frames may agree by chance


@dataclass(frozen=True)
class Statistics:
    """Attributes in K for frames, native units for ERA5.

    Attributes:
        frame_mean, frame_std: over all pixels of the training frames.
        residual_std: (lead,) root mean square of frame(t + lead) - frame(t).
        era5_mean, era5_std: (variable,) over what is valid.
        climatology: (variable, y, x) composite mean about the storm.
        spread: (variable, y, x) standard deviation about it, at least a tenth of `era5_std`.
    """

    frame_mean: float
    frame_std: float
    residual_std: np.ndarray
    era5_mean: np.ndarray
    era5_std: np.ndarray
    climatology: np.ndarray
    spread: np.ndarray


def of(
    frames: np.ndarray, era5: np.ndarray, valid: np.ndarray, windows: np.ndarray, history: int
) -> Statistics:
    """The statistics of the frames in `windows`, every frame once.

    Args:
        frames: (frame, y, x), K.
        era5: (frame, variable, y, x), NaN where nothing is valid.
        valid: the weight of each value, per cent or fractions alike, the same shape.
        windows: indices of the frames of the training windows, (window, step).
        history: steps up to the initial time.
    """
    used = np.unique(windows)
    mean, std = _moments(frames[used])
    climatology, spread, era5_mean, era5_std = _fields(era5, valid, used)
    return Statistics(
        mean,
        std,
        _residuals(frames, windows, history),
        era5_mean,
        era5_std,
        climatology,
        spread,
    )


def _moments(frames: np.ndarray) -> tuple[float, float]:
    mean = float(frames.mean(dtype=np.float64))
    return mean, float(np.sqrt(np.mean((frames - np.float32(mean)) ** 2, dtype=np.float64)))


def _residuals(frames: np.ndarray, windows: np.ndarray, history: int) -> np.ndarray:
    last = windows[:, history - 1]
    return np.array(
        [
            np.sqrt(
                np.mean([np.mean((frames[b] - frames[a]) ** 2, dtype=np.float64) for a, b in pairs])
            )
            for pairs in (np.stack([last, later], axis=1) for later in windows[:, history:].T)
        ]
    )


def _fields(
    era5: np.ndarray, valid: np.ndarray, used: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Composite mean and spread; mean and deviation by variable; all weighted by `valid`."""
    shape = era5.shape[1:]
    weight, total = np.zeros(shape), np.zeros(shape)
    for frame in used:  # frame by frame: the fields are the largest thing in memory
        weight += valid[frame]
        total += np.nan_to_num(era5[frame].astype(np.float64)) * valid[frame]
    sums = weight.sum(axis=(1, 2))
    if (sums == 0).any():
        raise ValueError(
            "an ERA5 variable is missing at every training frame (sst over land only?), "
            "expected some valid values; acquire storms over the sea"
        )
    mean = total.sum(axis=(1, 2)) / sums
    everywhere = np.broadcast_to(mean[:, None, None], shape)
    climatology = np.divide(total, weight, out=everywhere.copy(), where=weight > 0)
    about_mean, about_climatology = np.zeros(shape[0]), np.zeros(shape)
    for frame in used:
        departure = np.nan_to_num(era5[frame] - mean[:, None, None])
        about_mean += (valid[frame] * departure**2).sum(axis=(1, 2), dtype=np.float64)
        about_climatology += valid[frame] * np.nan_to_num(era5[frame] - climatology) ** 2
    # A constant field has nothing to normalise; 1 keeps it at zero.
    std = np.sqrt(about_mean / sums)
    std = np.where(std > 1e-6 * np.abs(mean), std, 1.0)
    overall = np.broadcast_to(std[:, None, None], shape)
    variance = np.divide(about_climatology, weight, out=overall**2, where=weight > 0)
    return climatology, np.maximum(np.sqrt(variance), LEAST_SPREAD * overall), mean, std
