"""How frames change, scale by scale: what of the last frame persists, and how large the rest is.

Small structures are gone within hours, large ones stay for a day. So a frame is parted into
cosines (Denis, Côté and Laprise 2002, doi:10.1175/1520-0493(2002)130<1812:SDOTDA>2.0.CO;2: no
frame is periodic, and cosines do not ask for it), and each scale gets a persistence of its own.
"""

from dataclasses import dataclass

import numpy as np
import scipy.fft

from nephele.windows.tensors import Windows

# Half waves a frame. Values in between are interpolated over the logarithm.
SCALES = (0, 1, 2, 3, 4, 6, 8, 11, 16, 23, 32, 45, 64, 91, 128, 181)
AT_ONCE = 64  # windows


@dataclass(frozen=True)
class Spectra:
    """By lead time and scale (of `scales`), over the training windows.

    Attributes:
        persistence: regression coefficient of a mode's amplitude on that in the last
            history frame, 0 to 1.
        deviation: root mean square of what this leaves of a mode's amplitude, in units of the
            normalised frames; with orthonormal cosines its mean square over all modes is
            that over all pixels.
    """

    persistence: tuple[tuple[float, ...], ...]
    deviation: tuple[tuple[float, ...], ...]

    @classmethod
    def of(cls, windows: Windows) -> "Spectra":
        """Those of the training windows, for the lead times that a network forecasts at once."""
        chosen = windows.select("train")
        shape = (windows.future, windows.size, windows.size)
        together, before, after = np.zeros(shape), np.zeros(shape[1:]), np.zeros(shape)
        for start in range(0, len(chosen), AT_ONCE):
            samples = windows.samples(chosen[start : start + AT_ONCE])
            last = _modes(samples.history[:, -1].numpy())
            future = _modes(samples.future[:, : windows.future].numpy())
            together += (last[:, None] * future).sum(0)
            before += (last**2).sum(0)
            after += (future**2).sum(0)
        together, before, after = (
            _by_scale(sums / len(chosen)) for sums in (together, before, after)
        )
        persistence = np.clip(together / before, 0.0, 1.0)
        left = after - 2 * persistence * together + persistence**2 * before
        return cls(_nested(persistence), _nested(np.sqrt(np.maximum(left, 0.0))))


def pixels(spectra: Spectra, size: int) -> np.ndarray:
    """Standard deviation of the pixels of what persistence leaves, (lead,), normalised."""
    return np.sqrt((by_mode(spectra.deviation, size) ** 2).mean(axis=(1, 2)))


def scales(size: int) -> np.ndarray:
    """Half waves a frame of `size` pixels at which spectra are given."""
    return np.array([scale for scale in SCALES if scale <= np.sqrt(2) * (size - 1)])


def by_mode(values: tuple[tuple[float, ...], ...], size: int) -> np.ndarray:
    """Values by lead and scale at every mode, (lead, size, size).

    Raises:
        ValueError: they are not those of frames of `size` pixels a side.
    """
    if len(values[0]) != len(scales(size)):
        raise ValueError(
            f"spectra of {len(values[0])} scales, expected the {len(scales(size))} of frames of "
            f"{size} pixels a side; train on frames of this size"
        )
    known, wanted = np.log1p(scales(size)), np.log1p(half_waves(size))
    return np.stack([np.interp(wanted, known, row) for row in values])


def half_waves(size: int) -> np.ndarray:
    """Half waves a frame of every mode, (size, size)."""
    along = np.arange(size)
    return np.hypot(along[:, None], along)


def _modes(frames: np.ndarray) -> np.ndarray:
    return scipy.fft.dctn(frames, axes=(-2, -1), norm="ortho").astype(np.float64)


def _by_scale(squares: np.ndarray) -> np.ndarray:
    """Means over the modes next to each scale, (…, size, size) to (…, scale)."""
    size = squares.shape[-1]
    apart = np.abs(np.log1p(half_waves(size))[..., None] - np.log1p(scales(size)))
    nearest = apart.argmin(-1)
    return np.stack(
        [squares[..., nearest == n].mean(-1) for n in range(len(scales(size)))], axis=-1
    )


def _nested(values: np.ndarray) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(f"{value:.6g}") for value in row) for row in values)
