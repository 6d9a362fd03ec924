import pytest
import torch
from torch import Generator

from nephele.forecasting.samplers import sample

SAMPLERS = ["dpm-solver++", "ddim", "ddpm"]
SIGMAS = (0.02, 80.0)


def _gaussian(mean: float, std: float):
    """The ideal denoiser of Gaussian data: the posterior mean."""

    def denoise(noisy, sigma):
        return (std**2 * noisy + sigma**2 * mean) / (std**2 + sigma**2)

    return denoise


@pytest.mark.parametrize(("sampler", "steps"), [("dpm-solver++", 40), ("ddim", 200), ("ddpm", 500)])
def test_the_ideal_denoiser_of_a_gaussian_gives_that_gaussian(sampler, steps):
    noise = torch.randn(16, 5, 16, 16, generator=Generator().manual_seed(0))

    drawn = sample(_gaussian(2.0, 0.5), noise, sampler, steps, SIGMAS, Generator().manual_seed(1))

    # 20,480 draws: standard error of the mean 0.0035, of the deviation 0.0025.
    assert drawn.mean().item() == pytest.approx(2.0, abs=0.03)
    assert drawn.std().item() == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_denoiser_that_knows_the_answer_gives_the_answer(sampler):
    truth = torch.randn(2, 5, 8, 8)

    drawn = sample(lambda *_: truth, torch.randn(2, 5, 8, 8), sampler, 10, SIGMAS, Generator())

    torch.testing.assert_close(drawn, truth, atol=0.02, rtol=0)


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("steps", [1, 2, 7])
def test_every_step_asks_once_at_ever_less_noise(sampler, steps):
    asked = []

    def denoise(noisy, sigma):
        asked.append(sigma)
        return torch.zeros_like(noisy)

    sample(denoise, torch.randn(1, 5, 8, 8), sampler, steps, SIGMAS, Generator().manual_seed(0))

    assert len(asked) == steps
    assert asked == sorted(asked, reverse=True)


def test_one_step_gives_what_the_denoiser_says_of_noise():
    noise = torch.randn(2, 5, 8, 8)

    drawn = sample(_gaussian(1.0, 0.5), noise, "dpm-solver++", 1, SIGMAS, Generator())

    torch.testing.assert_close(drawn, _gaussian(1.0, 0.5)(80.0 * noise, 80.0))
