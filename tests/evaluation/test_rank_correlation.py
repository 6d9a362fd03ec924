import numpy as np
import pytest
from scipy.stats import spearmanr

from nephele.evaluation.measured import Measured
from nephele.evaluation.rank_correlation import lead_time_alone, rank_correlation, spearman

RESAMPLES, STORMS = 200, 12


@pytest.fixture
def truth():
    random = np.random.default_rng(1)
    values = random.uniform(1, 10, (4, 5))
    return Measured(values, values + random.normal(0, 0.5, (RESAMPLES, 4, 5)), STORMS)


def changed(matrix, function):
    return Measured(function(matrix.values), function(matrix.resampled), matrix.storms)


def ends(found):
    return [float(part) for part in (found.values, found.low, found.high)]


def test_the_same_order_in_every_resample_is_one_with_no_width(truth):
    assert ends(rank_correlation(truth, truth)) == pytest.approx([1, 1, 1])
    other_units = changed(truth, lambda values: np.exp(values) / 100)
    assert ends(rank_correlation(other_units, truth)) == pytest.approx([1, 1, 1])


def test_the_opposite_order_is_minus_one(truth):
    assert ends(rank_correlation(changed(truth, np.negative), truth)) == pytest.approx([-1, -1, -1])


def test_ties_count_as_scipy_has_them():
    random = np.random.default_rng(2)
    first, second = random.integers(0, 6, (2, 30, 4, 5)).astype(float)
    by_scipy = [
        spearmanr(a.ravel(), b.ravel()).statistic for a, b in zip(first, second, strict=True)
    ]
    assert spearman(first, second) == pytest.approx(by_scipy)


def test_an_exact_matrix_has_the_interval_of_the_truth(truth):
    exact = Measured.exact(truth.values)
    value, low, high = ends(rank_correlation(exact, truth))
    assert value == pytest.approx(1)
    assert low < high < 1  # other storms would order the truth otherwise


def test_a_matrix_without_any_order_has_no_correlation(truth):
    assert np.isnan(ends(rank_correlation(Measured.exact(np.ones((4, 5))), truth))).all()


def test_lead_time_alone_agrees_without_knowing_one_variable_from_another():
    # Four variables that differ by a percent, at lead times that differ by much.
    values = np.arange(1.0, 6) * (1 + 0.01 * np.arange(4)[:, None])
    truth = Measured.exact(values)
    alike = lead_time_alone(truth)
    assert (alike.values == alike.values[0]).all()
    # Ranks are right but within the five groups of four ties: 1 - (4² - 1)/(20² - 1).
    assert spearman(alike.values, truth.values) == pytest.approx(np.sqrt(1 - 15 / 399))
