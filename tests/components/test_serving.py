from dataclasses import replace

import mlflow
import numpy as np
import pytest
import small
import torch
from mlflow.exceptions import MlflowException

from components import tracking
from components.serving import Forecaster
from components.training import log_trained, save
from nephele.forecasting.ensemble import forecast
from nephele.forecasting.trained import TrainedModel
from nephele.windows.tensors import Samples


@pytest.fixture(params=["teacher", "student"])
def model(request) -> TrainedModel:
    return small.model(request.param)


def samples_of(count: int) -> Samples:
    """Random samples, no colder or warmer than clouds and seas can be."""
    samples = small.samples(count)
    return replace(samples, history=samples.history.clamp(-4, 2.5))


def inputs(model: TrainedModel, samples) -> dict[str, np.ndarray]:
    """What a caller has: temperatures, and for a teacher ERA5."""
    scales = model.description.scales
    given = {"history": (samples.history * scales.std + scales.mean).numpy()}
    if model.kind == "teacher":
        given |= {"era5": samples.era5.numpy(), "valid": samples.valid.numpy()}
    return given


def test_forecast_from_temperatures_is_the_one_from_normalised_samples(model):
    samples = samples_of(2)
    expected = forecast(model, samples, members=3, seed=5).numpy()
    given = Forecaster(model).predict(inputs(model, samples), {"members": 3, "seed": 5})
    # K; the networks run in bf16, which rounds a temperature that came and went differently.
    assert np.sqrt(np.mean((given - expected) ** 2)) < 0.3


def test_teacher_without_era5_is_refused(model):
    history = {"history": inputs(model, samples_of(1))["history"]}
    if model.kind == "teacher":
        with pytest.raises(MlflowException, match="no era5 among the inputs"):
            Forecaster(model).predict(history)
    else:
        assert Forecaster(model).predict(history).shape == (1, 8, 8, 32, 32)


def test_a_teachers_era5_with_holes_is_refused(model):
    given = inputs(model, samples_of(1))
    if model.kind == "teacher":
        given["era5"][0, 1, 2, 3, 4] = np.nan
        with pytest.raises(MlflowException, match="first in sample 0, variable 1, frame 2, y 3"):
            Forecaster(model).predict(given)


def test_more_than_one_answer_holds_is_refused(model):
    with pytest.raises(MlflowException, match="192 forecasts; expected at most 128"):
        Forecaster(model).predict(inputs(model, samples_of(3)), {"members": 64})


def test_model_comes_back_from_mlflow_as_it_was_and_without_pickles(model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    folder = tmp_path / "model"
    save(folder, model)
    with tracking.run("train", {}) as log:
        log_trained(log, folder, {"steps": 8, "loss": 0.5, "terms": {"score": 0.5}})

    mlflow.set_tracking_uri(tracking.tracking_uri())
    experiments = [experiment.experiment_id for experiment in mlflow.search_experiments()]
    (logged,) = mlflow.search_logged_models(experiments, output_format="list")
    samples = samples_of(1)
    served = mlflow.pyfunc.load_model(logged.model_uri)
    given = served.predict(inputs(model, samples), params={"members": 2, "seed": 5})

    expected = Forecaster(model).predict(inputs(model, samples), {"members": 2, "seed": 5})
    np.testing.assert_array_equal(given, expected)
    assert not {p.suffix for p in tmp_path.rglob("*")} & {".pkl", ".pickle", ".pt", ".pth"}
    (run,) = mlflow.search_runs(experiments, output_format="list")
    assert run.data.metrics == {"final/steps": 8, "final/loss": 0.5}


def test_members_differ_and_seeds_repeat(model):
    given = inputs(model, samples_of(1))
    one, again, other = (
        Forecaster(model).predict(given, {"members": 2, "seed": seed}) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, again)
    assert not torch.from_numpy(one[:, 0]).equal(torch.from_numpy(one[:, 1]))
    assert not np.array_equal(one, other)
