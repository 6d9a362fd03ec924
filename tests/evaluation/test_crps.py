"""The fair CRPS against closed forms and against a library that has it."""

import numpy as np
import pytest
import xarray as xr
from scipy.stats import norm
from scores.probability import crps_for_ensemble

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


def test_fair_crps_is_that_of_the_scores_library():
    forecast, truth = gaussian_ensemble(5, 1.3, size=16)
    expected = crps_for_ensemble(
        xr.DataArray(forecast, dims=("member", "lead", "y", "x")),
        xr.DataArray(truth, dims=("lead", "y", "x")),
        "member",
        method="fair",
        preserve_dims=["lead"],
    )
    assert fair_crps(forecast, truth) == pytest.approx(expected.values)


def test_crps_of_a_single_forecast_is_its_absolute_error():
    truth = np.zeros((2, 8, 8))
    forecast = np.stack([np.full((8, 8), -3.0), np.full((8, 8), 5.0)])[None]
    assert fair_crps(forecast, truth) == pytest.approx([3.0, 5.0])
