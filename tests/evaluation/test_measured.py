import numpy as np
import pytest

from nephele.evaluation import bootstrap, measured
from nephele.evaluation.measured import Measured, derived

STORMS = np.repeat([f"s{number}" for number in range(12)], 3)
WEIGHTS = bootstrap.storm_weights(STORMS, 400, seed=0)


def measure(windows):
    return measured.over_storms(lambda share: measured.mean(share, windows), STORMS, WEIGHTS)


@pytest.fixture(scope="module")
def windows():
    return np.random.default_rng(0).normal(5, 2, (len(STORMS), 2, 3))


def test_the_value_is_that_of_all_windows_alike(windows):
    assert measure(windows).values == pytest.approx(windows.mean(axis=0))
    found = measured.root_mean_square(windows**2, STORMS, WEIGHTS)
    assert found.values == pytest.approx(np.sqrt((windows**2).mean(axis=0)))
    assert (found.low < found.values).all()
    assert (found.values < found.high).all()


def test_what_is_the_same_in_every_storm_has_no_width():
    found = measure(np.full((len(STORMS), 2), 3.0))
    assert found.low == pytest.approx(3.0)
    assert found.high == pytest.approx(3.0)


def test_differences_are_paired(windows):
    # Both vary by storm, together: only pairing makes their difference certain.
    difference = derived(np.subtract, measure(windows + 0.5), measure(windows))
    assert difference.low == pytest.approx(0.5)
    assert difference.high == pytest.approx(0.5)


def test_exact_figures_have_no_interval_and_leave_others_theirs(windows):
    exact = Measured.exact(np.ones((2, 3)))
    assert np.isnan(exact.low).all()
    less = derived(np.subtract, measure(windows), exact)
    assert less.low == pytest.approx(measure(windows).low - 1)
