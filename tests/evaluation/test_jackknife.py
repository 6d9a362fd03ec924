"""The jackknife against intervals that are known without it."""

import numpy as np
import pytest
from scipy import stats

from nephele.evaluation import jackknife


def means_without_each(values):
    return np.array([np.delete(values, storm, axis=0).mean(axis=0) for storm in range(len(values))])


def test_the_interval_of_a_mean_over_storms_is_students():
    values = np.random.default_rng(0).standard_normal((18, 3))
    low, high = jackknife.interval(values.mean(axis=0), means_without_each(values))
    expected = stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
    assert low == pytest.approx(expected.low)
    assert high == pytest.approx(expected.high)


def test_a_bias_that_depends_on_the_number_of_storms_alone_does_not_move_it():
    values = np.random.default_rng(1).standard_normal(9)
    plain = jackknife.interval(values.mean(), means_without_each(values))
    moved = jackknife.interval(values.mean() + 1 / 9, means_without_each(values) + 1 / 8)
    assert np.array(moved) - 1 / 9 == pytest.approx(np.array(plain))


def test_the_interval_of_a_variance_holds_the_truth_as_often_as_it_says():
    generator = np.random.default_rng(2)
    held = 0
    for values in generator.standard_normal((400, 30)):
        without = np.array([np.delete(values, storm).var(ddof=1) for storm in range(30)])
        low, high = jackknife.interval(values.var(ddof=1), without)
        held += low < 1 < high
    # 400 trials: standard error 0.011. A variance is skew, hence a little less than 0.95.
    assert 0.88 < held / 400 < 0.98


def test_four_storms_have_no_interval():
    assert np.isnan(jackknife.interval(0.5, np.full(4, 0.5))).all()
