import numpy as np
import pytest

from nephele.windows import statistics

HISTORY = 2
WINDOWS = np.array([[0, 1, 2, 3], [1, 2, 3, 4]])  # of 8 frames; 5, 6 and 7 are not for training


@pytest.fixture
def data():
    random = np.random.default_rng(0)
    frames = 270 + 20 * random.standard_normal((8, 6, 6))
    era5 = random.standard_normal((8, 2, 6, 6)) * np.array([2.0, 500.0])[:, None, None]
    era5 += np.array([300.0, 101_000.0])[:, None, None]
    return frames, era5, np.full(era5.shape, 100, dtype=np.uint8)


def test_the_moments_are_those_of_the_training_frames(data):
    frames, era5, valid = data
    found = statistics.of(frames, era5, valid, WINDOWS, HISTORY)
    assert found.frame_mean == pytest.approx(frames[:5].mean())
    assert found.frame_std == pytest.approx(frames[:5].std())
    np.testing.assert_allclose(found.era5_mean, era5[:5].mean(axis=(0, 2, 3)))
    np.testing.assert_allclose(found.era5_std, era5[:5].std(axis=(0, 2, 3)))
    np.testing.assert_allclose(found.climatology, era5[:5].mean(axis=0))
    least = 0.1 * era5[:5].std(axis=(0, 2, 3))[:, None, None]
    np.testing.assert_allclose(found.spread, np.maximum(era5[:5].std(axis=0), least))


def test_what_is_not_for_training_changes_nothing(data):
    frames, era5, valid = data
    before = statistics.of(frames, era5, valid, WINDOWS, HISTORY)
    frames[5:], era5[5:], valid[5:] = 1e6, np.nan, 0
    after = statistics.of(frames, era5, valid, WINDOWS, HISTORY)
    for name in vars(before):
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))


def test_the_residual_is_the_change_from_the_last_history_frame(data):
    _, era5, valid = data
    # A ramp of 5 K a step changes by 5 K after one step and by 10 K after two.
    ramp = np.broadcast_to(5.0 * np.arange(8)[:, None, None], (8, 6, 6))
    found = statistics.of(ramp, era5, valid, WINDOWS, HISTORY)
    np.testing.assert_allclose(found.residual_std, [5, 10])


def test_land_has_no_weight_in_the_climatology(data):
    frames, era5, valid = data
    era5[:, 0, :, :3], valid[:, 0, :, :3] = np.nan, 0
    era5[:, 0, :, 3:] = 301.0
    found = statistics.of(frames, era5, valid, WINDOWS, HISTORY)
    # Where there never was sea, the mean over the sea stands in.
    np.testing.assert_allclose(found.climatology[0], 301.0)
    np.testing.assert_allclose(found.spread[0, :, :3], 1.0)  # and its deviation over the sea
    np.testing.assert_allclose(found.spread[0, :, 3:], 0.1)  # the least
    assert found.era5_std[0] == 1.0


def test_a_variable_that_is_never_there_is_refused(data):
    frames, era5, valid = data
    era5[:, 1], valid[:, 1] = np.nan, 0
    with pytest.raises(ValueError, match="missing at every training frame"):
        statistics.of(frames, era5, valid, WINDOWS, HISTORY)
