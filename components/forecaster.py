"""A trained model as MLflow serves it: temperatures in, ensembles of temperatures out.

    model = mlflow.pyfunc.load_model("models:/…")
    ensemble = model.predict({"history": frames}, params={"members": 8, "seed": 0})

MLflow loads this module beside the files of the model; nothing is pickled.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from components.tracking import OPTIONS, Log, Shape
from nephele.forecasting import trained
from nephele.forecasting.ensemble import forecast
from nephele.forecasting.trained import TrainedModel
from nephele.windows.tensors import Samples

ANY = -1  # a size that the caller chooses


class Forecaster:
    """What MLflow calls."""

    def __init__(self, model: TrainedModel) -> None:
        self.model = model

    def predict(
        self, model_input: Mapping[str, np.ndarray], params: Mapping[str, int] | None = None
    ) -> np.ndarray:
        """Forecast brightness temperatures.

        Args:
            model_input: `history`, K, (batch, history, y, x), the last at the initial time.
                For a teacher also `era5`, (batch, variable, history, y, x), normalised as
                in training, and `valid`, where it is defined.
            params: `members` of the ensemble, and the `seed` of its noise.

        Returns:
            K, (batch, member, lead, y, x).
        """
        given = OPTIONS | dict(params or {})
        scales = self.model.description.scales
        history = (_tensor(model_input["history"]) - scales.mean) / scales.std
        era5, valid = self._environment(model_input, history)
        samples = Samples(history=history, future=history[:, :0], era5=era5, valid=valid)
        return forecast(self.model, samples, given["members"], given["seed"]).numpy()

    def _environment(
        self, model_input: Mapping[str, np.ndarray], history: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """ERA5 and its validity: a teacher's are given, the others do not look at them."""
        if self.model.kind != "teacher":
            nothing = torch.zeros(len(history), len(self.model.variables), *history.shape[1:])
            return nothing, nothing
        for name in ("era5", "valid"):
            if name not in model_input:
                raise ValueError(f"no {name}; a teacher forecasts from history, era5 and valid")
        return _tensor(model_input["era5"]), _tensor(model_input["valid"])


def _load_pyfunc(path: str) -> Forecaster:
    """MLflow's way in."""
    return Forecaster(trained.load(Path(path)))


def log_trained(log: Log, folder: Path, model: TrainedModel, figures: Mapping) -> None:
    """Log the model that lies in `folder`, and the figures of its training."""
    shape = model.description.shape
    frames = (shape.history, shape.size, shape.size)
    inputs: dict[str, Shape] = {"history": (ANY, *frames)}
    if model.kind == "teacher":
        inputs |= {name: (ANY, len(model.variables), *frames) for name in ("era5", "valid")}
    output = (ANY, ANY, len(model.lead_hours), shape.size, shape.size)

    numbers = {key: value for key, value in figures.items() if isinstance(value, int | float)}
    log.metrics(figures["steps"], **{f"final.{key}": value for key, value in numbers.items()})
    log.model(model.kind, folder, "components.forecaster", inputs, output)


def _tensor(values: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
