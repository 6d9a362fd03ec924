"""The four variables that drive the clouds: how strong, how late, where and how persistent.

Every number that makes one variable matter more, or later, than another is in `DRIVERS`;
docs/world.md argues for them.
"""

from dataclasses import dataclass

import numpy as np

STEP_HOURS = 3.0  # of the simulation, of the frames and of the environment alike


@dataclass(frozen=True)
class Driver:
    """One environmental variable.

    Attributes:
        scale: standard deviation of the scene's anomaly, in the variable's own units.
        persistence: correlation of the anomaly with itself one step earlier.
        lags: weights of the anomaly 0, 1, 2 … steps ago in what acts on the clouds now. The
            first is 0: the environment of the initial time is in ERA5, and in no frame yet.
        gain: change of the cloud index in the middle of the variable's pattern by one
            standard deviation of the response.
    """

    scale: float
    persistence: float
    lags: tuple[float, ...]
    gain: float


DRIVERS = {
    "sst": Driver(1.4, 0.7 ** (3 / 12), (0.0, 0.0, 0.1, 0.2, 0.4, 0.2, 0.1), 0.90),  # K
    "msl": Driver(220.0, 0.7 ** (3 / 9), (0.0, 0.1, 0.3, 0.3, 0.2, 0.1), -0.20),  # Pa
    "z": Driver(180.0, 0.7 ** (3 / 9), (0.0, 0.1, 0.25, 0.3, 0.25, 0.1), 0.80),  # m2 s-2
    "r": Driver(14.0, 0.7 ** (3 / 6), (0.0, 0.3, 0.4, 0.3), 0.60),  # %
}

MEMORY = max(len(driver.lags) for driver in DRIVERS.values()) - 1  # steps


def response_deviation(driver: Driver) -> float:
    """Standard deviation of the lagged sum of a unit AR(1) series."""
    lags = np.arange(len(driver.lags))
    correlation = driver.persistence ** np.abs(lags[:, None] - lags)
    weights = np.array(driver.lags)
    return float(np.sqrt(weights @ correlation @ weights))


def explained(
    driver: Driver, lead: int, history: int, anomaly_known: bool, noise: float = 0.0
) -> float:
    """Share of the variance of the response `lead` steps ahead that can be known at time 0.

    The anomaly is Gaussian and AR(1), so this is the R2 of a linear regression, in closed form.

    Args:
        history: number of frames, the last at time 0, at which the response is seen.
        anomaly_known: whether the anomaly is known too at those times, as it is from ERA5.
        noise: variance of the error with which the clouds show the response, whose own is 1.
    """
    first = -(history - 1) - (len(driver.lags) - 1)
    times = np.arange(first, lead + 1)
    covariance = driver.persistence ** np.abs(times[:, None] - times)
    seen = [_response_at(driver, times, t) for t in range(1 - history, 1)]
    errors = [noise] * history
    if anomaly_known:
        seen += [(times == t).astype(float) for t in range(1 - history, 1)]
        errors += [0.0] * history
    known = np.array(seen)
    target = _response_at(driver, times, lead)
    among_known = known @ covariance @ known.T + np.diag(errors)
    with_target = known @ covariance @ target
    return float(with_target @ np.linalg.lstsq(among_known, with_target, rcond=1e-12)[0])


def _response_at(driver: Driver, times: np.ndarray, when: int) -> np.ndarray:
    """Weights of the anomaly at `times` in the unit-variance response at `when`."""
    weights = np.zeros(len(times))
    for lag, weight in enumerate(driver.lags):
        weights[times == when - lag] = weight
    return weights / response_deviation(driver)
