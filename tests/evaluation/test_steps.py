"""The choice of sampling steps, by models whose error at each number of steps is known."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from known_windows import make_windows

from nephele.evaluation import steps
from nephele.forecasting.trained import TrainedModel
from nephele.params import SamplingParams
from nephele.windows.tensors import Windows

ERRORS = {1: 3.0, 2: 1.0, 5: 2.0}  # steps → standard deviation of members and of truth, K
PARAMS = SamplingParams(sampler="dpm-solver++", steps=[*ERRORS], windows=6, members=4)


class Reliable(TrainedModel):
    """Members and truth lie alike about a mean, as far from it as `ERRORS` says."""

    def __init__(self, taken: int = 0) -> None:
        object.__setattr__(self, "taken", taken)

    def with_steps(self, steps: int) -> "Reliable":
        return Reliable(steps)

    def view(self, windows: Windows) -> Windows:
        return windows


@pytest.fixture
def windows():
    known = make_windows(storms=6)
    split = np.where(known.storm < "s03", "validation", "test")
    return replace(known, split=split)


@pytest.fixture
def forecasts(monkeypatch):
    """What was asked for: the steps, the frames to be forecast and the noise's seed."""
    asked = []

    def forecast(model, samples, members, seed, leads):
        future = 265 + 20 * samples.future[:, None, :leads]
        asked.append((model.taken, samples.future, seed))
        shape = (len(future), members + 1, *future.shape[2:])
        noise = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
        return future + ERRORS[model.taken] * (noise[:, 1:] + noise[:, :1])

    monkeypatch.setattr(steps, "forecast", forecast)
    return asked


def test_each_number_of_steps_has_the_crps_of_its_error(windows, forecasts):
    found = steps.crps_by_steps(Reliable(), windows, PARAMS, seed=1)
    # Half of E|N(0, 2 s²)| = 2 s / √π: members and truth are of one distribution.
    expected = {number: error / np.sqrt(np.pi) for number, error in ERRORS.items()}
    assert found == pytest.approx(expected, rel=0.02)


def test_test_storms_have_no_say_and_all_candidates_have_the_same_noise(windows, forecasts):
    steps.crps_by_steps(Reliable(), windows, PARAMS, seed=1)
    allowed = windows.samples(windows.select("validation")).future
    for _, future, _ in forecasts:
        assert all((window == allowed).flatten(1).all(dim=1).any() for window in future)
    noise = {number: [seed for n, _, seed in forecasts if n == number] for number in ERRORS}
    assert noise[1] == noise[2] == noise[5]


def test_without_validation_storms_there_is_no_choice(windows):
    everything = replace(windows, split=np.full(len(windows.split), "test"))
    with pytest.raises(ValueError, match="no validation split"):
        steps.crps_by_steps(Reliable(), everything, PARAMS, seed=1)
