"""Features of several networks on the same samples and the same noise, pooled for comparison."""

from dataclasses import replace

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional

from nephele.evaluation.alignment import (
    COSINE,
    NO_EVIDENCE,
    Judgement,
    Pairs,
    band,
    judged,
    measures,
    verdict,
)
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
            parts.setdefault(key, []).append(pooled(maps))
    return {key: np.concatenate(found) for key, found in parts.items()}


def similarity(
    teacher: Pooled,
    student: Pooled,
    untrained: Pooled,
    control: Pooled,
    storms: np.ndarray,
    partners: np.ndarray,
    variables: tuple[str, ...],
    neighbours: int,
) -> pd.DataFrame:
    """Every measure of every kind of feature: the student's, what its controls reach, a verdict.

    Args:
        untrained: of the student's network before any training.
        control: of the student that had no teacher.
        storms: of the samples.
        partners: for each sample another one, which takes its place in `shuffled`; several such
            pairings, (pairing, sample), over which that control is averaged.

    Returns:
        Columns variable, kind, resolution, metric, student and `CONTROLS`; `collapsed` is a
        student that gives each sample the teacher's mean. Then `alignment.Judgement`'s nearest,
        difference, low and high; `band`, of a cosine alone; and the verdict.
    """
    rows = []
    for (kind, resolution), expected in sorted(teacher.items()):
        key = kind, resolution
        for number, variable in enumerate(variables):
            theirs, copy = expected[:, number], Pairs(student[key][:, number], storms[:, None])
            mean = np.broadcast_to(theirs.mean(axis=0), theirs.shape)
            controls = {
                "shuffled": [_shuffled(copy, order) for order in partners],
                "untrained": [replace(copy, features=untrained[key][:, number])],
                "collapsed": [replace(copy, features=mean)],
                "control": [replace(copy, features=control[key][:, number])],
            }
            what = {"variable": variable, "kind": kind, "resolution": resolution}
            for name, measure in measures(neighbours).items():
                found = judged(measure, theirs, copy, controls)
                rows.append({**what, "metric": name, **_row(name, found)})
    return pd.DataFrame(rows)


def nested(found: pd.DataFrame) -> dict:
    """The table as metric → who → kind_resolution → variable and mean, for JSON.

    `difference`, `low` and `high` stand beside the networks, null where undefined; `verdicts`
    counts the cases in which there is one.
    """
    values: dict = {}
    columns = ("metric", "kind", "resolution", "variable")
    for what in ("student", *CONTROLS, "difference", "low", "high"):
        entries = zip(*(found[name] for name in columns), found[what], strict=True)
        for metric, kind, resolution, variable, value in entries:
            place = values.setdefault(metric, {}).setdefault(what, {})
            place.setdefault(f"{kind}_{resolution}", {})[variable] = _rounded(value)
    for metric, rows in found.groupby("metric"):
        for who in ("student", *CONTROLS):
            values[metric][who]["mean"] = _rounded(rows[who].mean())
        given = int((rows.verdict != NO_EVIDENCE).sum())
        values[metric]["verdicts"] = {"given": given, "of": len(rows)}
    return values


def _shuffled(pairs: Pairs, order: np.ndarray) -> Pairs:
    """Others in the samples' places; each pair then has to do with two storms."""
    return Pairs(pairs.features[order], np.concatenate([pairs.storms, pairs.storms[order]], axis=1))


def _row(metric: str, found: Judgement) -> dict:
    return {
        "student": found.student,
        **found.controls,
        "nearest": found.nearest,
        "difference": found.difference,
        "low": found.low,
        "high": found.high,
        "band": band(found.student) if metric == COSINE else "",
        "verdict": verdict(metric, found),
    }


def _rounded(value: float) -> float | None:
    return float(f"{value:.6g}") if np.isfinite(value) else None


def pooled(maps: Tensor) -> np.ndarray:
    """Maps, (batch, variable, channel, y, x), averaged to `CELLS` a side, and laid out as one."""
    batch, variables = maps.shape[:2]
    cells = functional.adaptive_avg_pool2d(maps.flatten(0, 1).float(), CELLS)
    return cells.reshape(batch, variables, -1).double().numpy()
