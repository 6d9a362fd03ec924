"""Which pixels of an infrared frame are measurements, and whether enough of them are.

Old scans come with fill values where the satellite did not look, with annotations burnt
in (hotter than any land), and with grey wedges: blocks of one plausible temperature.
"""

import numpy as np
from scipy import ndimage

COLDEST, HOTTEST = 160.0, 325.0  # K; below any cloud top, above any land from space
# Even an 8-bit sea is never one single value over 13 x 13 pixels; a block of a wedge is.
FLAT = 13


def usable(brightness: np.ndarray) -> np.ndarray:
    """Where `brightness` (y, x), K, can be a measurement; the same shape, bool."""
    return ~(_fill(brightness) | _hot(brightness) | _flat(brightness))


def fault(brightness: np.ndarray, shape: tuple[int, int], max_fill: float) -> str | None:
    """Why a frame must be left out, or None.

    Args:
        brightness: K, of any shape.
        shape: the shape that the archive's frames have.
        max_fill: the largest share of unusable pixels in a frame that is kept.
    """
    if brightness.shape != shape:
        return f"shape is {_by(brightness.shape)}, expected {_by(shape)}"
    fill, hot, flat = _fill(brightness), _hot(brightness), _flat(brightness)
    kinds = {"fill": fill, "burnt-in text": hot, "grey wedge": flat & ~fill & ~hot}
    shares = {kind: float(mask.mean()) for kind, mask in kinds.items() if mask.any()}
    if sum(shares.values()) <= max_fill:
        return None
    parts = ", ".join(f"{share:.3%} {kind}" for kind, share in shares.items())
    return (
        f"unusable pixels ({', '.join(shares)}): {parts} (below {COLDEST:.0f} K or NaN, above "
        f"{HOTTEST:.0f} K, or one single value), expected at most {max_fill:.3%}"
    )


def _fill(brightness: np.ndarray) -> np.ndarray:
    return ~(brightness >= COLDEST)  # NaN too


def _hot(brightness: np.ndarray) -> np.ndarray:
    return brightness > HOTTEST


def _flat(brightness: np.ndarray) -> np.ndarray:
    """Pixels of squares of FLAT x FLAT and more that have one single value."""
    values = np.nan_to_num(brightness, nan=0.0)
    same = ndimage.maximum_filter(values, FLAT) == ndimage.minimum_filter(values, FLAT)
    # The filter repeats the border: a square must lie in the frame as a whole.
    margin = FLAT // 2
    inside = np.zeros_like(same)
    inside[margin:-margin, margin:-margin] = same[margin:-margin, margin:-margin]
    if not inside.any():
        return inside
    return ndimage.maximum_filter(inside, FLAT)


def _by(shape: tuple[int, ...]) -> str:
    return "×".join(str(size) for size in shape)
