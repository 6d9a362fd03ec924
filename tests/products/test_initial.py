import archive_files
import frames_files
import numpy as np
import pandas as pd
import pytest

from nephele.archives import observed
from nephele.fields.variables import FRAMES
from nephele.products.initial import Need, past
from nephele.regridding.storm import Target

NEED = Need(history=4, spacing_hours=3, target=Target(32, 20e3))


def found(folder, times, **changes):
    dataset = frames_files.frames(times, **changes)
    return dataset, observed.find([frames_files.write(folder, dataset)])


def test_the_history_ends_at_the_last_time_and_holds_the_means_of_the_cells(tmp_path):
    times = frames_files.series(6)
    dataset, frames = found(tmp_path, times)

    given = past(frames, NEED)

    assert given.times.equals(times[2:])
    # Each cell of 20 km holds just four of 10 km.
    expected = dataset[FRAMES].coarsen(y=2, x=2).mean().values[2:]
    np.testing.assert_allclose(given.brightness, expected, rtol=1e-6)
    np.testing.assert_allclose(given.latitude, dataset.centre_latitude[2:])


def test_hourly_frames_are_taken_at_the_spacing_of_the_training(tmp_path):
    times = frames_files.series(12, hours=1)
    _, frames = found(tmp_path, times)

    assert past(frames, NEED).times.equals(times[[2, 5, 8, 11]])
    assert past(frames, NEED, times[10]).times.equals(times[[1, 4, 7, 10]])


def test_a_gap_moves_the_initial_time_back_never_the_history(tmp_path):
    times = frames_files.series(7).delete(5)
    _, frames = found(tmp_path, times)

    assert past(frames, NEED).times.equals(frames_files.series(5)[1:])


def test_a_gap_before_the_wanted_time_is_named(tmp_path):
    times = frames_files.series(7).delete(5)
    _, frames = found(tmp_path, times)

    with pytest.raises(ValueError, match="no frame of 2030-09-01 15:00 UTC, expected 4 frames 3 h"):
        past(frames, NEED, times[-1])


def test_too_few_frames_are_told_from_enough(tmp_path):
    _, frames = found(tmp_path, frames_files.series(3))
    with pytest.raises(ValueError, match="2030-08-31 21:00 UTC is missing; add the frames"):
        past(frames, NEED)


def test_a_frame_that_cannot_be_used_is_a_gap_and_named_where_it_is_wanted(tmp_path):
    times = pd.date_range(archive_files.START, periods=6, freq="3h")
    for step, time in enumerate(times):
        image = np.zeros((512, 512)) if step == 5 else archive_files.frame(step)
        archive_files.write_frame(tmp_path, time, image)
    frames = observed.find([tmp_path])

    assert past(frames, NEED).times.equals(times[1:5])
    with pytest.raises(ValueError, match=r"15:00 UTC: the frame cannot be used.*fill"):
        past(frames, NEED, times[5])


def test_small_holes_are_filled_and_counted_and_large_ones_are_refused(tmp_path):
    dataset = frames_files.frames(frames_files.series(4))
    dataset[FRAMES][1, :2, :2] = np.nan
    given = past(observed.find([frames_files.write(tmp_path, dataset)]), NEED)
    assert given.filled == pytest.approx(1 / (4 * 32 * 32))
    assert np.isfinite(given.brightness).all()

    dataset[FRAMES][1, :32] = np.nan
    with pytest.raises(ValueError, match="2030-09-01 03:00 UTC: 50% of the frame is missing"):
        past(observed.find([frames_files.write(tmp_path, dataset)]), NEED)


def test_frames_that_are_smaller_than_the_models_grid_are_refused(tmp_path):
    _, frames = found(tmp_path, frames_files.series(4), size=32)
    with pytest.raises(ValueError, match="from -160 to 160 km, and the model sees -320 to 320 km"):
        past(frames, NEED)
