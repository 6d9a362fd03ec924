import numpy as np
from hypothesis import given, strategies as st

from nephele.fields import grid
from nephele.regridding import bilinear, masked

LATITUDES, LONGITUDES = np.arange(-5.0, 61.0, 2.5), np.arange(100.0, 201.0, 2.5)
POINTS = grid.centres(32, 80e3)


def target(latitudes, longitudes):
    return grid.positions(POINTS, POINTS, np.array(latitudes), np.array(longitudes))


@given(st.floats(-5, 5), st.floats(-5, 5), st.floats(10, 45), st.floats(130, 170))
def test_fields_linear_in_latitude_and_longitude_are_exact(a, b, north, east):
    latitude, longitude = target([north, north + 0.4], [east, east - 0.7])
    weights = bilinear.weights((LATITUDES, LONGITUDES), latitude, longitude, np.array([0, 0]), 1)
    field = (a * LATITUDES[:, None] + b * LONGITUDES).reshape(-1, 1)
    values, fraction = masked.apply(weights, field)
    np.testing.assert_allclose(
        values.reshape(latitude.shape), a * latitude + b * longitude, atol=1e-9
    )
    np.testing.assert_allclose(fraction, 1)


def test_each_frame_is_given_its_own_field():
    latitude, longitude = target([20, 20, 20], [150, 150, 150])
    weights = bilinear.weights((LATITUDES, LONGITUDES), latitude, longitude, np.array([1, 0, 1]), 2)
    fields = np.concatenate([np.full(LATITUDES.size * LONGITUDES.size, v) for v in (7.0, 9.0)])
    values, _ = masked.apply(weights, fields[:, None])
    np.testing.assert_allclose(values.reshape(3, -1).mean(axis=1), [9, 7, 9])


def test_grid_points_of_the_source_are_reproduced_up_to_the_last_one():
    latitude, longitude = np.meshgrid(LATITUDES, LONGITUDES, indexing="ij")
    weights = bilinear.weights(
        (LATITUDES, LONGITUDES), latitude[None], longitude[None], np.array([0]), 1
    )
    field = np.random.default_rng(0).random(latitude.size)[:, None]
    np.testing.assert_allclose(masked.apply(weights, field)[0], field)


def test_land_neither_leaks_into_the_sea_nor_eats_the_coast():
    latitude, longitude = target([20.0], [150.0])
    weights = bilinear.weights((LATITUDES, LONGITUDES), latitude, longitude, np.array([0]), 1)
    field = np.full((LATITUDES.size, LONGITUDES.size), 300.0)
    land = (LONGITUDES >= 145) & (LONGITUDES <= 150)
    field[:, land] = np.nan
    values, fraction = masked.apply(weights, field.reshape(-1, 1))
    values, fraction = values.reshape(latitude.shape), fraction.reshape(latitude.shape)
    # A cell with any sea around it has the sea's temperature, all others have none.
    some_sea = (longitude < 145) | (longitude > 150)
    np.testing.assert_allclose(values[some_sea], 300.0)
    assert np.isnan(values[~some_sea]).all()
    assert (fraction[~some_sea] == 0).all()
    # Half-way between the last sea point and the first land point, half is sea.
    between = some_sea & (longitude > 150) & (longitude < 152.5)
    np.testing.assert_allclose(fraction[between], (longitude[between] - 150) / 2.5, atol=1e-12)
