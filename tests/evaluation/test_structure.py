"""SSIM, fractions and spectra against limits, closed forms and libraries."""

import numpy as np
import pytest
from scores.spatial import fss_2d_single_field

from nephele.evaluation import structure

SIZE = 64


def noise(seed=0, shape=(SIZE, SIZE)):
    return 260 + 25 * np.random.default_rng(seed).standard_normal(shape)


def test_an_image_is_entirely_similar_to_itself_and_not_to_noise():
    assert structure.ssim(noise(), noise()) == pytest.approx(1.0)
    assert abs(structure.ssim(noise(0), noise(1))) < 0.05


def test_ssim_of_two_uniform_images_is_its_luminance_term():
    first, second = np.full((SIZE, SIZE), 250.0), np.full((SIZE, SIZE), 270.0)
    constant = (0.01 * structure.SSIM_RANGE) ** 2
    expected = (2 * 250 * 270 + constant) / (250**2 + 270**2 + constant)
    assert structure.ssim(first, second) == pytest.approx(expected)


def test_ensemble_ssim_is_the_mean_over_the_members():
    truth = noise(0)[None]
    forecast = np.stack([truth, noise(1)[None]])
    expected = (1 + structure.ssim(noise(1), noise(0))) / 2
    assert structure.ensemble_ssim(forecast, truth) == pytest.approx([expected])


def fss(forecast, truth, threshold=235.0):
    wrong, worst = structure.fss_parts(forecast, truth, threshold)
    return 1 - wrong / worst


def test_fss_of_a_perfect_forecast_is_one():
    assert fss(noise()[None, None], noise()[None]) == pytest.approx([1.0])


@pytest.mark.parametrize("shift", [1, 2, 4, 5, 9])
def test_fss_of_a_displaced_cold_line_falls_with_its_distance_and_vanishes_beyond_the_square(shift):
    truth, forecast = np.full((SIZE, SIZE), 280.0), np.full((SIZE, SIZE), 280.0)
    truth[:, 30], forecast[:, 30 + shift] = 200.0, 200.0
    # Fractions are 1/n on n columns each; the two overlap on n − shift of them.
    n = structure.NEIGHBOURHOOD
    expected = max(0.0, (n - shift) / n)
    assert fss(forecast[None, None], truth[None]) == pytest.approx([expected])


def test_fss_of_one_member_is_that_of_the_scores_library():
    forecast, truth = noise(2), noise(3)
    square = (structure.NEIGHBOURHOOD,) * 2
    expected = fss_2d_single_field(
        forecast, truth, event_threshold=235, window_size=square, threshold_operator=np.less
    )
    assert fss(forecast[None, None], truth[None]) == pytest.approx([expected])


def test_the_power_of_a_wave_is_half_its_squared_amplitude_and_lies_at_its_wavenumber():
    size, waves, amplitude = 128, 9, 3.0
    x = np.arange(size)
    wave = 270 + amplitude * np.sin(2 * np.pi * waves * x / size) * np.ones((size, 1))
    power = structure.power_by_scale(wave)
    rings = structure.wavenumbers(size)
    frequency = np.fft.fftfreq(size, 1 / size)
    ring = np.rint(np.hypot(frequency[:, None], frequency)).astype(int)
    modes = np.array([(ring == k).sum() for k in rings])
    assert abs(rings[np.argmax(power * modes)] - waves) <= 1
    # The taper spreads the line by two wavenumbers and no further.
    near = np.abs(rings - waves) <= 2
    assert (power * modes)[near].sum() == pytest.approx(amplitude**2 / 2, rel=1e-3)


def test_white_noise_has_the_same_power_at_every_scale():
    images = noise(5, (200, SIZE, SIZE))
    power = structure.power_by_scale(images).mean(axis=0)
    # Ring 1 loses a little with the mean.
    assert power[1:] == pytest.approx(25**2 / SIZE**2, rel=0.1)
