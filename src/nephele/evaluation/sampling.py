"""Forecasts of chosen windows, one by one, in K: what the verification reads.

A batch of windows has the same noise whatever the model, so forecasts of different models differ
by their models alone; different batches have different noise.
"""

from collections.abc import Callable, Iterator

import numpy as np
from torch import Tensor

from nephele.evaluation.interventions import with_environment_of
from nephele.forecasting.ensemble import forecast
from nephele.forecasting.trained import TrainedModel
from nephele.windows.tensors import Samples, Windows

BATCH = 8  # windows that are forecast at once

Pairs = Iterator[tuple[np.ndarray, np.ndarray]]  # forecast (member, lead, y, x), its truth


def held_out(windows: Windows, count: int) -> np.ndarray:
    """At most `count` test windows, evenly spread over their storms.

    Raises:
        ValueError: there are none.
    """
    chosen = windows.spread("test", count)
    if len(chosen) == 0:
        raise ValueError("the windows have no test split; raise regrid.test_share")
    return chosen


def ensembles(
    model: TrainedModel,
    windows: Windows,
    chosen: np.ndarray,
    members: int,
    seed: int,
    partners: np.ndarray | None = None,
) -> Pairs:
    """Ensemble forecasts of the windows `chosen`, with their truth.

    Args:
        partners: windows whose ERA5 takes the place of the true one.
    """
    windows = model.view(windows)
    for position, part, noise in batches(chosen, seed):
        samples = windows.samples(part)
        if partners is not None:
            samples = with_environment_of(samples, windows.samples(partners[position]))
        ensemble = forecast(model, samples, members, noise)
        yield from zip(ensemble.numpy(), truth(windows, samples), strict=True)


def baseline(
    windows: Windows,
    chosen: np.ndarray,
    rule: Callable[[np.ndarray, int], np.ndarray],
) -> Pairs:
    """A forecast made from the history alone, with its truth.

    Args:
        rule: frames given, (window, time, y, x), and the number of lead times → K,
            (window, 1, lead, y, x).
    """
    for _, part, _ in batches(chosen):
        samples = windows.samples(part)
        observed = truth(windows, samples)
        simple = rule(history(windows, samples), observed.shape[1])
        yield from zip(simple, observed, strict=True)


def truth(windows: Windows, samples: Samples) -> np.ndarray:
    """The frames to be forecast, K, (window, lead, y, x)."""
    return _kelvin(windows, samples.future)


def history(windows: Windows, samples: Samples) -> np.ndarray:
    """The frames given, K, (window, time, y, x)."""
    return _kelvin(windows, samples.history)


def batches(chosen: np.ndarray, seed: int = 0) -> Iterator[tuple[slice, np.ndarray, int]]:
    """Parts of `chosen`: their positions in it, the windows, and a seed for the part's noise."""
    for start in range(0, len(chosen), BATCH):
        position = slice(start, start + BATCH)
        noise = int(np.random.SeedSequence([seed, start]).generate_state(1)[0])
        yield position, chosen[position], noise


def _kelvin(windows: Windows, frames: Tensor) -> np.ndarray:
    return (frames * windows.scales.std + windows.scales.mean).numpy()
