"""Fields on latitudes and longitudes to the cells of a grid that follows a storm."""

import numpy as np
from scipy import sparse


def weights(
    axes: tuple[np.ndarray, np.ndarray],
    latitude: np.ndarray,
    longitude: np.ndarray,
    source_time: np.ndarray,
    times: int,
) -> sparse.csr_array:
    """Bilinear weights from all fields of a storm to all its frames, in one matrix.

    It picks each frame's field as well as its cells, so that one product serves every
    variable. Exact for fields that are linear in latitude and longitude.

    Args:
        axes: latitudes and longitudes (0 to 360) of the source, degrees, increasing.
        latitude, longitude: of the target's cells, degrees, (frame, y, x), within the axes.
        source_time: index of the field that belongs to each frame, (frame,).
        times: how many fields there are.

    Returns:
        (frame·y·x, times·latitude·longitude), rows summing to 1.
    """
    rows, columns = len(axes[0]), len(axes[1])
    south, north_share = _between(axes[0], latitude)
    west, east_share = _between(axes[1], longitude)
    corner = (source_time[:, None, None] * rows + south) * columns + west
    index = np.stack([corner, corner + 1, corner + columns, corner + columns + 1], axis=-1)
    share = np.stack(
        [
            (1 - north_share) * (1 - east_share),
            (1 - north_share) * east_share,
            north_share * (1 - east_share),
            north_share * east_share,
        ],
        axis=-1,
    )
    targets = latitude.size
    starts = np.arange(0, 4 * targets + 1, 4)
    return sparse.csr_array(
        (share.ravel(), index.ravel(), starts), shape=(targets, times * rows * columns)
    )


def _between(axis: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Index of the axis point below each point, and how far on the way to the next it lies."""
    below = np.clip(np.searchsorted(axis, points, side="right") - 1, 0, len(axis) - 2)
    return below, (points - axis[below]) / (axis[below + 1] - axis[below])
