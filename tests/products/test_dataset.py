import netCDF4
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from nephele.fields import grid
from nephele.products.dataset import COLD, labelled
from nephele.products.initial import Past

SIZE, MEMBERS, LEADS = 8, 5, (3, 6, 9)


@pytest.fixture
def past():
    return Past(
        storm="S0001",
        times=pd.date_range("2030-09-01", periods=4, freq="3h"),
        brightness=np.full((4, SIZE, SIZE), 250, np.float32),
        points=grid.centres(SIZE, 20e3),
        latitude=np.array([15.0, 15.3, 15.6, 15.9]),
        longitude=np.array([140.0, 139.7, 139.4, 139.1]),
        filled=0.0,
        provenance={},
    )


@pytest.fixture
def ensemble():
    return np.random.default_rng(0).uniform(190, 300, (MEMBERS, len(LEADS), SIZE, SIZE))


@pytest.fixture
def file(past, ensemble, tmp_path):
    path = tmp_path / "forecast.nc"
    labelled(past, ensemble, LEADS, {"seed": 1}).to_netcdf(path)
    return path


def test_members_come_back_to_half_a_hundredth_of_a_kelvin(file, ensemble):
    with xr.open_dataset(file, decode_timedelta=False) as read:
        assert read.brightness_temperature.dims == ("member", "lead_time", "y", "x")
        np.testing.assert_allclose(read.brightness_temperature, ensemble, atol=0.005 + 1e-9)
        np.testing.assert_allclose(read.observed_brightness_temperature, 250)


def test_mean_spread_and_probability_are_those_of_the_members_in_the_file(file):
    with xr.open_dataset(file, decode_timedelta=False) as read:
        members = read.brightness_temperature
        share = (members < COLD).mean("member")
        np.testing.assert_array_equal(read.probability_of_cold_cloud, share.astype(np.float32))
        assert float(read.threshold) == COLD
        mean, spread = members.mean("member"), members.std("member", ddof=1)
        np.testing.assert_allclose(read.ensemble_mean, mean, atol=0.005 + 1e-9)
        np.testing.assert_allclose(read.ensemble_spread, spread, atol=0.005 + 1e-9)


def test_a_temperature_that_is_stored_as_the_threshold_is_not_below_it(past, ensemble, tmp_path):
    ensemble[:] = 234.996  # stored as 235.00
    forecast = labelled(past, ensemble, LEADS, {})
    assert (forecast.probability_of_cold_cloud == 0).all()


def test_every_lead_time_has_its_valid_time(file, past):
    with xr.open_dataset(file, decode_timedelta=False) as read:
        assert read.lead_time.attrs["units"] == "hours"
        assert read.lead_time.values.tolist() == list(LEADS)
        assert pd.Timestamp(read.init_time.values) == past.times[-1]
        spans = pd.DatetimeIndex(read.valid_time.values) - past.times[-1]
        assert (spans / pd.Timedelta(hours=1)).tolist() == list(LEADS)
        assert pd.DatetimeIndex(read.time.values).equals(past.times)


def test_names_and_units_are_those_of_the_conventions(file):
    expected = {
        "member": ("realization", "1"),
        "lead_time": ("forecast_period", "hours"),
        "valid_time": ("time", "seconds since 1970-01-01"),
        "init_time": ("forecast_reference_time", "seconds since 1970-01-01"),
        "x": ("projection_x_coordinate", "m"),
        "y": ("projection_y_coordinate", "m"),
        "brightness_temperature": ("toa_brightness_temperature", "K"),
    }
    with netCDF4.Dataset(file) as raw:
        assert raw.Conventions == "CF-1.11"
        for name, (standard_name, units) in expected.items():
            assert (raw[name].standard_name, raw[name].units) == (standard_name, units)
        assert raw["brightness_temperature"].grid_mapping == "projection"
        assert raw["brightness_temperature"].dtype == np.int16


def test_the_projection_touches_the_earth_at_the_centre_of_the_initial_time(file):
    with xr.open_dataset(file, decode_timedelta=False) as read:
        origin = read.projection.attrs
        assert origin["latitude_of_projection_origin"] == 15.9
        assert origin["longitude_of_projection_origin"] == 139.1
        places = read.latitude_at_init.values, read.longitude_at_init.values
        x, y = grid.to_plane(*places, 15.9, 139.1)
        # Degrees are stored to about a metre.
        np.testing.assert_allclose(x, np.broadcast_to(read.x.values, x.shape), atol=5)
        np.testing.assert_allclose(y, np.broadcast_to(read.y.values, y.shape).T, atol=5)


def test_where_the_centre_is_not_known_no_position_is_claimed(past, ensemble):
    unknown = np.full(4, np.nan)
    given = Past(**{**vars(past), "latitude": unknown, "longitude": unknown})
    forecast = labelled(given, ensemble, LEADS, {})
    assert not [name for name in forecast.variables if "latitude" in str(name)]
    assert "latitude_of_projection_origin" not in forecast.projection.attrs
