"""A variable that can have no influence: the fields of a real one, taken from other storms.

It has the statistics of the variable that it copies and knows nothing of the storm that it
stands beside. Whatever effect is found of it is what the method finds where there is none.
"""

import numpy as np

from nephele.windows import splits

NOBODY = -1


def donors(storm: np.ndarray, frame_index: np.ndarray, split: np.ndarray, seed: int) -> np.ndarray:
    """The frame from which each frame takes its fields; NOBODY where no window has the frame.

    Within each split the storms stand in a circle, in random order, and each takes the fields
    of the next one, frame by frame, from its beginning again where the other is shorter. So
    nothing passes from split to split, and among storms of equal length every field is used once.
    A storm that is alone in its split takes its own, half of its length away.

    Args:
        storm: each frame's storm.
        frame_index: the frames of each window, (window, step).
        split: each window's split.
    """
    random = np.random.default_rng(seed)
    donor = np.full(len(storm), NOBODY)
    for name in splits.SPLITS:
        used = np.unique(frame_index[split == name])
        circle = [used[storm[used] == each] for each in random.permutation(np.unique(storm[used]))]
        for mine, other in zip(circle, circle[1:] + circle[:1], strict=True):
            later = len(mine) // 2 if mine is other else 0
            donor[mine] = other[(np.arange(len(mine)) + later) % len(other)]
    return donor


def appended(
    era5: np.ndarray, valid: np.ndarray, variable: int, donor: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """`era5` and `valid`, (frame, variable, y, x), with the placebo as their last variable.

    Args:
        variable: number of the variable that it copies.
        donor: of `donors`. Where there is none, the placebo is NaN and valid nowhere.
    """
    copied, share = era5[donor, variable], valid[donor, variable]
    copied[donor == NOBODY], share[donor == NOBODY] = np.nan, 0
    return (
        np.concatenate([era5, copied[:, None]], axis=1),
        np.concatenate([valid, share[:, None]], axis=1),
    )
