import pytest
import torch
from torch import Generator

from nephele.network.prediction import NoiseOfFrames, Residual, prediction
from tests.small import NOISE, SCALES, samples

MODES = [Residual(SCALES, NOISE), NoiseOfFrames()]
SIGMAS = torch.tensor([0.01, 0.5, 5.0, 80.0])


@pytest.mark.parametrize("mode", MODES)
def test_a_perfect_output_denoises_perfectly(mode):
    clean, noise = torch.randn(2, 4, 5, 8, 8, dtype=torch.float64)
    noisy = clean + SIGMAS[:, None, None, None].double() * noise

    target = mode.target(clean, noise, SIGMAS.double())

    torch.testing.assert_close(mode.denoised(target, noisy, SIGMAS.double()), clean)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("sigma", SIGMAS.tolist())
def test_the_target_has_unit_variance_at_every_noise(mode, sigma):
    clean, noise = torch.randn(2, 16, 5, 32, 32)

    target = mode.target(clean, noise, torch.full((16,), sigma))

    # 81,920 draws: standard error of a variance 0.005.
    assert target.var().item() == pytest.approx(1.0, abs=0.02)


def test_the_ideal_denoiser_of_gaussian_frames_has_output_zero():
    """Karras et al. 2022: for unit Gaussian data the network has nothing left to do."""
    mode, noisy, sigma = MODES[0], torch.randn(4, 5, 8, 8), SIGMAS

    denoised = mode.denoised(torch.zeros_like(noisy), noisy, sigma)

    torch.testing.assert_close(denoised, noisy / (1 + sigma[:, None, None, None] ** 2))


@pytest.mark.parametrize("mode", MODES)
def test_clean_frames_come_back_as_frames(mode):
    some = samples()
    future = some.future[:, :5]

    frames = mode.frames(mode.clean(some.history, future), some.history)

    torch.testing.assert_close(frames, future)


def test_residuals_are_in_units_of_their_own_lead():
    some = samples()
    future = some.history[:, -1:] + torch.tensor(SCALES.residual_std[:5])[:, None, None] / 25.0

    clean = Residual(SCALES, NOISE).clean(some.history, future.expand(-1, 5, 32, 32))

    torch.testing.assert_close(clean, torch.ones_like(clean))


def test_the_reference_draws_from_the_linear_schedule():
    """alpha-bar of step 1000 is 4.04e-5 and of step 1 is 0.9999 (Ho et al. 2020, section 4)."""
    drawn = prediction("noise", SCALES, NOISE).draw(20000, Generator().manual_seed(0))
    kept = 1 / (drawn.double() ** 2 + 1)

    assert kept.min().item() == pytest.approx(4.036e-5, rel=1e-3)
    assert kept.max().item() == pytest.approx(0.9999, rel=1e-5)
    assert len(drawn.unique()) == 1000


def test_training_noise_is_lognormal_up_to_its_largest():
    drawn = Residual(SCALES, NOISE).draw(20000, Generator().manual_seed(0))

    assert drawn.log().median().item() == pytest.approx(-0.4, abs=0.04)
    assert drawn.max().item() <= 20.0
