"""The tables of verification, on forecasts whose power is known."""

import numpy as np
import pytest

from nephele.evaluation.verification import Design, nested, spectrum_ratios, verify

SIZE, CELL, LEADS = 128, 20.0, (3, 6)
WINDOWS = 10
DESIGN = Design(np.arange(WINDOWS), LEADS, resamples=200, seed=0)
# Waves in 2560 km, one in the middle of each band.
WAVES = {"below_100_km": 40, "100_to_300_km": 16, "300_to_1000_km": 5, "above_1000_km": 1}


def waves(amplitudes):
    """A frame that is a sum of waves along x: band → amplitude, K."""
    x = np.arange(SIZE) / SIZE
    line = sum(a * np.sin(2 * np.pi * WAVES[band] * x) for band, a in amplitudes.items())
    return 260 + np.broadcast_to(line, (SIZE, SIZE))


def pairs(forecast, truth, hard=1.0):
    for window in range(WINDOWS):
        scale = 1 + hard * window
        members = 260 + scale * (np.stack([forecast] * 2) - 260)
        yield np.stack([members] * 2, axis=1), np.stack([260 + scale * (truth - 260)] * 2)


def ratios(forecast, truth):
    verified = {"student": verify(pairs(forecast, truth))}
    return spectrum_ratios(verified, DESIGN, CELL)


@pytest.mark.parametrize("loud", WAVES)
def test_the_band_of_a_wave_that_is_twice_as_high_has_four_times_the_power(loud):
    truth = dict.fromkeys(WAVES, 2.0)
    found = ratios(waves({**truth, loud: 4.0}), waves(truth))
    found = found[found.lead_hours == "mean"].set_index("score").value
    # Waves of 1280 km and more, and of 512 km, leak a little into each other under the taper.
    for band in WAVES:
        expected = 4 if band == loud else 1
        assert found[f"spectrum_ratio.{band}"] == pytest.approx(expected, rel=0.03)


def test_a_ratio_that_is_the_same_in_all_windows_is_certain():
    truth = waves(dict.fromkeys(WAVES, 2.0))
    found = ratios(260 + 0.5 * (truth - 260), truth)
    assert found[["value", "low", "high"]].to_numpy() == pytest.approx(0.25)


def test_bands_stand_one_level_deeper_in_the_metrics():
    truth = waves(dict.fromkeys(WAVES, 2.0))
    found = nested(ratios(truth, truth))["spectrum_ratio"]
    assert list(found) == list(WAVES)
    assert found["below_100_km"] == {"student": {"3": 1, "6": 1, "mean": 1}}
