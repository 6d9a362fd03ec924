from dataclasses import replace

import numpy as np
import pytest
import torch
from known_windows import HISTORY, ROLLOUT, make_windows

from nephele.evaluation.sampling import ensembles
from nephele.evaluation.steps import crps_by_steps
from nephele.forecasting.trained import TrainedModel
from nephele.params import SamplingParams
from nephele.windows.tensors import Windows
from tests import small

WINDOWS = make_windows(storms=3, frames=HISTORY + ROLLOUT)  # one window a storm


def _model(kind: str, era5: str = "attention", hindsight: bool = False) -> TrainedModel:
    params = replace(small.NETWORK, era5=era5)
    shape = replace(small.SHAPE, hindsight=hindsight)
    about = replace(small.description(kind), network=params, shape=shape, scales=WINDOWS.scales)
    return TrainedModel(small.network(params, shape).eval().requires_grad_(False), about)


def _later_changed(windows: Windows, first: int, last: int) -> Windows:
    """The windows with another environment at some of the steps after the initial time."""
    era5, valid = windows.era5.clone(), windows.valid.clone()
    frames = windows.frame_index[:, HISTORY + first : HISTORY + last].ravel()
    era5[frames], valid[frames] = era5[frames] + 1, 0.5
    return replace(windows, era5=era5, valid=valid)


def _forecasts(model: TrainedModel, windows: Windows) -> np.ndarray:
    chosen = windows.select("test")
    return np.stack([found for found, _ in ensembles(model, windows, chosen, members=2, seed=0)])


MODELS = {
    "teacher": _model("teacher"),
    "student": _model("student"),
    "control": _model("control"),
    "channels": _model("teacher", "channels"),
    "plain control": _model("control", "channels"),
}


@pytest.mark.parametrize("given", [False, True], ids=["windows", "windows with hindsight"])
@pytest.mark.parametrize("name", MODELS)
def test_nothing_after_the_initial_time_reaches_a_forecast(name, given):
    model, windows = MODELS[name], replace(WINDOWS, hindsight=given)
    changed = _later_changed(windows, 0, ROLLOUT)
    changed = replace(changed, frames=changed.frames.clone())
    changed.frames[changed.frame_index[:, HISTORY:].ravel()] += 1

    assert np.array_equal(_forecasts(model, windows), _forecasts(model, changed))


@pytest.mark.parametrize("era5", ["attention", "channels"])
def test_hindsight_sees_the_networks_lead_times_and_none_beyond(era5):
    model = _model("teacher", era5, hindsight=True)
    forecasts = _forecasts(model, WINDOWS)

    for step in range(5):
        changed = _later_changed(WINDOWS, step, step + 1)
        assert not np.array_equal(forecasts, _forecasts(model, changed))
    assert np.array_equal(forecasts, _forecasts(model, _later_changed(WINDOWS, 5, ROLLOUT)))


def test_steps_are_chosen_with_what_the_model_sees():
    windows = replace(WINDOWS, split=np.full(len(WINDOWS.split), "validation"))
    changed = _later_changed(windows, 0, 5)
    params = SamplingParams(sampler="dpm-solver++", steps=[1], windows=3, members=2)

    for model, same in ((_model("teacher"), True), (_model("teacher", hindsight=True), False)):
        found = [crps_by_steps(model, some, params, seed=0)[1] for some in (windows, changed)]
        assert (found[0] == found[1]) == same


def test_forecasts_of_different_models_have_the_same_noise():
    torch.manual_seed(0)
    first, second = (
        _forecasts(replace(MODELS["teacher"], description=small.description(kind)), WINDOWS)
        for kind in ("student", "control")
    )

    assert np.array_equal(first, second)
