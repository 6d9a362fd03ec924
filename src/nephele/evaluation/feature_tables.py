"""Features of several networks on the same samples and the same noise, pooled for comparison."""

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional

from nephele.evaluation.alignment import measures
from nephele.evaluation.sampling import batches
from nephele.forecasting.features import features
from nephele.forecasting.trained import TrainedModel
from nephele.windows.tensors import Windows

# Features are averaged to this many cells a side before they are compared: position counts
# by quarters of the domain, and one pixel to the left is no difference.
CELLS = 4

Key = tuple[str, int]  # kind of feature (encoder, attention), resolution in pixels a side
Pooled = dict[Key, np.ndarray]  # (sample, variable, feature), float64

CONTROLS = ("shuffled", "untrained", "collapsed", "control")


def pooled_features(
    model: TrainedModel, windows: Windows, chosen: np.ndarray, sigma: float, seed: int
) -> Pooled:
    """Features of a network for the windows `chosen`, pooled to `CELLS` a side.

    Args:
        sigma: noise level at which attention looks at the future; encoders do not see it.
        seed: of the noise; the same for networks that are compared.
    """
    parts: dict[Key, list[np.ndarray]] = {}
    for _, part, noise_seed in batches(chosen, seed):
        samples = windows.samples(part)
        shape = (len(part), windows.future, windows.size, windows.size)
        noise = torch.randn(shape, generator=torch.Generator().manual_seed(noise_seed))
        for key, maps in features(model, samples, sigma, noise).items():
            parts.setdefault(key, []).append(_pooled(maps))
    return {key: np.concatenate(found) for key, found in parts.items()}


def similarity(
    teacher: Pooled,
    student: Pooled,
    untrained: Pooled,
    control: Pooled,
    partners: np.ndarray,
    variables: tuple[str, ...],
    neighbours: int,
) -> pd.DataFrame:
    """Every measure of every kind of feature: the student's, and what its controls reach.

    Args:
        untrained: of the student's network before any training.
        control: of the student that had no teacher.
        partners: for each sample another one, which takes its place in `shuffled`.

    Returns:
        Columns variable, kind, resolution, metric, student and `CONTROLS`; `collapsed` is a
        student that gives each sample the teacher's mean.
    """
    rows = []
    for (kind, resolution), expected in sorted(teacher.items()):
        found = {
            "student": student[kind, resolution],
            "shuffled": student[kind, resolution][partners],
            "untrained": untrained[kind, resolution],
            "collapsed": np.broadcast_to(expected.mean(axis=0), expected.shape),
            "control": control[kind, resolution],
        }
        for number, variable in enumerate(variables):
            for name, measure in measures(neighbours).items():
                values = {
                    who: measure(expected[:, number], those[:, number])
                    for who, those in found.items()
                }
                key = {"variable": variable, "kind": kind, "resolution": resolution}
                rows.append({**key, "metric": name, **values})
    return pd.DataFrame(rows)


def nested(found: pd.DataFrame) -> dict:
    """The table as metric → who → kind_resolution → variable and mean, for JSON."""
    values: dict = {}
    columns = ("metric", "kind", "resolution", "variable")
    for who in ("student", *CONTROLS):
        entries = zip(*(found[name] for name in columns), found[who], strict=True)
        for metric, kind, resolution, variable, value in entries:
            place = values.setdefault(metric, {}).setdefault(who, {})
            place.setdefault(f"{kind}_{resolution}", {})[variable] = float(f"{value:.6g}")
        for metric, rows in found.groupby("metric"):
            values[metric][who]["mean"] = float(f"{rows[who].mean():.6g}")
    return values


def _pooled(maps: Tensor) -> np.ndarray:
    batch, variables = maps.shape[:2]
    cells = functional.adaptive_avg_pool2d(maps.flatten(0, 1).float(), CELLS)
    return cells.reshape(batch, variables, -1).double().numpy()
