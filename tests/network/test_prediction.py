from dataclasses import replace

import pytest
import torch
from torch import Generator

from nephele.network.prediction import NoiseOfFrames, Residual, prediction
from nephele.windows.spectra import pixels
from tests.small import NOISE, SPECTRA, samples

MODES = [Residual(SPECTRA, NOISE), NoiseOfFrames()]
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
    nothing_left = torch.zeros_like(some.history)
    future = torch.tensor(pixels(SPECTRA, 32), dtype=torch.float32)[:, None, None]

    clean = Residual(SPECTRA, NOISE).clean(nothing_left, future.expand(4, 5, 32, 32))

    torch.testing.assert_close(clean, torch.ones_like(clean))


def test_each_scale_persists_as_its_coefficient_says():
    """A frame that is one cosine comes back as that cosine, smaller."""
    rows = torch.arange(32)
    wave = torch.cos(torch.pi * (rows + 0.5) * 4 / 32)[:, None].expand(32, 32)  # 4 half waves
    history = wave.expand(1, 4, 32, 32)

    persisting = Residual(SPECTRA, NOISE).frames(torch.zeros(1, 5, 32, 32), history)

    for lead in range(5):  # 4 is the fifth of the scales
        expected = SPECTRA.persistence[lead][4] * wave
        torch.testing.assert_close(persisting[0, lead], expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("white", [0.0, 0.5, 1.0])
def test_noise_has_unit_variance_at_every_lead(white):
    drawn = _noise(white)

    # Few independent draws are in the large structures: some 2 % of standard error.
    for lead in range(5):
        assert drawn[:, lead].var().item() == pytest.approx(1.0, abs=0.06)


def test_noise_hides_the_mean_of_a_frame_as_well_as_what_is_forecast_has_one():
    """White noise leaves it visible: its mean has a deviation of 1 / 32."""
    means = _noise(0.0).mean(dim=(2, 3)).std(dim=0)

    for lead, std in enumerate(pixels(SPECTRA, 32)):
        expected = SPECTRA.deviation[lead][0] / std / 32
        assert means[lead].item() == pytest.approx(expected, rel=0.15)
    assert _noise(1.0).mean(dim=(2, 3)).std().item() == pytest.approx(1 / 32, rel=0.1)


def test_colouring_is_linear():
    mode, (first, second) = MODES[0], torch.randn(2, 3, 5, 32, 32)

    torch.testing.assert_close(
        mode.coloured(2 * first + second), 2 * mode.coloured(first) + mode.coloured(second)
    )


def _noise(white: float) -> torch.Tensor:
    drawn = torch.randn(200, 5, 32, 32, generator=Generator().manual_seed(0))
    return Residual(SPECTRA, replace(NOISE, white=white)).coloured(drawn)


def test_the_reference_draws_from_the_linear_schedule():
    """alpha-bar of step 1000 is 4.04e-5 and of step 1 is 0.9999 (Ho et al. 2020, section 4)."""
    drawn = prediction("noise", SPECTRA, NOISE).draw(20000, Generator().manual_seed(0))
    kept = 1 / (drawn.double() ** 2 + 1)

    assert kept.min().item() == pytest.approx(4.036e-5, rel=1e-3)
    assert kept.max().item() == pytest.approx(0.9999, rel=1e-5)
    assert len(drawn.unique()) == 1000


def test_training_noise_is_lognormal_up_to_its_largest():
    drawn = Residual(SPECTRA, NOISE).draw(20000, Generator().manual_seed(0))

    assert drawn.log().median().item() == pytest.approx(-0.4, abs=0.04)
    assert drawn.max().item() <= 20.0
