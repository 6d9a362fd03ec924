"""Ensembles from frames in K, by a network that needs no ERA5."""

import numpy as np
import torch

from nephele.forecasting.ensemble import forecast
from nephele.forecasting.trained import TrainedModel
from nephele.windows.tensors import Samples


def leads(model: TrainedModel, hours: int) -> int:
    """How many frames a forecast of `hours` has.

    Raises:
        ValueError: `hours` falls between two frames, or beyond what the model knows.
    """
    step, most = model.description.trained_on.spacing_hours, model.lead_hours[-1]
    if hours < step or hours > most or hours % step:
        raise ValueError(
            f"--hours {hours}: expected a multiple of {step} from {step} to {most}, the lead times "
            "that the model knows"
        )
    return hours // step


def check_needs_no_era5(model: TrainedModel, name: str) -> None:
    """Refuse a teacher; `name` is where the model lies."""
    if model.kind == "teacher":
        raise ValueError(
            f"{name}: a teacher, which needs ERA5 that is not there when a forecast is made; "
            "expected a student (or its control)"
        )


def ensemble(
    model: TrainedModel, brightness: np.ndarray, members: int, seed: int, frames: int
) -> np.ndarray:
    """Forecast the next `frames` frames.

    Args:
        brightness: the history, K, (time, y, x).
        seed: of the noise.

    Returns:
        K, (member, lead, y, x).
    """
    about = model.description
    normal = (brightness[None] - about.scales.mean) / about.scales.std
    history = torch.from_numpy(np.ascontiguousarray(normal, dtype=np.float32))
    # Only a teacher looks at ERA5; the others' samples have to have some.
    nothing = torch.zeros(1, len(model.variables), *history.shape[1:])
    samples = Samples(history, history[:, :0], nothing, nothing)
    return forecast(model, samples, members, seed, frames)[0].numpy()
