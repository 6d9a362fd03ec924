"""The bootstrap against the standard error that it estimates."""

import numpy as np
import pytest

from nephele.evaluation import bootstrap


def test_windows_of_a_storm_come_and_stay_away_together():
    storms = ["a", "a", "b", "c", "c", "c"]
    weights = bootstrap.storm_weights(storms, 100, seed=0)
    assert (weights[:, 0] == weights[:, 1]).all()
    assert (weights[:, 3] == weights[:, 5]).all()
    assert (weights[:, [0, 2, 3]].sum(axis=1) == 3).all()
    assert len(np.unique(weights[:, 0])) > 1


def test_the_interval_of_a_mean_is_two_standard_errors_of_the_storms_wide():
    generator = np.random.default_rng(1)
    storms = np.repeat(np.arange(200), 5)
    # All of a storm's windows have one value: 200 numbers, not 1000, are known.
    values = generator.standard_normal(200)[storms]
    weights = bootstrap.storm_weights(storms, 4000, seed=2)
    means = (weights @ values) / weights.sum(axis=1)
    low, high = bootstrap.interval(means, storms=200)
    assert high - low == pytest.approx(2 * 1.96 * values.std() / np.sqrt(200), rel=0.05)


@pytest.mark.parametrize("storms", [5, 18])
def test_intervals_from_few_storms_hold_the_truth_as_often_as_they_say(storms):
    generator = np.random.default_rng(4)
    weights = bootstrap.storm_weights(np.arange(storms), 1000, seed=5)
    held = 0
    for _ in range(400):
        means = weights @ generator.standard_normal(storms) / storms
        low, high = bootstrap.interval(means, storms)
        held += low < 0 < high
    # 400 trials: standard error 0.011. Plain percentiles reach 0.84 with 5 storms.
    assert held / 400 == pytest.approx(0.95, abs=0.04)


def test_the_same_seed_gives_the_same_resamples():
    first, second = (bootstrap.storm_weights(list("abc"), 50, seed=3) for _ in range(2))
    assert (first == second).all()


def test_too_few_storms_give_no_interval_instead_of_a_wrong_one():
    low, high = bootstrap.interval(np.zeros((100, 2)), storms=bootstrap.FEWEST_STORMS - 1)
    assert np.isnan([low, high]).all()


def test_resamples_without_a_value_are_left_out_unless_they_are_most():
    resampled = np.ones((100, 2))
    resampled[:40, 0] = np.nan
    resampled[:60, 1] = np.inf
    low, high = bootstrap.interval(resampled, storms=20)
    assert low[0] == high[0] == 1
    assert np.isnan([low[1], high[1]]).all()
