from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Generator

from nephele.learning import checkpoints
from nephele.learning.objectives import Terms, teacher_objective
from nephele.learning.training import (
    Diverged,
    Learner,
    batch,
    gradient_shares,
    learning_rate,
    train,
)
from nephele.network.prediction import Residual
from nephele.windows.tensors import Windows
from tests import small


@pytest.fixture
def windows() -> Windows:
    return random_windows()


def random_windows() -> Windows:
    """Twelve windows of random frames."""
    generator = Generator().manual_seed(0)
    era5 = torch.randn(23, 4, 32, 32, generator=generator)
    return Windows(
        frames=torch.randn(23, 32, 32, generator=generator),
        era5=era5,
        valid=torch.ones_like(era5),
        climatology=torch.zeros(4, 32, 32),
        frame_index=np.arange(12)[:, None] + np.arange(12),
        split=np.array(["train"] * 10 + ["validation", "test"]),
        storm=np.array(["S1"] * 12),
        init_time=np.datetime64("2007-10-03T00", "ns") + np.arange(12),
        variables=small.SHAPE.variables,
        history=4,
        future=5,
        lead_hours=(3, 6, 9, 12, 15, 18, 21, 24),
        scales=small.SCALES,
        attributes={},
    )


def _steps(learner, windows, params=small.TRAINING):
    objective = teacher_objective(small.CAUSAL, params.steps)
    return train(learner, objective, Residual(small.SPECTRA, small.NOISE), windows, params)


def _fresh(seed: int = 0) -> Learner:
    return Learner.fresh(small.network(seed=seed).channels_last(), small.OPTIMISATION)


def test_a_training_that_was_interrupted_gives_the_weights_of_one_that_was_not(windows, tmp_path):
    whole = _fresh()
    list(_steps(whole, windows))

    stopped = _fresh()
    for progress in _steps(stopped, windows):
        if progress.step == 3:
            checkpoints.save(tmp_path / "at3.safetensors", stopped, "mine")
            break
    resumed = _fresh(seed=5)  # whatever it begins with
    checkpoints.load(tmp_path / "at3.safetensors", resumed, "mine")
    list(_steps(resumed, windows))

    for name, weight in whole.network.state_dict().items():
        assert torch.equal(weight, resumed.network.state_dict()[name]), name
    for name, weight in whole.averaged.state_dict().items():
        assert torch.equal(weight, resumed.averaged.state_dict()[name]), name
    assert whole.history == resumed.history


def test_a_checkpoint_of_another_training_is_refused(windows, tmp_path):
    checkpoints.save(tmp_path / "a.safetensors", _fresh(), "another")

    with pytest.raises(ValueError, match=r"a\.safetensors.*another training"):
        checkpoints.load(tmp_path / "a.safetensors", _fresh(), "mine")


def test_a_damaged_checkpoint_is_refused(tmp_path):
    path = tmp_path / "a.safetensors"
    checkpoints.save(path, _fresh(), "mine")
    path.write_bytes(path.read_bytes()[:1000])

    with pytest.raises(ValueError, match=r"a\.safetensors: not a whole checkpoint"):
        checkpoints.load(path, _fresh(), "mine")


def test_the_averaged_weights_are_the_exponential_average_of_the_weights(windows):
    learner = _fresh()
    expected = None
    for _ in _steps(learner, windows):
        gate = learner.network.temporal.gate.detach().clone()
        expected = gate if expected is None else 0.9 * expected + 0.1 * gate

    torch.testing.assert_close(learner.averaged.module.temporal.gate.detach(), expected)


def test_training_updates_the_effects(windows):
    learner = _fresh()
    list(_steps(learner, windows))

    assert learner.network.effect_matrix.average.gt(0).all()
    assert torch.equal(
        learner.network.effect_matrix.average, learner.averaged.module.effect_matrix.average
    )


def test_an_epoch_shows_every_window_once():
    chosen = np.arange(100, 110)

    seen = np.concatenate([batch(chosen, 4, seed=1, step=step) for step in range(5)])

    assert sorted(seen[:10]) == sorted(chosen)
    assert sorted(seen[10:]) == sorted(chosen)
    assert list(seen[:10]) != list(seen[10:])


def test_the_learning_rate_warms_up_and_ends_at_zero():
    params = replace(small.OPTIMISATION, warmup=10, learning_rate=1.0)
    rates = [learning_rate(step, 110, params) for step in range(111)]

    assert rates[0] == pytest.approx(0.1)
    assert rates[9] == pytest.approx(1.0)
    assert rates[60] == pytest.approx(0.5)
    assert rates[110] == pytest.approx(0.0)


def test_shares_are_those_of_the_gradients_norms():
    layer = torch.nn.Linear(1, 1, bias=False)
    output = layer(torch.ones(1, 1)).squeeze()

    shares = gradient_shares(Terms({"a": 3 * output, "b": -output}), layer)

    assert shares == pytest.approx({"a": 0.75, "b": 0.25})


def test_a_loss_that_is_not_a_number_stops_the_training(windows):
    windows.frames[:] = float("nan")

    with pytest.raises(Diverged, match=r"step 1 .*lower the learning rate"):
        list(_steps(_fresh(), windows))


def test_a_gradient_that_is_not_a_number_leaves_the_weights_as_they_are(windows):
    learner = _fresh()
    weight = next(learner.network.parameters())
    weight.register_hook(lambda gradient: gradient * float("nan"))
    before = {name: value.clone() for name, value in learner.network.state_dict().items()}

    with pytest.raises(Diverged, match=r"gradient's norm is nan at step 1"):
        list(_steps(learner, windows))
    assert learner.step == 0
    for name, value in learner.network.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_a_loss_beyond_measure_stops_the_training(windows):
    windows.frames[:] *= 1e4

    with pytest.raises(Diverged, match=r"loss is \d+\.\d+ at step 1 .*below 10000"):
        list(_steps(_fresh(), windows))


def test_the_gradient_of_a_step_is_clipped(windows):
    params = replace(small.TRAINING, optimisation=replace(small.OPTIMISATION, clip=1e-3))
    learner = _fresh()
    progress = next(iter(_steps(learner, windows, params)))

    gradients = [w.grad for w in learner.network.parameters() if w.grad is not None]
    total = torch.stack([gradient.square().sum() for gradient in gradients]).sum().sqrt()
    assert total.item() == pytest.approx(1e-3, rel=1e-3)
    assert progress.gradient_norm > 1e-3


def test_all_that_processes_share_lies_where_the_weights_do():
    """NCCL can send nothing from the memory of the processor."""
    learner = Learner.fresh(small.network().to("meta"), small.OPTIMISATION)

    tensors = [*learner.network.state_dict().values(), *learner.averaged.state_dict().values()]
    assert {tensor.device.type for tensor in tensors} == {"meta"}
