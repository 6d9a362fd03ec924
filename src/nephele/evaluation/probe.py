"""Did the student learn to see ERA5 in clouds? A linear probe asks its features.

Ridge regression reads the large-scale field of each ERA5 variable out of features of the very
same clouds, once the student's, once those of networks that had no teacher, once simple means of
the frames (Alain and Bengio 2016, arXiv:1610.01644). It is fitted on training storms and scored
on test storms. What it reads is in the features, linearly; whether the forecast uses it is
another matter.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
import torch
from sklearn.decomposition import PCA
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GroupKFold, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch.nn import functional

from nephele.evaluation import bootstrap
from nephele.evaluation.feature_tables import CELLS, pooled
from nephele.evaluation.sampling import batches
from nephele.forecasting.features import features
from nephele.forecasting.trained import TrainedModel
from nephele.windows.tensors import Samples, Windows

# What is read of a field: its means over so many blocks a side.
TARGETS = {"scene": 1, "quarters": 2}
FOLDS = 5
PENALTIES = np.logspace(-4, 4, 9)  # where a sample's features have a mean square length of 1
STUDENT = "student"

DIFFERENCE = ("difference", "difference_low", "difference_high")

Folds = list[tuple[np.ndarray, np.ndarray]]  # windows to fit on, windows to score on
Fields = dict[str, np.ndarray]  # target → (window, variable, block), normalised


def fields(windows: Windows, chosen: np.ndarray) -> Fields:
    """Means over blocks of the departure from the climatology, at the last history time.

    Over what is valid (SST: sea); zero, as the teacher is given it, where nothing is.
    """
    samples = windows.samples(chosen)
    anomaly = samples.era5[:, :, -1] - windows.climatology
    valid = samples.valid[:, :, -1]
    found = {}
    for target, blocks in TARGETS.items():
        weighted = functional.adaptive_avg_pool2d(anomaly * valid, blocks)
        weight = functional.adaptive_avg_pool2d(valid, blocks)
        means = torch.where(weight > 0, weighted / weight.clamp(min=1e-6), 0.0)
        found[target] = means.flatten(2).double().numpy()
    return found


def network_features(
    model: TrainedModel, windows: Windows, chosen: np.ndarray, seed: int
) -> np.ndarray:
    """All encoder and attention features, (window, feature), as at the first step of a forecast.

    The frames to be forecast are hidden: in their place there is noise of the highest level alone,
    the same for all windows, so that features differ by what the network is given.
    """
    shape = (windows.future, windows.size, windows.size)
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    highest = model.prediction.largest_sigma
    parts = []
    for _, part, _ in batches(chosen):
        samples = _without_future(windows.samples(part))
        maps = features(model, samples, highest, noise.expand(len(part), *shape))
        parts.append(np.concatenate([pooled(maps[key]) for key in sorted(maps)], axis=2))
    return np.concatenate(parts).reshape(len(chosen), -1)


def frame_means(windows: Windows, chosen: np.ndarray) -> np.ndarray:
    """What needs no network: means of the history frames over `CELLS` a side."""
    frames = windows.samples(chosen).history
    return functional.adaptive_avg_pool2d(frames, CELLS).flatten(1).double().numpy()


def probe(
    training: Mapping[str, np.ndarray],
    unseen: Mapping[str, np.ndarray],
    training_fields: Fields,
    unseen_fields: Fields,
    training_storms: np.ndarray,
    unseen_storms: np.ndarray,
    variables: tuple[str, ...],
    resamples: int,
    seed: int,
) -> pd.DataFrame:
    """How well each variable's fields are read out of each one's features.

    Args:
        training, unseen: (window, feature) by whose they are, `STUDENT` among them.
        training_fields, unseen_fields: of the same windows.
        training_storms, unseen_storms: of the same windows, which are in order of time.
        resamples, seed: of the test storms.

    Returns:
        Columns variable, target, features, r2, low, high; difference (student − these), and its
        difference_low, difference_high; storms, windows. R² is 1 − squared error / squared
        departure from the *training* mean: zero is what that mean gives, below it is worse.
        95 % intervals by bootstrap over storms, NaN where there are too few.
    """
    weights = bootstrap.storm_weights(unseen_storms, resamples, seed)
    storms = len(np.unique(unseen_storms))
    folds = _folds(training_storms)
    axes = {who: _axes(those, unseen[who]) for who, those in training.items()}
    rows = []
    for number, variable in enumerate(variables):
        known, truth = (
            np.concatenate([values[:, number] for values in given.values()], axis=1)
            for given in (training_fields, unseen_fields)
        )
        departure = truth - known.mean(axis=0)
        errors = {who: truth - _read(seen, known, folds, new) for who, (seen, new) in axes.items()}
        for target, part in _parts(training_fields):
            total = _squares(departure[:, part])
            scores = {
                who: _r2(_squares(error[:, part]), total, weights) for who, error in errors.items()
            }
            rows += [
                {
                    "variable": variable,
                    "target": target,
                    "features": who,
                    **_estimate(own, storms, ("r2", "low", "high")),
                    **_estimate(scores[STUDENT] - own, storms, DIFFERENCE),
                    "storms": storms,
                    "windows": len(truth),
                }
                for who, own in scores.items()
            ]
    return pd.DataFrame(rows)


def headline(found: pd.DataFrame) -> dict:
    """The table as target → variable → features → its figures, for JSON; null where undefined."""
    values: dict = {}
    figures = ("r2", "low", "high", *DIFFERENCE)
    for row in found.to_dict("records"):
        place = values.setdefault(row["target"], {}).setdefault(row["variable"], {})
        place[row["features"]] = {
            name: float(f"{row[name]:.6g}") if np.isfinite(row[name]) else None for name in figures
        }
    return values


def _without_future(samples: Samples) -> Samples:
    # The last frame once more: under the noise lies nothing that the history does not tell.
    return replace(samples, future=samples.history[:, -1:].expand_as(samples.future))


def _axes(training: np.ndarray, unseen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Features standardised by the training, on as many axes as there are samples.

    Ridge regression cannot use any other direction, so nothing is lost.
    """
    turned = make_pipeline(StandardScaler(), PCA(svd_solver="full"))
    length = np.sqrt(training.shape[1])
    return turned.fit_transform(training) / length, turned.transform(unseen) / length


