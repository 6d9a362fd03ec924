"""The fair CRPS against closed forms, and against its definition, pair by pair."""

from itertools import product

import numpy as np
import pytest
from scipy.stats import norm

from nephele.evaluation.crps import fair_crps


def gaussian_ensemble(members, deviation, size=128, leads=2, seed=0):
    """Members and truth; the truth is a standard normal, the members of `deviation`; K."""
    generator = np.random.default_rng(seed)
    forecast = 270 + deviation * generator.standard_normal((members, leads, size, size))
    truth = 270 + generator.standard_normal((leads, size, size))
    return forecast, truth


@pytest.mark.parametrize("members", [2, 8])
@pytest.mark.parametrize("deviation", [0.5, 1.0, 2.0])
def test_fair_crps_of_a_gaussian_ensemble_is_its_closed_form_for_any_number_of_members(
    members, deviation
):
    forecast, truth = gaussian_ensemble(members, deviation)
    # E|X − Y| − E|X − X'| / 2, and E|N(0, s²)| = s √(2/π).
    expected = np.sqrt(2 / np.pi) * (np.hypot(deviation, 1) - np.sqrt(2) * deviation / 2)
    assert fair_crps(forecast, truth) == pytest.approx(expected, abs=0.02)


def test_crps_of_a_large_ensemble_is_that_of_the_normal_distribution():
    members = norm.ppf((np.arange(200) + 0.5) / 200)[:, None, None, None]
    truth = np.array([-1.0, 0.0, 2.5])[:, None, None]
    z = truth.ravel()
    # Gneiting and Raftery (2007), equation 21.
    expected = z * (2 * norm.cdf(z) - 1) + 2 * norm.pdf(z) - 1 / np.sqrt(np.pi)
    forecast = np.broadcast_to(members, (200, 3, 1, 1))
    assert fair_crps(forecast, truth) == pytest.approx(expected, abs=5e-3)


def test_fair_crps_is_its_definition_over_all_pairs_of_members():
    forecast, truth = gaussian_ensemble(5, 1.3, size=16)
    apart = sum(np.abs(a - b) for a, b in product(forecast, forecast)) / (5 * 4)
    expected = (np.abs(forecast - truth).mean(axis=0) - apart / 2).mean(axis=(-2, -1))
    assert fair_crps(forecast, truth) == pytest.approx(expected)
    single = fair_crps(forecast.astype(np.float32), truth.astype(np.float32))
    assert single == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("members", [1, 3])
def test_a_forecast_that_fails_somewhere_has_no_score_at_that_lead_time(members):
    forecast, truth = gaussian_ensemble(members, 1.0, size=8, leads=3)
    forecast[0, 1, 2, 3] = np.nan
    truth[2, 0, 0] = np.inf
    assert np.isfinite(fair_crps(forecast, truth)).tolist() == [True, False, False]


def test_crps_of_a_single_forecast_is_its_absolute_error():
    truth = np.zeros((2, 8, 8))
    forecast = np.stack([np.full((8, 8), -3.0), np.full((8, 8), 5.0)])[None]
    assert fair_crps(forecast, truth) == pytest.approx([3.0, 5.0])
