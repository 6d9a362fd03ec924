import numpy as np
import pandas as pd

from nephele.windows.index import Shape, within

SHAPE = Shape(history=2, rollout=2, spacing_hours=3)


def at(*hours):
    return pd.DatetimeIndex([pd.Timestamp("2020-01-01") + pd.Timedelta(hours=h) for h in hours])


def test_the_initial_time_is_the_last_of_the_history():
    np.testing.assert_array_equal(SHAPE.hours, [-3, 0, 3, 6])


def test_hourly_frames_start_a_window_every_hour():
    found = within(at(*range(12)), SHAPE)
    np.testing.assert_array_equal(found, [[0, 3, 6, 9], [1, 4, 7, 10], [2, 5, 8, 11]])


def test_a_gap_breaks_windows_and_shifts_none():
    # Hour 6 is missing: of the windows from 0, 3, 6, 9 only the last is complete.
    found = within(at(0, 3, 9, 12, 15, 18), SHAPE)
    np.testing.assert_array_equal(found, [[2, 3, 4, 5]])


def test_a_frame_at_nearly_the_right_time_is_not_taken():
    assert len(within(at(0, 3, 6, 9.02), SHAPE)) == 0


def test_a_short_series_has_no_window():
    assert within(at(0, 3), SHAPE).shape == (0, 4)
