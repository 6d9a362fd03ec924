import numpy as np
import pytest
import real_fields
from climate_operators import regridded
from hypothesis import given, strategies as st

from nephele.fields import grid
from nephele.regridding import bilinear, lazily, masked
from nephele.regridding.grids import Curvilinear, Rectilinear
from nephele.regridding.targets import Box, Following, Target

SOURCE = Rectilinear.of(np.arange(-5.0, 61.0, 2.5), np.arange(100.0, 201.0, 2.5))
LATITUDE, LONGITUDE = np.meshgrid(SOURCE.latitude, SOURCE.longitude, indexing="ij")
TARGET = Target(32, 80e3)


def around(latitudes, longitudes):
    return Following(TARGET, np.array(latitudes, float), np.array(longitudes, float))


def applied(source, target, field):
    """Of one field on the source: values and fractions, without an axis for the field."""
    if isinstance(target, Box):
        results = masked.apply(bilinear.fixed(source, target), field[None])
    else:
        weights = bilinear.following(source, target, np.zeros(target.shape[0], int), 1)
        results = masked.apply(weights, field[None, None])
    return [part[0] for part in results]


@given(st.floats(-5, 5), st.floats(-5, 5), st.floats(10, 45), st.floats(130, 170))
def test_fields_linear_in_latitude_and_longitude_are_exact(a, b, north, east):
    target = around([north, north + 0.4], [east, east - 0.7])
    values, fraction = applied(SOURCE, target, a * LATITUDE + b * LONGITUDE)
    latitude, longitude = target.positions()
    np.testing.assert_allclose(values, a * latitude + b * longitude, atol=1e-9)
    np.testing.assert_allclose(fraction, 1)


@given(st.floats(-5, 5), st.floats(-5, 5), st.floats(-40, 40), st.floats(0, 360))
def test_the_same_on_a_curved_grid_wherever_it_lies(a, b, north, east):
    points = grid.centres(40, 100e3)
    latitude, longitude = (
        part[0] for part in grid.positions(points, points, np.array([north]), np.array([east]))
    )
    west = np.mod(longitude - east + 180, 360)  # no jump within the grid
    target = around([north + 1], [east - 1])
    values, fraction = applied(Curvilinear.of(latitude, longitude), target, a * latitude + b * west)
    latitude, longitude = target.positions()
    expected = a * latitude + b * np.mod(longitude - east + 180, 360)
    np.testing.assert_allclose(values, expected, atol=1e-7)
    np.testing.assert_allclose(fraction, 1)


def test_each_frame_is_given_its_own_field():
    weights = bilinear.following(SOURCE, around([20] * 3, [150] * 3), np.array([1, 0, 1]), 2)
    fields = np.stack([np.full(SOURCE.shape, v) for v in (7.0, 9.0)])
    values, _ = masked.apply(weights, fields[None])
    np.testing.assert_allclose(values[0].mean(axis=(1, 2)), [9, 7, 9])


def test_grid_points_of_the_source_are_reproduced_up_to_the_last_one():
    field = np.random.default_rng(0).random(SOURCE.shape)
    # Cells whose centres are the source's points.
    target = Box(grid.edges(SOURCE.latitude), grid.edges(SOURCE.longitude))
    np.testing.assert_allclose(applied(SOURCE, target, field)[0], field)


@pytest.mark.parametrize("target", [around([-20, 30], [180, 0.1]), Box.of(-30, 30, 150, -120, 24)])
def test_the_order_of_rows_and_where_columns_begin_change_nothing(target):
    latitude, longitude = np.arange(-88.75, 90, 2.5), np.arange(0, 360, 2.5)
    field = np.random.default_rng(1).random((len(latitude), len(longitude)))
    expected, _ = applied(Rectilinear.of(latitude, longitude), target, field)
    assert np.isfinite(expected).all()
    southward, _ = applied(Rectilinear.of(latitude[::-1], longitude), target, field[::-1])
    np.testing.assert_allclose(southward, expected)
    for start in (35, 72, 110):
        other = np.roll(longitude, start)
        rolled = Rectilinear.of(latitude, np.where(other > 180, other - 360, other))
        np.testing.assert_allclose(applied(rolled, target, np.roll(field, start, 1))[0], expected)


def test_beyond_the_source_there_is_nothing():
    values, fraction = applied(SOURCE, Box.of(0, 10, 190, 210, 10), np.ones(SOURCE.shape))
    beyond = Box.of(0, 10, 190, 210, 10).centres[1] > 200
    assert np.isnan(values[:, beyond]).all()
    assert (fraction == np.where(beyond, 0, 1)).all()


def test_land_neither_leaks_into_the_sea_nor_eats_the_coast():
    target = around([20.0], [150.0])
    _, (longitude,) = target.positions()
    field = np.full(SOURCE.shape, 300.0)
    field[:, (SOURCE.longitude >= 145) & (SOURCE.longitude <= 150)] = np.nan
    (values,), (fraction,) = applied(SOURCE, target, field)
    # A cell with any sea around it has the sea's temperature, all others have none.
    some_sea = (longitude < 145) | (longitude > 150)
    np.testing.assert_allclose(values[some_sea], 300.0)
    assert np.isnan(values[~some_sea]).all()
    assert (fraction[~some_sea] == 0).all()
    # Half-way between the last sea point and the first land point, half is sea.
    between = some_sea & (longitude > 150) & (longitude < 152.5)
    np.testing.assert_allclose(fraction[between], (longitude[between] - 150) / 2.5, atol=1e-12)


@pytest.mark.parametrize("kind", ["fixed", "following"])
def test_it_agrees_with_cdo_on_a_real_coast_where_cdo_has_values(kind, tmp_path):
    sst = real_fields.sea_surface_temperature("old_cds_single_level_sst.nc")
    target = {
        "fixed": Box.of(40.5, 44.5, 28, 40, 32),
        "following": Following(Target(32, 8e3), np.array([42.5]), np.array([34.0])),
    }[kind]
    found, fraction = applied(lazily.source(sst.to_dataset())[0], target, sst.values)
    expected = regridded(tmp_path, "remapbil", sst, target)
    there = np.isfinite(expected)
    assert there.mean() > 0.5
    np.testing.assert_allclose(found[there], expected[there], atol=1e-9)
    # CDO gives up where one of the four is land; here the sea among them counts.
    assert (fraction[there] > 1 - 1e-9).all()
    assert (fraction[np.isfinite(found) & ~there] < 1).all()
    assert np.isfinite(found).sum() > there.sum()


def test_it_agrees_with_cdo_on_a_curved_grid_across_the_date_line(tmp_path):
    field = real_fields.frame()
    target = Box.of(5, 27, 168, -170, 32)
    found, _ = applied(lazily.source(field.to_dataset(name="f"))[0], target, field.values)
    expected = regridded(tmp_path, "remapbil", field, target)
    np.testing.assert_allclose(found, expected, atol=1e-7)
