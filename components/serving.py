"""A trained model as MLflow serves it: temperatures in, ensembles of temperatures out.

    model = mlflow.pyfunc.load_model("models:/nephele-student@champion")
    ensemble = model.predict({"history": frames}, params={"members": 8, "seed": 0})

MLflow loads this module beside the files of the model; nothing is pickled. All that it imports
travels with the model.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE

from components import demands
from nephele.forecasting import trained
from nephele.forecasting.ensemble import forecast
from nephele.forecasting.trained import TrainedModel
from nephele.products import ensembles
from nephele.windows.tensors import Samples

SERVER = "mlflow.pyfunc.scoring_server"


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

        Raises:
            Refusal: shapes, units, values or params are others.
        """
        try:
            wanted = demands.options(params)
            samples = self._samples(model_input)
            demands.check_together(len(samples.history), wanted["members"])
        except ValueError as error:
            raise Refusal(str(error)) from None
        return forecast(self.model, samples, wanted["members"], wanted["seed"]).numpy()

    def _samples(self, given: Mapping[str, np.ndarray]) -> Samples:
        shape = self.model.description.shape
        frames = (shape.history, shape.size, shape.size)
        history = demands.frames(given, frames)
        if self.model.kind != "teacher":
            return ensembles.samples(self.model, history)
        era5, valid = demands.environment(given, (len(shape.variables), *frames))
        if not len(era5) == len(valid) == len(history):
            raise ValueError(
                f"history has {len(history)} samples, era5 {len(era5)} and valid {len(valid)}; "
                "expected as many of each"
            )
        return ensembles.samples(self.model, history, (era5, valid))


class Refusal(MlflowException):
    """The client's mistake in one sentence, which MLflow's server answers with the status 400.

    Other exceptions' messages it hides behind one of its own, and in front of those of this kind
    it would put all the data of the request.
    """

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, error_code=INVALID_PARAMETER_VALUE)

    def __setattr__(self, name: str, value: object) -> None:
        if name != "message" or not hasattr(self, "message"):
            super().__setattr__(name, value)


def _load_pyfunc(path: str) -> Forecaster:
    """MLflow's way in."""
    if SERVER in sys.modules:
        # Its own refusals, as of a wrong shape, repeat the data, twice, before they say why.
        np.set_printoptions(threshold=0, edgeitems=1)
    return Forecaster(trained.load(Path(path)))
