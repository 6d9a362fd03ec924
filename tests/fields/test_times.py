import numpy as np
import pandas as pd
import pytest

from nephele.fields import times

SIX = pd.Timedelta(hours=6)


def hours(*values):
    return pd.DatetimeIndex([pd.Timestamp("2020-01-01") + pd.Timedelta(hours=h) for h in values])


def test_the_field_of_a_frame_is_the_latest_that_is_not_later():
    found = times.latest(hours(0, 6, 12), hours(0, 1, 5, 6, 7, 12, 17), "era5.nc", SIX)
    np.testing.assert_array_equal(found, [0, 0, 0, 1, 1, 2, 2])


@pytest.mark.parametrize("wanted", [-1, 13])
def test_a_frame_without_a_recent_field_is_refused(wanted):
    with pytest.raises(ValueError, match=r"era5\.nc: time: found 2020-01-01 00:00"):
        times.latest(hours(0, 6), hours(wanted), "era5.nc", SIX)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        (hours(0, 3, 3), "03:00 stands there more than once"),
        (hours(0, 6, 3), "03:00 comes after 2020-01-01 06:00"),
        (hours(3, 0, 3), "more than once"),
        (hours(), "there is none"),
        (pd.DatetimeIndex(["2020-01-01", "NaT"]), "a missing time"),
    ],
)
def test_times_that_do_not_increase_are_refused_by_name(given, complaint):
    with pytest.raises(ValueError, match=complaint):
        times.check(given, "f.nc")
