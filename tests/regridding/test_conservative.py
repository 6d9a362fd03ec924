import archive_files
import h5py
import numpy as np
import pytest
import real_fields
import xarray as xr
from climate_operators import regridded
from hypothesis import given, strategies as st

from nephele.fields import grid
from nephele.regridding import conservative, lazily, masked
from nephele.regridding.grids import Curvilinear, Rectilinear
from nephele.regridding.targets import Box, Following, Target

EARTH = Rectilinear.of(np.arange(-88.75, 90, 2.5), np.arange(0, 360, 2.5))
FIELD = np.random.default_rng(2).random(EARTH.shape)
STORM = Following(Target(24, 100e3), np.array([18.0, -35.0]), np.array([179.5, 0.5]))


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


def applied(source, target, field):
    """Of one field on the source: values and fractions, without an axis for the field."""
    if isinstance(target, Box):
        results = masked.apply(conservative.fixed(source, target), field[None])
    else:
        weights = conservative.following(source, target, np.zeros(target.shape[0], int), 1)
        results = masked.apply(weights, field[None, None])
    return [part[0] for part in results]


def cell_areas(source):
    """Of a rectilinear grid, on a sphere of radius 1."""
    heights = np.abs(np.diff(np.sin(np.deg2rad(source.edges[0]))))
    return np.outer(heights, np.deg2rad(np.diff(source.edges[1])))


def test_the_integral_over_the_earth_is_conserved():
    target = Box.of(-90, 90, -180, 180, 37)
    values, fraction = applied(EARTH, target, FIELD)
    heights = np.diff(np.sin(np.deg2rad(target.latitude)))
    areas = np.outer(heights, np.deg2rad(np.diff(target.longitude)))
    np.testing.assert_allclose((values * areas).sum(), (FIELD * cell_areas(EARTH)).sum())
    np.testing.assert_allclose(fraction, 1)


def test_around_a_storm_each_source_cell_counts_for_its_area_and_no_more():
    weights = conservative.following(EARTH, STORM, np.zeros(2, int), 1)
    # Cells of the plane have one area; what lies wholly within the frame is shared out whole.
    given = np.zeros((2, *EARTH.shape))
    for number in range(2):
        rows = slice(number * 24**2, (number + 1) * 24**2)
        share = np.asarray(weights.matrix[rows].sum(axis=0)).ravel()
        given[number].flat[weights.columns] = share * (100e3 / grid.EARTH_RADIUS) ** 2
    share = given / cell_areas(EARTH)
    # 2400 km have some 60 cells of 2.5°, fewer further from the equator, within and on the rim.
    assert (np.abs(share - 1) < 1e-4).sum() > 90
    assert share.max() < 1 + 1e-4
    np.testing.assert_allclose(given.sum(axis=(1, 2)), (2.4e6 / grid.EARTH_RADIUS) ** 2, rtol=1e-4)


def test_a_curved_grid_conserves_what_it_holds():
    points = grid.centres(30, 60e3)
    latitude, longitude = grid.positions(points, points, np.array([18.0]), np.array([179.5]))
    edges = grid.edges(points)
    corners = tuple(
        part[0] for part in grid.positions(edges, edges, np.array([18.0]), np.array([179.5]))
    )
    source = Curvilinear.of(latitude[0], longitude[0], corners)
    field = np.random.default_rng(3).random(source.shape)
    target = Following(Target(40, 100e3), np.array([18.0]), np.array([179.5]))
    values, fraction = applied(source, target, field)
    np.testing.assert_allclose(np.nansum(values * fraction) * 100e3**2, field.sum() * 60e3**2)
    # The corners that a grid gets without its own are close to them.
    guessed = Curvilinear.of(latitude[0], longitude[0]).corners
    np.testing.assert_allclose(guessed[0], corners[0], atol=0.02)


@pytest.mark.parametrize("target", [STORM, Box.of(-30, 30, 150, -120, 24)])
def test_the_order_of_rows_and_where_columns_begin_change_nothing(target):
    expected, _ = applied(EARTH, target, FIELD)
    latitude, longitude = EARTH.latitude, EARTH.longitude
    southward, _ = applied(Rectilinear.of(latitude[::-1], longitude), target, FIELD[::-1])
    np.testing.assert_allclose(southward, expected)
    for start in (35, 72, 110):
        other = np.roll(longitude, start)
        rolled = Rectilinear.of(latitude, np.where(other > 180, other - 360, other))
        np.testing.assert_allclose(applied(rolled, target, np.roll(FIELD, start, 1))[0], expected)


