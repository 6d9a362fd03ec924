from types import SimpleNamespace

import pytest
import torch
from torch import Generator

from nephele.forecasting.samplers import sample
from nephele.learning import few_steps
from nephele.learning.few_steps import AtLevels, few_step_objective, levels, two_steps
from nephele.learning.objectives import conditioned, noised
from nephele.network.prediction import Residual
from tests import small

PREDICTION = Residual(small.SPECTRA, small.NOISE)
LARGEST = PREDICTION.largest_sigma


def test_the_levels_of_a_round_are_every_other_one_of_the_round_before():
    fine, coarse = levels(LARGEST, 4), levels(LARGEST, 2)

    assert coarse == pytest.approx(fine[::2])
    assert levels(LARGEST, 1) == pytest.approx([LARGEST])
    assert list(fine) == sorted(fine, reverse=True)


def test_the_solver_passes_through_these_levels():
    seen = []

    def denoise(noisy, sigma):
        seen.append(sigma)
        return noisy / (1 + sigma**2)

    passed = levels(LARGEST, 4)
    sample(denoise, torch.ones(1, 1, 2, 2), "euler", 4, (passed[-1], LARGEST), Generator())

    assert seen == pytest.approx(passed, rel=1e-5)


def gaussian(monkeypatch):
    """A network that knows all of a Gaussian of unit variance: its best guess is x / (1 + s²)."""

    def output(network, noisy, sigma, condition):
        s = sigma[:, None, None, None]
        clean = noisy / (1 + s**2)
        return SimpleNamespace(prediction=PREDICTION.target(clean, (noisy - clean) / s, sigma))

    monkeypatch.setattr(few_steps, "network_output", output)


@pytest.mark.parametrize("evaluations", [1, 2, 4])
def test_one_step_with_the_target_is_two_of_the_network(monkeypatch, evaluations):
    gaussian(monkeypatch)
    coarse, fine = levels(LARGEST, evaluations), levels(LARGEST, 2 * evaluations)
    drawn = AtLevels(PREDICTION, coarse)
    draw = noised(drawn, small.samples(8), 5, Generator().manual_seed(0))

    network = small.network()
    with torch.no_grad():
        condition = conditioned(network, small.samples(8), "teacher")
        target = two_steps(network, PREDICTION, condition, draw, fine)

    clean = PREDICTION.denoised(target, draw.noisy, draw.sigma)
    below = {**dict(zip(fine, [*fine[1:], 0.0], strict=True))}
    for row, sigma in enumerate(draw.sigma.tolist()):
        x = draw.noisy[row].double()
        start = min(fine, key=lambda level: abs(level - sigma))
        first, second = below[start], below[below[start]]
        middle = x * (1 / (1 + start**2) + first / start * (1 - 1 / (1 + start**2)))
        known = 1 / (1 + first**2)
        expected = middle * (known + second / first * (1 - known))
        stepped = clean[row] + second / start * (x - clean[row])
        torch.testing.assert_close(stepped.double(), expected, rtol=1e-4, atol=1e-4)


def test_noise_is_drawn_at_the_levels_alone_and_at_each():
    passed = levels(LARGEST, 4)

    drawn = AtLevels(PREDICTION, passed).draw(200, Generator().manual_seed(0))

    assert sorted(set(drawn.tolist()), reverse=True) == pytest.approx(passed)


def test_a_network_that_learns_in_few_steps_nears_the_two_steps_of_the_one_before():
    network, before = small.network(), small.network(seed=9).requires_grad_(False)
    objective = few_step_objective(before, "teacher", PREDICTION, 2, features=0.1)
    drawn = AtLevels(PREDICTION, levels(LARGEST, 2))
    draw = noised(drawn, small.samples(), 5, Generator().manual_seed(0))
    optimiser = torch.optim.Adam(network.parameters(), 3e-3)
    found = []
    for step in range(30):
        terms = objective(network, small.samples(), draw, step)
        optimiser.zero_grad()
        terms.total.backward()
        optimiser.step()
        found.append(float(terms.terms["distill"].detach()))

    assert terms.terms.keys() == {"distill", "features"}
    assert found[-1] < 0.5 * found[0]
    assert not any(weight.grad is not None for weight in before.parameters())