def _read(training: np.ndarray, truth: np.ndarray, folds: Folds, unseen: np.ndarray) -> np.ndarray:
    """Predictions by ridge regression, the penalty chosen by leaving out training storms."""
    ridge = RidgeCV(PENALTIES, scoring="neg_mean_squared_error", cv=folds)
    return ridge.fit(training, truth).predict(unseen).reshape(len(unseen), -1)


def _folds(storms: np.ndarray) -> Folds:
    groups = len(np.unique(storms))
    if groups > 1:
        return list(GroupKFold(min(FOLDS, groups)).split(storms, groups=storms))
    # Of a single storm, parts of its life.
    return list(KFold(min(FOLDS, len(storms))).split(storms))


def _parts(fields: Fields) -> Iterator[tuple[str, slice]]:
    """Where each target's blocks are when all stand side by side."""
    start = 0
    for target, values in fields.items():
        yield target, slice(start, start + values.shape[2])
        start += values.shape[2]


def _squares(errors: np.ndarray) -> np.ndarray:
    return (errors**2).sum(axis=1)


def _r2(error: np.ndarray, total: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """With all windows, and then with each resample."""
    sums = np.concatenate([np.ones((1, len(error))), weights])
    below = sums @ total
    return 1 - np.divide(sums @ error, below, out=np.full(len(below), np.nan), where=below > 0)


def _estimate(values: np.ndarray, storms: int, names: tuple[str, str, str]) -> dict[str, float]:
    low, high = bootstrap.interval(values[1:], storms)
    return dict(zip(names, (float(values[0]), float(low), float(high)), strict=True))