def test_rectangles_and_quadrilaterals_agree():
    target = Box.of(-20, 40, 100, 200, 32)
    curved = Curvilinear.of(
        *np.meshgrid(EARTH.latitude, EARTH.longitude, indexing="ij"),
        tuple(np.meshgrid(*EARTH.edges, indexing="ij")),
    )
    expected, _ = applied(EARTH, target, FIELD)
    np.testing.assert_allclose(applied(curved, target, FIELD)[0], expected)


def test_a_constant_sea_stays_constant_up_to_the_coast():
    field = np.where(FIELD < 0.3, np.nan, 300.0)
    values, fraction = applied(EARTH, STORM, field)
    np.testing.assert_allclose(values[fraction > 0], 300.0)
    assert np.isnan(values[fraction == 0]).all()
    sea, _ = applied(EARTH, STORM, np.isfinite(field).astype(float))
    np.testing.assert_allclose(fraction, sea, atol=1e-9)


def test_a_pole_within_a_cell_is_refused():
    target = Following(Target(3, 100e3), np.array([90.0]), np.array([0.0]))
    with pytest.raises(ValueError, match="a cell holds a pole"):
        conservative.following(EARTH, target, np.array([0]), 1)


@pytest.mark.parametrize(
    ("file", "target", "largest"),
    [
        # CDO's sides are great circles, here they are straight: cells of 8 km hardly differ,
        # cells of 150 km by 0.02 of the 10 K that neighbours differ by.
        ("old_cds_single_level_sst.nc", Box.of(40.5, 44.5, 28, 40, 32), 1e-9),
        ("old_cds_single_level_sst.nc", (Target(32, 8e3), 42.5, 34.0), 1e-3),
        ("arco_names_tl31.nc", Box.of(-60, 60, 100, -100, 32), 1e-9),
        ("arco_names_tl31.nc", (Target(32, 150e3), 20.0, 178.0), 0.05),
    ],
)
def test_it_agrees_with_cdo_on_real_coasts(file, target, largest, tmp_path):
    sst = real_fields.sea_surface_temperature(file)
    if not isinstance(target, Box):
        target = Following(target[0], np.array([target[1]]), np.array([target[2]]))
    found, _ = applied(lazily.source(sst.to_dataset())[0], target, sst.values)
    expected = regridded(tmp_path, "remapcon", sst, target)
    assert (np.isfinite(found) == np.isfinite(expected)).all()
    np.testing.assert_allclose(found, expected, atol=largest)


def test_it_agrees_with_cdo_on_a_curved_grid_across_the_date_line(tmp_path):
    field, target = real_fields.frame(), Box.of(5, 27, 168, -170, 32)
    found, _ = applied(lazily.source(field.to_dataset(name="f"))[0], target, field.values)
    expected = regridded(tmp_path, "remapcon", field, target)
    np.testing.assert_allclose(found, expected, atol=0.02)  # of a standard deviation of 30 K


@pytest.mark.parametrize("file", ["old_cds_single_level_sst.nc", "arco_names_tl31.nc"])
def test_it_agrees_with_xarray_regrid_on_real_coasts(file):
    import xarray_regrid  # noqa: F401 - it adds the accessor

    sst = real_fields.sea_surface_temperature(file)
    target = Box.of(41, 44, 29, 40, 16) if "old" in file else Box.of(-60, 60, 40, 200, 16)
    axes = dict(zip(("latitude", "longitude"), target.centres, strict=True))
    expected = sst.sortby("latitude").regrid.conservative(
        xr.Dataset(coords=axes), latitude_coord="latitude", skipna=True, nan_threshold=1.0
    )
    found, fraction = applied(lazily.source(sst.to_dataset())[0], target, sst.values)
    there = (fraction > 1e-6) & np.isfinite(expected.values)
    assert there.mean() > 0.3
    np.testing.assert_allclose(found[there], expected.values[there], atol=0.1)
