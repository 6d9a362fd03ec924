"""Ensembles from frames in K."""

import numpy as np
import torch

from nephele.forecasting.ensemble import forecast
from nephele.forecasting.trained import TrainedModel
from nephele.windows.tensors import Samples


def ensemble(
    model: TrainedModel, brightness: np.ndarray, members: int, seed: int, frames: int
) -> np.ndarray:
    """Forecast the next `frames` frames of one storm, by a network that needs no ERA5.

    Args:
        brightness: the history, K, (time, y, x).
        seed: of the noise.

    Returns:
        K, (member, lead, y, x).
    """
    return forecast(model, samples(model, brightness[None]), members, seed, frames)[0].numpy()


def samples(
    model: TrainedModel,
    brightness: np.ndarray,
    environment: tuple[np.ndarray, np.ndarray] | None = None,
) -> Samples:
    """What `forecast` takes, from frames as they are measured.

    Args:
        brightness: the history, K, (batch, time, y, x).
        environment: ERA5, normalised, and the share of each cell in which it is defined,
            (batch, variable, time, y, x). Only a teacher looks at them; without them there are
            zeros, since the others' samples have to have some.
    """
    scales = model.description.scales
    normal = (brightness - scales.mean) / scales.std
    history = torch.from_numpy(np.ascontiguousarray(normal, dtype=np.float32))
    if environment is None:
        nothing = torch.zeros(len(history), len(model.variables), *history.shape[1:])
        return Samples(history, history[:, :0], nothing, nothing)
    era5, valid = map(torch.from_numpy, environment)
    return Samples(history, history[:, :0], era5, valid)
