"""Which pixels of an infrared frame are measurements, and whether enough of them are.

Old scans come with fill values where the satellite did not look, with annotations burnt
in (hotter than any sea or cloud around them), and with grey wedges: blocks of one plausible
temperature. Files that someone has converted come in units that are not kelvin.

What was looked for and is not here: rows that differ from their neighbours (striping) do not
stand out from columns in the frames that this was made with, so no frame is left out for it.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from scipy import ndimage

FILL = 100.0  # K; nothing in the atmosphere is as cold, a value below it marks what is missing
COLDEST, HOTTEST = 160.0, 340.0  # K; below any cloud top, above any land from space
# Letters are hotter than this, and so are deserts at noon; but a desert lies in warm land, and
# a letter's strokes lie in fill, sea or cloud.
TEXT, WARM = 325.0, 305.0  # K
AROUND = 21  # pixels a side of what is around a pixel; a line of letters is half as high
# Even an 8-bit sea is never one single value over 13 x 13 pixels; a block of a wedge is.
FLAT = 13


@dataclass(frozen=True)
class Misreading:
    """What a file may hold instead of kelvin.

    Attributes:
        low, high: all of a frame's values lie between them.
        reached: the largest value is at least this.
    """

    what: str
    low: float
    high: float
    reached: float
    remedy: str


# A whole scene lies within 3 K only where kelvin were decoded as if they were counts.
TWICE = Misreading(
    "kelvin that were decoded twice (0.01 × K + 200)", 201.0, 204.0, 201.0, "read the original file"
)
MISREADINGS = (
    Misreading("values normalised to 0 to 1", -0.01, 1.01, 0.3, "give the temperatures"),
    Misreading("°C", -120.0, 70.0, -50.0, "add 273.15"),
    Misreading("8-bit counts", 0.0, 255.0, 100.0, "calibrate them to temperatures"),
    Misreading(
        "packed counts, (K - 200) × 100, that were not decoded",
        -12_000.0,
        17_500.0,
        1_000.0,
        "keep scale_factor and add_offset with the variable",
    ),
)


def control(
    brightness: np.ndarray, shape: tuple[int, int], max_fill: float
) -> tuple[np.ndarray | None, str | None]:
    """A frame with NaN where it is no measurement; or the reason to leave it out.

    Args:
        brightness: K, of any shape.
        shape: the shape that the archive's frames have.
        max_fill: the largest share of unusable pixels in a frame that is kept.

    Returns:
        The frame and None, or None and the reason, which begins with the fault and a colon.
    """
    if brightness.shape != shape:
        return None, f"shape: found {_by(brightness.shape)}, expected {_by(shape)}"
    mistaken = misread(brightness)
    if mistaken is not None:
        return None, mistaken
    found = faults(brightness)
    shares = {kind: float(mask.mean()) for kind, mask in found.items() if mask.any()}
    if sum(shares.values()) > max_fill:
        parts = ", ".join(f"{share:.3%} {kind}" for kind, share in shares.items())
        return None, (
            f"unusable pixels ({', '.join(shares)}): {parts} (below {COLDEST:.0f} K, missing, "
            f"above {TEXT:.0f} K, or one single value), expected at most {max_fill:.3%}"
        )
    unusable = np.logical_or.reduce(list(found.values()))
    return np.where(unusable, np.nan, brightness), None


def faults(brightness: np.ndarray) -> dict[str, np.ndarray]:
    """Where `brightness` (y, x), K, is no measurement: masks of its shape, none overlapping."""
    fill = ~(brightness >= FILL)  # NaN too
    impossible = ~fill & ((brightness < COLDEST) | (brightness > HOTTEST))
    text = (brightness > TEXT) & (brightness <= HOTTEST)
    if text.any():
        warm = (brightness > WARM).astype(np.float32)
        text &= ndimage.uniform_filter(warm, AROUND, mode="constant") < 0.5
    flat = _flat(brightness) & ~(fill | impossible | text)
    return {
        "fill": fill,
        "impossible temperature": impossible,
        "burnt-in text": text,
        "grey wedge": flat,
    }


def possible(brightness: np.ndarray) -> np.ndarray:
    """Where `brightness`, K, is a temperature that a radiometer can see; the same shape, bool."""
    return (brightness >= COLDEST) & (brightness <= HOTTEST)


def misread(brightness: np.ndarray) -> str | None:
    """Why values cannot be kelvin at all, and what they look like; None where they can be."""
    values = brightness[np.isfinite(brightness)]
    if values.size == 0 or values.min() == values.max():
        return None  # nothing but fill
    measured = values[values >= FILL]
    if measured.size and TWICE.low <= measured.min() and measured.max() <= TWICE.high:
        return _not_kelvin(measured, TWICE)
    if possible(values).mean() > 0.5:
        return None
    for likely in MISREADINGS:
        if likely.low <= values.min() and likely.reached <= values.max() <= likely.high:
            return _not_kelvin(values, likely)
    return None


def gaps(times: pd.DatetimeIndex) -> list[tuple[pd.Timestamp, str]]:
    """The times that are missing from a series whose step is its commonest one, and where.

    Args:
        times: increasing, without repetition.
    """
    if len(times) < 3:
        return []
    step = pd.Timedelta(pd.Series(np.diff(times.values)).mode().min())
    missing = []
    for before, after in pairwise(times):
        between = pd.date_range(before, after, freq=step)[1:]
        missing += [
            (time, f"gap: no file between {before:%m-%d %H:%M} and {after:%m-%d %H:%M} UTC")
            for time in between
            if time < after
        ]
    return missing


def _not_kelvin(values: np.ndarray, likely: Misreading) -> str:
    return (
        f"not kelvin: values from {values.min():.6g} to {values.max():.6g} look like "
        f"{likely.what}, expected {COLDEST:.0f} to {HOTTEST:.0f} K; {likely.remedy}"
    )


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
