import archive_files
import h5py
import numpy as np
import pytest
from hypothesis import given, strategies as st

from nephele.fields import grid
from nephele.regridding import conservative


def weights(source, target):
    return conservative.overlaps(source, source, target, "frames.nc")


def test_512_to_128_is_the_mean_of_four_by_four_pixels_of_a_real_frame():
    path = archive_files.real("digital_typhoon", "image", "200717", "2007100300-200717-MTS1-1.h5")
    with h5py.File(path) as file:
        frame = file["infrared"][()]
    by_hand = frame.reshape(128, 4, 128, 4).mean(axis=(1, 3))
    overlaps = weights(grid.centres(512, 5e3), grid.centres(128, 20e3))
    means, fraction = conservative.regrid(overlaps, frame[None])
    np.testing.assert_allclose(means[0], by_hand, rtol=1e-12)
    assert (fraction == 1).all()


@given(st.integers(20, 60), st.integers(3, 19))
def test_the_integral_is_conserved_whatever_the_sizes(fine, coarse):
    extent = 2.56e6
    frames = np.random.default_rng(fine).random((2, fine, fine))
    overlaps = weights(grid.centres(fine, extent / fine), grid.centres(coarse, extent / coarse))
    means, _ = conservative.regrid(overlaps, frames)
    np.testing.assert_allclose(means.mean(axis=(1, 2)), frames.mean(axis=(1, 2)), rtol=1e-12)


def test_x_and_y_are_not_exchanged():
    points = grid.centres(8, 10.0)
    frames = np.broadcast_to(points[None, :, None], (1, 8, 8)) + 0.0
    means, _ = conservative.regrid(weights(points, grid.centres(4, 20.0)), frames)
    np.testing.assert_allclose(means[0], np.broadcast_to(grid.centres(4, 20.0)[:, None], (4, 4)))


def test_missing_pixels_have_no_say_and_lower_the_fraction():
    frames = np.full((1, 4, 4), 280.0)
    frames[0, 0, 0] = np.nan
    frames[0, 2:, 2:] = np.nan
    overlaps = weights(grid.centres(4, 5.0), grid.centres(2, 10.0))
    means, fraction = conservative.regrid(overlaps, frames)
    np.testing.assert_allclose(fraction[0], [[0.75, 1], [1, 0]])
    np.testing.assert_allclose(means[0], [[280, 280], [280, np.nan]])


def test_frames_smaller_than_the_target_are_refused():
    with pytest.raises(ValueError, match=r"frames\.nc: y: the frames reach from -1000 to 1000 km"):
        weights(grid.centres(400, 5e3), grid.centres(128, 20e3))
