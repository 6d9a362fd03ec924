"""Verification of several forecasts of the same windows: one table with intervals."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nephele.evaluation import bootstrap, scores, structure

COLUMNS = ["score", "forecast", "lead_hours", "value", "low", "high", "storms", "windows"]
MEAN = "mean"  # stands in the place of a lead time: the mean over all of them


@dataclass(frozen=True)
class Verified:
    """What one forecast's windows were reduced to.

    Attributes:
        statistics: see `scores.statistics`, each (window, lead).
        ranks: (lead, member + 1), relative frequencies; None of a single forecast.
        spectrum: mean power by ring of the members, K², (lead, ring).
        true_spectrum: of the truth.
    """

    statistics: dict[str, np.ndarray]
    ranks: np.ndarray | None
    spectrum: np.ndarray
    true_spectrum: np.ndarray


@dataclass(frozen=True)
class Design:
    """Which windows are verified, and how their storms are resampled."""

    storms: np.ndarray  # of each window
    lead_hours: tuple[int, ...]
    resamples: int
    seed: int

    @property
    def storm_count(self) -> int:
        return len(np.unique(self.storms))

    def weights(self) -> np.ndarray:
        """(resample, window); the same for all forecasts, which pairs them."""
        return bootstrap.storm_weights(self.storms, self.resamples, self.seed)


def verify(windows: Iterable[tuple[np.ndarray, np.ndarray]]) -> Verified:
    """Reduce forecasts and truths, one window at a time.

    Args:
        windows: pairs of a forecast, K, (member, lead, y, x), and its truth, K, (lead, y, x).
    """
    statistics, ranks, spectra, truths = [], [], [], []
    for forecast, truth in windows:
        statistics.append(scores.statistics(forecast, truth))
        if len(forecast) > 1:
            ranks.append(scores.ranks(forecast, truth))
        spectra.append(structure.power_by_scale(forecast).mean(axis=0))
        truths.append(structure.power_by_scale(truth))
    return Verified(
        statistics={key: np.stack([s[key] for s in statistics]) for key in statistics[0]},
        ranks=np.mean(ranks, axis=0) if ranks else None,
        spectrum=np.mean(spectra, axis=0),
        true_spectrum=np.mean(truths, axis=0),
    )


def table(verified: Mapping[str, Verified], design: Design) -> pd.DataFrame:
    """Every score of every forecast by lead time and on average, with intervals over storms."""
    weights = design.weights()
    parts = []
    for name in scores.FORMULAE:
        for forecast, found in verified.items():
            if name not in scores.available(found.statistics):
                continue
            value = with_mean(scores.score(name, found.statistics))
            resampled = with_mean(scores.score(name, found.statistics, weights))
            parts.append(rows(name, forecast, value, resampled, design))
    return pd.concat(parts, ignore_index=True)


def with_mean(values: np.ndarray) -> np.ndarray:
    """Values by lead time (last axis) and, after them, their mean."""
    return np.concatenate([values, values.mean(axis=-1, keepdims=True)], axis=-1)


def rows(
    name: str, forecast: str, value: np.ndarray, resampled: np.ndarray, design: Design
) -> pd.DataFrame:
    """The table's rows of one score of one forecast.

    Args:
        value: (lead + 1,), as `with_mean` makes it.
        resampled: (resample, lead + 1).
    """
    low, high = bootstrap.interval(resampled, design.storm_count)
    return pd.DataFrame(
        {
            "score": name,
            "forecast": forecast,
            "lead_hours": [*map(str, design.lead_hours), MEAN],
            "value": value,
            "low": low,
            "high": high,
            "storms": design.storm_count,
            "windows": len(design.storms),
        },
        columns=COLUMNS,
    )


def nested(found: pd.DataFrame) -> dict:
    """The table's values as score → forecast → lead time: for JSON, so None for NaN."""
    values: dict = {}
    columns = [found[name] for name in ("score", "forecast", "lead_hours", "value")]
    for score, forecast, lead, value in zip(*columns, strict=True):
        values.setdefault(score, {}).setdefault(forecast, {})[lead] = rounded(float(value))
    return values


def rounded(value: float) -> float | None:
    """Six significant digits, None for NaN."""
    return float(f"{value:.6g}") if np.isfinite(value) else None


def by_lead(found: pd.DataFrame, name: str, forecast: str) -> Sequence[np.ndarray]:
    """Value, low and high, each by lead time without the mean; empty where there are none."""
    chosen = found[
        (found.score == name) & (found.forecast == forecast) & (found.lead_hours != MEAN)
    ]
    return [chosen[column].to_numpy(float) for column in ("value", "low", "high")]
