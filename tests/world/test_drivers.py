from dataclasses import replace

import numpy as np
import pytest

from nephele.world.anomalies import anomalies, responses
from nephele.world.drivers import DRIVERS, Driver, explained, response_deviation

LATE = Driver(scale=1.0, persistence=0.7**0.25, lags=(0.0, 0.0, 0.0, 0.0, 1.0), gain=1.0)  # 12 h


def test_the_environment_tells_all_of_what_acts_within_the_lag():
    assert explained(LATE, lead=4, history=4, anomaly_known=True) == pytest.approx(1.0)


def test_clouds_tell_the_square_of_the_persistence_over_the_lag():
    # Four frames show the anomaly up to 12 h ago; it is AR(1), so only the last one counts.
    share = explained(LATE, lead=4, history=4, anomaly_known=False)
    assert share == pytest.approx(0.7**2)


def test_beyond_the_lag_the_environment_tells_the_square_of_its_persistence():
    share = explained(LATE, lead=8, history=4, anomaly_known=True)
    assert share == pytest.approx(0.7**2)


@pytest.mark.parametrize("name", DRIVERS)
def test_a_lagged_sum_of_a_unit_series_has_the_stated_deviation(name):
    driver = DRIVERS[name]
    series = anomalies(seed=0, storm=0, spin_up=0, frames=200_000)
    response = responses(series)[name]
    # 200,000 steps with a memory of a few steps: about 20,000 independent ones.
    assert series[name].std() == pytest.approx(1.0, abs=0.03)
    assert response.std() == pytest.approx(1.0, abs=0.03)
    assert response_deviation(replace(driver, persistence=1.0)) == pytest.approx(1.0)


@pytest.mark.parametrize("name", DRIVERS)
def test_nothing_of_the_initial_time_acts_on_its_own_frame(name):
    assert DRIVERS[name].lags[0] == 0
    assert np.sum(DRIVERS[name].lags) == pytest.approx(1.0)


@pytest.mark.parametrize("lead", [3, 4, 5])
def test_at_nine_to_fifteen_hours_the_environment_tells_more_than_the_clouds(lead):
    for driver in DRIVERS.values():
        known = explained(driver, lead, 4, True, noise=0.3)
        guessed = explained(driver, lead, 4, False, noise=0.3)
        assert guessed > 0.15  # a student can have this
        assert 1 - known < 0.8 * (1 - guessed)  # only a teacher has the rest
