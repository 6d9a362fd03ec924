"""Scores against closed forms and against the libraries that have them."""

import numpy as np
import pytest
import xarray as xr
from scores.continuous import additive_bias, rmse

from nephele.evaluation import scores


def gaussian_ensemble(members, deviation, size=128, leads=2, seed=0):
    """Members and truth; the truth is a standard normal, the members of `deviation`; K."""
    generator = np.random.default_rng(seed)
    forecast = 270 + deviation * generator.standard_normal((members, leads, size, size))
    truth = 270 + generator.standard_normal((leads, size, size))
    return forecast, truth


def scored(name, pairs, weights=None):
    found = [scores.statistics(forecast, truth) for forecast, truth in pairs]
    return scores.score(name, {k: np.stack([f[k] for f in found]) for k in found[0]}, weights)


@pytest.mark.parametrize("members", [2, 5])
def test_a_perfect_ensemble_of_any_size_has_as_much_spread_as_error(members):
    pairs = [gaussian_ensemble(members, 1.0, seed=seed) for seed in range(4)]
    assert scored("spread_skill", pairs) == pytest.approx(1.0, abs=0.02)


def test_half_the_spread_of_a_perfect_ensemble_shows_as_under_dispersion():
    members, deviation = 5, 0.5
    pairs = [gaussian_ensemble(members, deviation, seed=seed) for seed in range(4)]
    spread = (members + 1) / members * deviation**2
    error = 1 + deviation**2 / members
    assert scored("spread_skill", pairs) == pytest.approx(np.sqrt(spread / error), abs=0.02)


def test_rmse_is_the_root_of_the_mean_over_all_windows_and_bias_keeps_its_sign():
    truth = np.full((1, 16, 16), 260.0)
    pairs = [(truth[None] + 3, truth), (truth[None] - 4, truth)]
    assert scored("rmse", pairs) == pytest.approx([np.sqrt(12.5)])
    assert scored("bias", pairs) == pytest.approx([-0.5])


def test_rmse_and_bias_are_those_of_the_scores_library():
    pairs = [gaussian_ensemble(3, 1.2, size=16, seed=seed) for seed in range(4)]
    means, truths = (
        xr.DataArray(np.stack(frames), dims=("window", "lead", "y", "x"))
        for frames in ([members.mean(axis=0) for members, _ in pairs], [t for _, t in pairs])
    )
    for name, library in [("rmse", rmse), ("bias", additive_bias)]:
        expected = library(means, truths, preserve_dims=["lead"])
        assert scored(name, pairs) == pytest.approx(expected.values)


def test_a_weight_of_two_counts_a_window_twice():
    generator = np.random.default_rng(1)
    pairs = [tuple(270 + generator.standard_normal((2, 1, 1, 16, 16))) for _ in range(3)]
    pairs = [(forecast, truth[0]) for forecast, truth in pairs]
    twice = scored("rmse", [pairs[0], pairs[0], pairs[2]])
    assert scored("rmse", pairs, np.array([2.0, 0.0, 1.0])) == pytest.approx(twice)


def test_ranks_of_a_perfect_ensemble_are_flat_and_a_cold_one_has_the_truth_on_top():
    forecast, truth = gaussian_ensemble(4, 1.0, size=128)
    assert scores.ranks(forecast, truth) == pytest.approx(np.full((2, 5), 0.2), abs=0.025)
    cold = scores.ranks(forecast - 50, truth)
    assert cold == pytest.approx(np.tile([0, 0, 0, 0, 1.0], (2, 1)))


@pytest.mark.parametrize("player", range(4))
def test_exchanged_ranks_are_those_of_each_member_in_the_place_of_the_truth(player):
    forecast, truth = gaussian_ensemble(4, 1.5, size=32)
    found = scores.exchanged_ranks(forecast, truth)
    assert found[:, -1] == pytest.approx(scores.ranks(forecast, truth))
    others = forecast.copy()
    others[player] = truth
    assert found[:, player] == pytest.approx(scores.ranks(others, forecast[player]))


def test_spread_skill_is_not_given_for_a_single_forecast():
    forecast, truth = gaussian_ensemble(1, 1.0, size=16)
    assert "spread_skill" not in scores.available(scores.statistics(forecast, truth))


def test_a_score_of_cold_cloud_is_not_defined_without_any():
    forecast, truth = gaussian_ensemble(2, 1.0, size=16)
    assert np.isnan(scored("fss_220", [(forecast, truth)])).all()
