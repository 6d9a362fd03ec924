"""The first rung of the ladder: regressions of the future frames on summaries of what is known.

Ridge regressions of the frames' coarse means on summaries of the history frames, without and with
summaries of ERA5 at the same times; fitted on the training windows, the penalty chosen by
cross-validation over their storms. If ERA5 is of no use to them, what a network would
have to find in it is no matter of means and slopes.
"""

import argparse
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from evidence import scored, settings
from evidence.rows import ERA5, HISTORY
from nephele.evaluation.by_window import statistics_by_window
from nephele.evaluation.sampling import batches, held_out, history, truth
from nephele.evaluation.verification import verify
from nephele.params import VerifyParams
from nephele.windows.tensors import Windows

RINGS_KM = (0, 150, 300, 450, 600, 800, 1000, 1300)  # about the storm
COLD = (220, 235, 253, 280)  # K
BLOCKS = 8  # a side, of the coarse frames
COMPONENTS = 30  # of the coarse frames of the whole history
PENALTIES = 10.0 ** np.arange(6)
FOLDS = 4


def run(windows: Windows, params: VerifyParams) -> pd.DataFrame:
    """Statistics of both regressions' forecasts of the test windows."""
    fitted, chosen = windows.select("train"), held_out(windows, params.windows)
    frames, era5, future = summaries(windows, fitted)
    frames_now, era5_now, _ = summaries(windows, chosen)
    # Of few windows, few components: the last of all would have no variance to be divided by.
    components = PCA(min(COMPONENTS, len(fitted) // 4)).fit(frames["blocks"])
    known = {HISTORY: _of_frames(frames, components)}
    now = {HISTORY: _of_frames(frames_now, components)}
    known[ERA5] = np.hstack([known[HISTORY], era5])
    now[ERA5] = np.hstack([now[HISTORY], era5_now])

    observed = np.concatenate([truth(windows, windows.samples(p)) for _, p, _ in batches(chosen)])
    verified = {}
    for name in known:
        coarse = _forecast(known[name], future, now[name], windows.storm[fitted])
        verified[name] = verify(zip(_fine(coarse, windows.size), observed, strict=True))
    return statistics_by_window(windows, chosen, verified)


def summaries(
    windows: Windows, chosen: np.ndarray
) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """What the regressions are made of, for the windows `chosen`.

    Returns:
        of the history frames, `rings`, `cold` and `blocks`, K or shares, (window, time × n);
        of ERA5, means and slopes, (window, n);
        the coarse future, K, (window, lead, block).
    """
    frames: dict[str, list[np.ndarray]] = {"rings": [], "cold": [], "blocks": []}
    era5, future = [], []
    rings = _rings(windows.size, float(windows.attributes["cell_km"]))
    for _, part, _ in batches(chosen):
        samples = windows.samples(part)
        past = history(windows, samples)
        frames["rings"].append(past.reshape(*past.shape[:2], -1) @ rings)
        frames["cold"].append(np.stack([(past < limit).mean((2, 3)) for limit in COLD], axis=2))
        frames["blocks"].append(_coarse(past))
        era5.append(_plane(samples.era5.numpy()).reshape(len(part), -1))
        future.append(_coarse(truth(windows, samples)))
    together = {name: np.concatenate(parts) for name, parts in frames.items()}
    flat = {name: values.reshape(len(chosen), -1) for name, values in together.items()}
    return flat, np.concatenate(era5), np.concatenate(future)


def _of_frames(frames: dict[str, np.ndarray], components: PCA) -> np.ndarray:
    return np.hstack([frames["rings"], frames["cold"], components.transform(frames["blocks"])])


def _forecast(
    known: np.ndarray, future: np.ndarray, now: np.ndarray, storms: np.ndarray
) -> np.ndarray:
    """The coarse frames, (window, lead, block), each lead time with a penalty of its own."""
    folds = GroupKFold(min(FOLDS, len(np.unique(storms))))
    leads = []
    for lead in range(future.shape[1]):
        search = GridSearchCV(
            make_pipeline(StandardScaler(), Ridge()),
            {"ridge__alpha": PENALTIES},
            scoring="neg_mean_squared_error",
            cv=folds,
        )
        leads.append(search.fit(known, future[:, lead], groups=storms).predict(now))
    return np.stack(leads, axis=1)


def _coarse(frames: np.ndarray) -> np.ndarray:
    """Means of blocks, (…, y, x) to (…, block)."""
    *outer, size, _ = frames.shape
    side = size // BLOCKS
    blocks = frames.reshape(*outer, BLOCKS, side, BLOCKS, side).mean(axis=(-3, -1))
    return blocks.reshape(*outer, -1)


def _fine(coarse: np.ndarray, size: int) -> Iterator[np.ndarray]:
    """Forecasts of one member, (1, lead, y, x), whose pixels are their block's."""
    side = np.ones((size // BLOCKS, size // BLOCKS), np.float32)
    for window in coarse.reshape(*coarse.shape[:2], BLOCKS, BLOCKS).astype(np.float32):
        yield np.kron(window, side)[None]


def _rings(size: int, cell_km: float) -> np.ndarray:
    """Weights of the pixels in the mean of each ring, (pixel, ring)."""
    axis = cell_km * (np.arange(size) - (size - 1) / 2)
    radius = np.hypot(axis[:, None], axis).ravel()
    inside = np.stack([(low <= radius) & (radius < high) for low, high in pairwise(RINGS_KM)], 1)
    inside = inside[:, inside.any(axis=0)]
    return inside / inside.sum(axis=0)


def _plane(fields: np.ndarray) -> np.ndarray:
    """Mean and slopes of fields (…, y, x), as the best plane has them: (…, 3)."""
    size = fields.shape[-1]
    axis = np.linspace(-1, 1, size)
    spread = size**2 * (axis**2).mean()
    north, east = (
        np.tensordot(fields, weights / spread, 2)
        for weights in np.meshgrid(axis, axis, indexing="ij")
    )
    return np.stack([fields.mean(axis=(-2, -1)), north, east], axis=-1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for flag in ("--params", "--windows", "--scores"):
        parser.add_argument(flag, required=True)
    given = parser.parse_args()
    try:
        asked = settings.read(given.params)
        table = run(Windows.read(Path(given.windows)), asked.verify)
        scored.write(table, Path(given.scores))
    except (ValueError, OSError) as error:
        sys.exit(f"evidence.regression: {error}")


if __name__ == "__main__":
    main()
