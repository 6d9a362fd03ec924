"""Training, validation and test: apart by storm, or by time with a gap."""

import numpy as np
import pandas as pd

SPLITS = ("train", "validation", "test")
NONE = ""


def by_storm(storm: np.ndarray, validation: float, test: float, seed: int) -> np.ndarray:
    """The split of every window; a storm's windows are all in one.

    Args:
        storm: each window's storm.
        validation, test: shares of the storms, rounded, at least one each.

    Raises:
        ValueError: there are not enough storms for three splits.
    """
    names = sorted(set(storm))
    held = [max(1, round(share * len(names))) for share in (validation, test)]
    if len(names) - sum(held) < 1:
        raise ValueError(
            f"{len(names)} storm(s) with complete windows ({', '.join(names) or 'none'}), expected "
            f"at least {sum(held) + 1} to split by storm; acquire more storms, "
            "or set regrid.split_by to time"
        )
    order = np.random.default_rng(seed).permutation(names)
    parts = np.split(order, np.cumsum(held))
    split = dict.fromkeys(parts[0], "validation") | dict.fromkeys(parts[1], "test")
    return np.array([split.get(name, "train") for name in storm])


def by_time(
    first: pd.DatetimeIndex, last: pd.DatetimeIndex, gap: pd.Timedelta, shares: tuple[float, float]
) -> np.ndarray:
    """The split of every window by two moments: training before validation before test.

    No frame is in two splits, and between the last frame of one and the first of the next
    there is at least `gap`; windows across a border are in no split (""). Of all pairs of
    moments, the one is taken that makes the sum of share·ln(count) largest: where nothing is
    lost to the gaps, the counts are in proportion to the shares.

    Args:
        first, last: times of each window's first and last frame.
        gap: more than zero, or two splits could share a frame.
        shares: of validation and of test.

    Raises:
        ValueError: no pair of moments leaves a window in each split.
    """
    moments = _thinned(np.unique(last.values))
    if not len(moments):
        raise ValueError("no window to split; acquire storms with longer series of frames")
    starts, ends = np.sort(first.values), np.sort(last.values)
    # With training up to a and validation up to b, test begins at b + gap.
    before = np.searchsorted(ends, moments, side="right")
    after = len(starts) - np.searchsorted(starts, moments + gap.to_timedelta64(), side="left")
    between = _between(first.values, last.values, moments, gap.to_timedelta64())
    validation, test = (max(share, 1e-6) for share in shares)
    with np.errstate(divide="ignore"):
        merit = (
            (1 - validation - test) * np.log(before)[:, None]
            + validation * np.log(between)
            + test * np.log(after)[None, :]
        )
    a, b = np.unravel_index(int(merit.argmax()), merit.shape)
    if not np.isfinite(merit[a, b]):
        covered = (last.max() - first.min()) / pd.Timedelta(hours=1) if len(first) else 0
        raise ValueError(
            f"{len(first)} windows over {covered:.0f} h leave training, validation or test empty "
            f"with gaps of {gap / pd.Timedelta(hours=1):.0f} h between them, expected at least one "
            "window in each; acquire more storms, or lower regrid.gap_hours, regrid.rollout or "
            "regrid.history"
        )
    later = first.values >= moments[a] + gap.to_timedelta64()
    split = np.full(len(first), NONE, dtype=object)
    split[last.values <= moments[a]] = "train"
    split[later & (last.values <= moments[b])] = "validation"
    split[first.values >= moments[b] + gap.to_timedelta64()] = "test"
    return split.astype(str)


def _thinned(moments: np.ndarray, most: int = 400) -> np.ndarray:
    """Evenly chosen among very many: where exactly to cut a long record hardly matters."""
    return (
        moments[np.unique(np.linspace(0, len(moments) - 1, most).astype(int))]
        if len(moments)
        else moments
    )


def _between(
    first: np.ndarray, last: np.ndarray, moments: np.ndarray, gap: np.timedelta64
) -> np.ndarray:
    """How many windows lie after moment a and the gap, and end by moment b; (a, b)."""
    counts = np.zeros((len(moments), len(moments)), dtype=int)
    for row, moment in enumerate(moments):
        ends = np.sort(last[first >= moment + gap])
        counts[row] = np.searchsorted(ends, moments, side="right")
    return counts
