import numpy as np
import pytest

from nephele.evaluation import causal_checks
from nephele.evaluation.measured import Measured


def matrix(effects):
    """By variable, over two lead times, and in three resamples that scale all of it."""
    values = np.array(effects)[:, None] * np.array([0.5, 1.5])
    return Measured(values, values * np.array([0.8, 1.0, 1.2])[:, None, None], storms=8)


def test_the_mean_over_lead_times_is_taken_in_each_resample():
    found = causal_checks.mean_over_leads(matrix([2.0, 4.0]))
    assert found.values == pytest.approx([2, 4])
    assert found.resampled[0] == pytest.approx([1.6, 3.2])


@pytest.mark.parametrize(("placebo", "others"), [(2, [0, 1]), (0, [1, 2])])
def test_over_the_placebo_is_each_other_variable_minus_it(placebo, others):
    effects = np.array([3.0, 1.0, 1.5])
    found = causal_checks.over_placebo(matrix(effects), placebo)
    assert found.values == pytest.approx(effects[others] - effects[placebo])
    assert found.resampled[-1] == pytest.approx(1.2 * (effects[others] - effects[placebo]))


def test_growth_is_from_each_dose_to_the_next():
    by_dose = [matrix(effects) for effects in ([1.0, 2.0], [1.5, 1.0], [4.0, 1.0])]
    found = causal_checks.growth(by_dose)
    assert found.values == pytest.approx(np.array([[0.5, -1.0], [2.5, 0.0]]))
    assert found.resampled.shape == (3, 2, 2)


def test_only_some_variables_are_left_in_every_resample():
    found = causal_checks.only(matrix([1.0, 2.0, 3.0]), [0, 2])
    assert found.values[:, 1] == pytest.approx([1.5, 4.5])
    assert found.resampled[0, :, 1] == pytest.approx([1.2, 3.6])
