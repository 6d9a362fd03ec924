"""The colours of brightness temperature: grey where it is warm, coloured where cloud is cold.

Two arms meet at 235 K, the threshold of cold cloud in the verification. On the warm arm
lightness falls with temperature and there is no hue, as on an ordinary infrared picture;
on the cold arm lightness falls as the cloud gets colder and hue runs from cream through
orange to violet. Each arm is monotone in lightness, so no edge appears that is not there.
"""

from functools import cache

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, Normalize

COLDEST = 185.0  # K, everything colder has the colour of this
WARMEST = 305.0  # K

# Lightness (CIELAB) falls by about 10 from one stop to the next, on both arms.
STOPS = {
    185.0: "#2a0d47",
    195.0: "#661a72",
    205.0: "#ad2a62",
    213.0: "#dc5a45",
    221.0: "#f2963f",
    229.0: "#f9cf75",
    235.0: "#f6f1de",
    250.0: "#c6c9cb",
    265.0: "#95999c",
    280.0: "#64686c",
    292.0: "#3d4145",
    305.0: "#16191c",
}


@cache
def infrared() -> LinearSegmentedColormap:
    """The colour map, for use with `scale()`."""
    positions = (np.array(list(STOPS)) - COLDEST) / (WARMEST - COLDEST)
    return LinearSegmentedColormap.from_list(
        "nephele_infrared", list(zip(positions, STOPS.values(), strict=True)), N=512
    )


def scale() -> Normalize:
    """Kelvin to the colour map's 0 to 1."""
    return Normalize(COLDEST, WARMEST, clip=True)


def levels(count: int) -> np.ndarray:
    """`count` colours evenly spread from COLDEST to WARMEST: uint8 RGB, shape (count, 3)."""
    return np.round(255 * infrared()(np.linspace(0, 1, count))[:, :3]).astype(np.uint8)


def indices(kelvin: np.ndarray, count: int) -> np.ndarray:
    """Which of `levels(count)` each temperature has: uint8, the shape of `kelvin`."""
    share = (np.asarray(kelvin, float) - COLDEST) / (WARMEST - COLDEST)
    return np.round(np.clip(share, 0, 1) * (count - 1)).astype(np.uint8)
