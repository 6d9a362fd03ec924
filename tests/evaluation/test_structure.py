"""SSIM, fractions and spectra against limits, closed forms and libraries."""

import numpy as np
import pytest
import xarray as xr
from scores.spatial import fss_2d, fss_2d_single_field

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


def test_fss_of_many_windows_is_that_of_the_scores_library():
    pairs = [(noise(seed), noise(seed + 100)) for seed in range(5)]
    parts = [structure.fss_parts(f[None, None], t[None], 235.0) for f, t in pairs]
    wrong, worst = np.sum(parts, axis=0)
    forecasts, truths = (
        xr.DataArray(np.stack(images), dims=("window", "y", "x"))
        for images in zip(*pairs, strict=True)
    )
    expected = fss_2d(
        forecasts,
        truths,
        event_threshold=235,
        window_size=(structure.NEIGHBOURHOOD,) * 2,
        spatial_dims=("y", "x"),
        threshold_operator=np.less,
    )
    assert 1 - wrong / worst == pytest.approx(float(expected))


def test_fss_of_an_ensemble_compares_the_share_of_members_and_pixels_that_are_cold():
    members, truth = np.stack([noise(seed) for seed in range(3)]), noise(9)
    n, wrong, worst = structure.NEIGHBOURHOOD, 0.0, 0.0
    for y in range(SIZE - n + 1):
        for x in range(SIZE - n + 1):
            square = (..., slice(y, y + n), slice(x, x + n))
            forecast, observed = (members[square] < 220).mean(), (truth[square] < 220).mean()
            wrong += (forecast - observed) ** 2
            worst += forecast**2 + observed**2
    assert fss(members[:, None], truth[None], 220.0) == pytest.approx([1 - wrong / worst])


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


def test_bands_of_wavelengths_take_every_ring_once():
    found = structure.bands(128, 20.0)
    rings = {name: structure.wavenumbers(128)[chosen] for name, chosen in found.items()}
    # 2560 km over a ring's number: 1000 km lies between 2 and 3, 300 between 8 and 9.
    ends = {name: (chosen.min(), chosen.max()) for name, chosen in rings.items()}
    assert ends == {
        "below_100_km": (26, 64),
        "100_to_300_km": (9, 25),
        "300_to_1000_km": (3, 8),
        "above_1000_km": (1, 2),
    }
    assert sum(map(len, rings.values())) == 64


def test_bands_that_a_domain_is_too_small_for_are_left_out():
    assert list(structure.bands(32, 20.0)) == ["below_100_km", "100_to_300_km", "300_to_1000_km"]


def test_the_power_of_white_noise_in_all_bands_is_its_variance_within_the_rings():
    spectrum = structure.power_by_scale(noise(6, (100, SIZE, SIZE))).mean(axis=0, keepdims=True)
    found = sum(
        structure.power_in(spectrum, rings) for rings in structure.bands(SIZE, 20.0).values()
    )
    # The rings are the circle in the square of all modes.
    assert found == pytest.approx(25**2 * np.pi / 4, rel=0.05)
