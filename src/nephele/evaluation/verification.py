"""Verification of several forecasts of the same windows: one table with intervals."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from nephele.evaluation import bootstrap, scores, structure
from nephele.evaluation.scores import Statistics

COLUMNS = ["score", "forecast", "lead_hours", "value", "low", "high", "storms", "windows"]
MEAN = "mean"  # stands in the place of a lead time: the mean over all of them
SPECTRUM_RATIO = "spectrum_ratio"


@dataclass(frozen=True)
class Verified:
    """What one forecast's windows were reduced to.

    Attributes:
        statistics: see `scores.statistics`, each (window, lead).
        ranks: (lead, member + 1), relative frequencies; None of a single forecast.
        exchanged: `scores.exchanged_ranks`, (window, lead, player, member + 1); None likewise.
        spectrum: mean power by ring of the members, K² a mode, (window, lead, ring).
        true_spectrum: of the truth.
    """

    statistics: dict[str, np.ndarray]
    ranks: np.ndarray | None
    exchanged: np.ndarray | None
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

    @property
    def leads(self) -> list[str]:
        """What a figure's entries are of: the lead times, and after them their mean."""
        return [*map(str, self.lead_hours), MEAN]

    def weights(self) -> np.ndarray:
        """(resample, window); the same for all forecasts, which pairs them."""
        return bootstrap.storm_weights(self.storms, self.resamples, self.seed)


class Figure(NamedTuple):
    """A score, or what is made of scores, by lead time and, last, their mean.

    Attributes:
        value: (lead + 1,).
        resampled: the same in each resample of the storms, (resample, lead + 1).
    """

    value: np.ndarray
    resampled: np.ndarray

    def less(self, other: "Figure") -> "Figure":
        """This less the other, paired: resample by resample."""
        return Figure(self.value - other.value, self.resampled - other.resampled)


def verify(windows: Iterable[tuple[np.ndarray, np.ndarray]]) -> Verified:
    """Reduce forecasts and truths, one window at a time.

    Args:
        windows: pairs of a forecast, K, (member, lead, y, x), and its truth, K, (lead, y, x).
    """
    statistics, ranks, exchanged, spectra, truths = [], [], [], [], []
    for forecast, truth in windows:
        statistics.append(scores.statistics(forecast, truth))
        if len(forecast) > 1:
            ranks.append(scores.ranks(forecast, truth))
            exchanged.append(scores.exchanged_ranks(forecast, truth))
        spectra.append(structure.power_by_scale(forecast).mean(axis=0))
        truths.append(structure.power_by_scale(truth))
    return Verified(
        statistics={key: np.stack([s[key] for s in statistics]) for key in statistics[0]},
        ranks=np.mean(ranks, axis=0) if ranks else None,
        exchanged=np.stack(exchanged) if exchanged else None,
        spectrum=np.stack(spectra),
        true_spectrum=np.stack(truths),
    )


def figure(name: str, statistics: Statistics, weights: np.ndarray) -> Figure:
    """One score of one forecast.

    Args:
        name: of `scores.FORMULAE`.
        statistics: each (window, lead).
        weights: `Design.weights`.
    """
    value = scores.score(name, statistics)
    return Figure(with_mean(value), with_mean(scores.score(name, statistics, weights)))


def table(forecasts: Mapping[str, Statistics], design: Design) -> pd.DataFrame:
    """Every score of every forecast by lead time and on average, with intervals over storms."""
    weights = design.weights()
    parts = [
        rows(name, forecast, figure(name, statistics, weights), design)
        for name in scores.FORMULAE
        for forecast, statistics in forecasts.items()
        if name in scores.available(statistics)
    ]
    return pd.concat(parts, ignore_index=True)


def spectrum_ratios(
    verified: Mapping[str, Verified], design: Design, cell_km: float
) -> pd.DataFrame:
    """Power of single members over that of the truth, by band of wavelengths: a score each.

    One is best. Above one at short waves members are noisy, below one they are blurred.

    Args:
        cell_km: of a pixel's side.
    """
    weights = design.weights()
    parts = [
        rows(f"{SPECTRUM_RATIO}.{band}", forecast, _band_ratio(found, rings, weights), design)
        for band, rings in structure.bands(_size(verified), cell_km).items()
        for forecast, found in verified.items()
    ]
    return pd.concat(parts, ignore_index=True)


def _band_ratio(found: Verified, rings: np.ndarray, weights: np.ndarray) -> Figure:
    """Of the bands' power in all windows, so that windows count by their power."""
    power, truth = (
        structure.power_in(spectrum, rings) for spectrum in (found.spectrum, found.true_spectrum)
    )
    value = power.sum(axis=0) / truth.sum(axis=0)
    return Figure(with_mean(value), with_mean((weights @ power) / (weights @ truth)))


def _size(verified: Mapping[str, Verified]) -> int:
    """Pixels a side of the frames."""
    return 2 * next(iter(verified.values())).spectrum.shape[-1]


def with_mean(values: np.ndarray) -> np.ndarray:
    """Values by lead time (last axis) and, after them, their mean."""
    return np.concatenate([values, values.mean(axis=-1, keepdims=True)], axis=-1)


def rows(name: str, forecast: str, found: Figure, design: Design) -> pd.DataFrame:
    """The table's rows of one score of one forecast."""
    low, high = bootstrap.interval(found.resampled, design.storm_count)
    return pd.DataFrame(
        {
            "score": name,
            "forecast": forecast,
            "lead_hours": design.leads,
            "value": found.value,
            "low": low,
            "high": high,
            "storms": design.storm_count,
            "windows": len(design.storms),
        },
        columns=COLUMNS,
    )


def nested(found: pd.DataFrame) -> dict:
    """The table's values as score → forecast → lead time: for JSON, so None for NaN.

    A dot in a score's name is a further level: `spectrum_ratio.below_100_km`.
    """
    values: dict = {}
    columns = [found[name] for name in ("score", "forecast", "lead_hours", "value")]
    for score, forecast, lead, value in zip(*columns, strict=True):
        place = values
        for name in (*score.split("."), forecast):
            place = place.setdefault(name, {})
        place[lead] = rounded(float(value))
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
