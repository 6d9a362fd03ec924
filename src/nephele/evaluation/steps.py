"""How many sampling steps a trained model takes: what the validation storms like best.

An under-trained model is over-dispersed at many steps and under-dispersed at one or two.
The test storms have no say in it.
"""

import numpy as np

from nephele.evaluation.crps import fair_crps
from nephele.evaluation.sampling import batches, truth
from nephele.forecasting.ensemble import forecast
from nephele.forecasting.trained import TrainedModel
from nephele.params import SamplingParams
from nephele.windows.tensors import Windows


def crps_by_steps(
    model: TrainedModel, windows: Windows, params: SamplingParams, seed: int
) -> dict[int, float]:
    """Fair CRPS, K, mean over validation windows and lead times, by number of steps.

    Raises:
        ValueError: there are no validation windows.
    """
    windows = model.view(windows)
    chosen = windows.spread("validation", params.windows)
    if len(chosen) == 0:
        raise ValueError("the windows have no validation split; raise regrid.validation_share")
    return {
        steps: _crps(model.with_steps(steps), windows, chosen, params.members, seed)
        for steps in params.steps
    }


def _crps(
    model: TrainedModel, windows: Windows, chosen: np.ndarray, members: int, seed: int
) -> float:
    found = []
    for _, part, noise in batches(chosen, seed):
        samples = windows.samples(part)
        ensemble = forecast(model, samples, members, noise, windows.future).numpy()
        observed = truth(windows, samples)[:, : windows.future]
        found += [fair_crps(*pair) for pair in zip(ensemble, observed, strict=True)]
    return float(np.mean(found))
