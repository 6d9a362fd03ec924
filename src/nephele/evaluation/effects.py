"""Effects of the ERA5 variables on the forecast: what training learnt, what intervention shows.

Two matrices, variable × lead time, in K, that answer two questions:

- *learned*: by how much a variable's causal features move the head's prediction of the frame's
  mean. It describes the trained head; A is its moving average over training, and the same
  measured anew on held-out windows gives it an interval.
- *interventional*: by how much the forecast itself changes, pixel by pixel, when the variable's
  values are replaced and everything else, noise included, stays. It describes the trained
  teacher, do(variable = replacement), and not the atmosphere.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch

from nephele.evaluation import interventions, measured
from nephele.evaluation.measured import Measured
from nephele.evaluation.sampling import batches, truth
from nephele.forecasting.ensemble import forecast, inference
from nephele.forecasting.trained import TrainedModel
from nephele.learning.objectives import noised
from nephele.network.nephele import sources
from nephele.network.prediction import network_output
from nephele.network.shapes import VariableVectors
from nephele.windows.spectra import pixels
from nephele.windows.tensors import Samples, Windows

# Samples, positions of these among the chosen windows, number of the variable → changed samples.
Intervention = Callable[[Samples, slice, int], Samples]
Name = TypeVar("Name", bound=Hashable)


@dataclass(frozen=True)
class Changes:
    """What an intervention on each variable did, by window: (window, variable, lead).

    Attributes:
        squared: mean over pixels of the squared change of the ensemble mean, K².
        worsening: increase of the ensemble mean's squared error, K².
        error: squared error without intervention, K², (window, lead).
    """

    squared: np.ndarray
    worsening: np.ndarray
    error: np.ndarray


def learned(model: TrainedModel) -> np.ndarray:
    """The matrix A that training has learnt, K, (variable, lead).

    The moving average of the direct effects that the head showed in training.
    """
    return in_kelvin(model, model.network.effect_matrix.average.detach().numpy())


def in_kelvin(model: TrainedModel, normalised: np.ndarray) -> np.ndarray:
    """Effects on the clean frames' means (…, lead), which have unit variance, as K."""
    about = model.description
    if about.mode == "noise":  # there, clean are the frames themselves, not their change
        return normalised * about.scales.std
    return normalised * about.scales.std * pixels(about.spectra, about.shape.size)


def head_effects(
    model: TrainedModel,
    windows: Windows,
    chosen: np.ndarray,
    storms: Sequence[str] | np.ndarray,
    weights: np.ndarray,
    seed: int,
) -> Measured:
    """What the moving average of `learned` averages, measured on the windows `chosen`, K.

    As in training: at noise levels drawn as there, the causal features of each window give
    way to their mean, here over all the windows.
    """
    vectors = []
    for _, part, batch_seed in batches(chosen, seed):
        vectors.append(_causal_features(model, windows.samples(part), batch_seed))
    causal = torch.cat(vectors)
    with torch.inference_mode():
        predict = model.network.causal_heads.predict
        change = predict(causal) - predict(causal.mean(dim=0, keepdim=True))
    squared = in_kelvin(model, change.numpy().astype(np.float64)) ** 2
    return measured.root_mean_square(squared, storms, weights)


def _causal_features(model: TrainedModel, samples: Samples, seed: int) -> VariableVectors:
    generator = torch.Generator().manual_seed(seed)
    draw = noised(model.prediction, samples, model.description.shape.future, generator)
    with inference(draw.noisy):
        condition = model.network.condition(samples.history, sources(samples, model.kind))
        output = network_output(model.network, draw.noisy, draw.sigma, condition)
    return output.decomposition.causal.float().mean(dim=(3, 4))


def to_climatology(windows: Windows, towards: float = 1.0, since: int = 0) -> Intervention:
    """Move a variable towards its climatology; see `interventions.with_climatology`."""

    def intervene(samples: Samples, position: slice, variable: int) -> Samples:
        climatology = windows.climatology
        return interventions.with_climatology(samples, variable, climatology, towards, since)

    return intervene


def to_another_storm(windows: Windows, partners: np.ndarray) -> Intervention:
    """Replace a variable by that of the windows `partners`, which belong to other storms."""

    def intervene(samples: Samples, position: slice, variable: int) -> Samples:
        others = windows.samples(partners[position])
        return interventions.with_variable_of(samples, variable, others)

    return intervene


def changes(
    model: TrainedModel,
    windows: Windows,
    chosen: np.ndarray,
    asked: Mapping[Name, Intervention],
    members: int,
    seed: int,
) -> dict[Name, Changes]:
    """Forecast the windows `chosen` as they are, and after each intervention on each variable.

    The same noise each time, and only the lead times that the network forecasts at once.
    """
    parts: dict[Name, list[Changes]] = defaultdict(list)
    for position, part, batch_seed in batches(chosen, seed):
        samples = windows.samples(part)
        observed = truth(windows, samples)[:, : windows.future]

        def mean(samples: Samples, batch_seed: int = batch_seed) -> np.ndarray:
            ensemble = forecast(model, samples, members, batch_seed, leads=windows.future)
            return ensemble.mean(dim=1).numpy()

        plain = mean(samples)
        error = _mean_square(plain - observed)
        for name, intervene in asked.items():
            variables = range(len(windows.variables))
            changed = [mean(intervene(samples, position, variable)) for variable in variables]
            squared = np.stack([_mean_square(c - plain) for c in changed], axis=1)
            worse = np.stack([_mean_square(c - observed) - error for c in changed], axis=1)
            parts[name].append(Changes(squared, worse, error))
    return {name: _joined(changes) for name, changes in parts.items()}


def _joined(parts: Sequence[Changes]) -> Changes:
    return Changes(
        np.concatenate([part.squared for part in parts]),
        np.concatenate([part.worsening for part in parts]),
        np.concatenate([part.error for part in parts]),
    )


def interventional(
    found: Changes, storms: Sequence[str] | np.ndarray, weights: np.ndarray
) -> Measured:
    """Root mean square change of the ensemble mean, K, with intervals over storms.

    Args:
        weights: of `bootstrap.storm_weights`.
    """
    return measured.root_mean_square(found.squared, storms, weights)


def loss_of_skill(
    found: Changes, storms: Sequence[str] | np.ndarray, weights: np.ndarray
) -> Measured:
    """By how much the RMSE of the ensemble mean grows without the variable, K.

    Below zero, the forecast is better without it.
    """

    def value(share: np.ndarray) -> np.ndarray:
        before = measured.mean(share, found.error)[..., None, :]
        return np.sqrt(before + measured.mean(share, found.worsening)) - np.sqrt(before)

    return measured.over_storms(value, storms, weights)


def _mean_square(fields: np.ndarray) -> np.ndarray:
    return (fields.astype(np.float64) ** 2).mean(axis=(-2, -1))
