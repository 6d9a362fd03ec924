"""Synthetic frames against the real ones, with tolerances.

The real figures are of one storm, and synthetic ones are a sample: from one dozen to
another the mean at 100 to 200 km moves between 243 and 254 K. The tolerances fit the first two
dozens, so they notice a change of the model; docs/world.md has the figures of the whole world.
"""

import numpy as np
import pytest

from nephele.world import statistics
from nephele.world.simulation import simulate
from nephele.world.statistics import REAL


@pytest.fixture(scope="module")
def storms():
    """Two dozen storms at 20 km."""
    return [
        statistics.coarsened(simulate(7, number, 24)["brightness_temperature"].values, 2)
        for number in range(1, 25)
    ]


@pytest.fixture(scope="module")
def every_frame(storms):
    return np.concatenate(storms)


def test_brightness_temperatures_are_distributed_as_the_real_ones(every_frame):
    found = statistics.distribution(every_frame)
    assert found["mean"] == pytest.approx(REAL["mean"], abs=4.0)
    assert found["standard deviation"] == pytest.approx(REAL["standard deviation"], abs=2.5)
    for percentage, kelvin in REAL["percentile"].items():
        assert found["percentile"][percentage] == pytest.approx(kelvin, abs=8.0), percentage
    for limit, share in REAL["share colder"].items():
        assert found["share colder"][limit] == pytest.approx(share, abs=0.05), limit


def test_it_is_as_cold_near_the_centre_and_as_warm_far_from_it(every_frame):
    for ring, kelvin in statistics.radial_means(every_frame, 20.0).items():
        assert kelvin == pytest.approx(REAL["ring"][ring], abs=10.0), ring


def test_structures_of_every_scale_are_as_strong(every_frame):
    slope = statistics.spectral_slope(every_frame)
    assert slope == pytest.approx(REAL["spectral slope"], abs=0.3)


def test_persistence_errs_as_much_at_every_lag(storms):
    steps = {hours: hours // 3 for hours in REAL["persistence"]}
    found = statistics.persistence(storms, steps)
    for hours, kelvin in REAL["persistence"].items():
        assert found["persistence"][hours] == pytest.approx(kelvin, rel=0.12), hours
        assert found["correlation"][hours] == pytest.approx(REAL["correlation"][hours], abs=0.08)


def test_a_field_of_known_spectrum_has_its_slope():
    random = np.random.default_rng(1)
    along = np.fft.fftfreq(128) * 128
    wavenumber = np.maximum(np.hypot(along[:, None], along), 1.0)
    white = np.fft.fft2(random.standard_normal((40, 128, 128)))
    fields = np.fft.ifft2(white * wavenumber**-1.5).real
    assert statistics.spectral_slope(fields.astype(np.float32)) == pytest.approx(-3.0, abs=0.1)


def test_block_means_keep_the_mean():
    frames = np.arange(64, dtype=np.float32).reshape(1, 8, 8)
    coarse = statistics.coarsened(frames, 2)
    assert coarse.shape == (1, 4, 4)
    assert coarse[0, 0, 0] == np.mean([0, 1, 8, 9])
    assert coarse.mean() == frames.mean()
