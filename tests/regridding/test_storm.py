import numpy as np
import pandas as pd
import pytest
import xarray as xr

from nephele.archives.frames import together
from nephele.fields import grid
from nephele.regridding import storm
from nephele.regridding.storm import Target

TARGET = Target(16, 160e3)
TIMES = pd.date_range("2020-08-01", periods=4, freq="3h")


def frames(values):
    points = grid.centres(64, 40e3)
    return together(
        values, TIMES, (points, points), (np.linspace(15, 16, 4), np.linspace(140, 139, 4))
    )


def fields(times=TIMES):
    latitude, longitude = np.arange(-2.5, 36, 2.5), np.arange(120.0, 161, 2.5)
    shape = (len(times), len(latitude), len(longitude))
    hours = ((times - TIMES[0]) / pd.Timedelta(hours=1)).to_numpy()
    by_time = np.broadcast_to(hours[:, None, None], shape) + 0.0
    by_latitude = np.broadcast_to(latitude[None, :, None], shape) + 0.0
    dims = ("time", "latitude", "longitude")
    return xr.Dataset(
        {"msl": (dims, by_time), "r": (dims, by_latitude)},
        coords={"time": times, "latitude": latitude, "longitude": longitude},
    )


def test_the_environment_follows_the_storm():
    brightness = np.full((4, 64, 64), 280.0)
    result = storm.regrid("s", frames(brightness), fields(), ["msl", "r"], TARGET)
    latitude, _ = grid.positions(TARGET.points, TARGET.points, result.latitude, result.longitude)
    np.testing.assert_allclose(result.era5[:, 1], latitude, atol=1e-5)
    np.testing.assert_allclose(result.era5[:, 0].mean(axis=(1, 2)), [0, 3, 6, 9])
    assert (result.valid == 100).all()


def test_no_frame_sees_a_later_field():
    sparse = fields(TIMES[[0, 2]])
    result = storm.regrid("s", frames(np.full((4, 64, 64), 280.0)), sparse, ["msl"], TARGET)
    np.testing.assert_allclose(result.era5[:, 0].mean(axis=(1, 2)), [0, 0, 6, 6])


def test_a_hole_in_a_frame_takes_the_nearest_value():
    brightness = np.full((4, 64, 64), 280.0)
    brightness[1, :, 32:] = 250.0
    brightness[1, 20:30, 50:] = np.nan
    result = storm.regrid("s", frames(brightness), fields(), ["r"], TARGET)
    expected = np.full((16, 16), 280.0)
    expected[:, 8:] = 250.0
    np.testing.assert_allclose(result.frames[1], expected)
    assert 0 < result.filled < 0.02


def test_fields_that_do_not_reach_the_rim_are_refused():
    small = fields().sel(latitude=slice(5, 40))
    with pytest.raises(
        ValueError,
        match=r"data/s/era5\.nc: found latitude 5 to 35 and .*, expected at least 3\.98 to",
    ):
        storm.regrid("s", frames(np.full((4, 64, 64), 280.0)), small, ["r"], TARGET)
