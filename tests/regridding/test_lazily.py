import dask
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from nephele.fields import grid
from nephele.regridding import lazily
from nephele.regridding.targets import Box, Degrees, Target

TIMES = pd.date_range("2020-08-01", periods=10, freq="h")
LATITUDE, LONGITUDE = np.arange(88.75, -90, -2.5), np.arange(-180.0, 180, 2.5)
BOX = Box.of(-10, 40, 150, -150, 20)
TARGET = Target(16, 150e3)
TRACK = pd.DataFrame(
    {"latitude": np.linspace(10, 20, 10), "longitude": np.linspace(176, 184, 10)}, TIMES
)


def fields():
    """One field of noise with holes that change in time, one linear in latitude, by level."""
    shape = (len(TIMES), len(LATITUDE), len(LONGITUDE))
    noise = np.random.default_rng(0).random(shape)
    noise[:5, 20:30, :10] = np.nan
    noise[5:, 25:32, -20:] = np.nan
    height = np.array([1.0, 10.0])[:, None, None, None] * LATITUDE[:, None]
    dims = ("time", "latitude", "longitude")
    return xr.Dataset(
        {
            "sst": (dims, noise, {"units": "K"}),
            "z": (("level", *dims), np.broadcast_to(height, (2, *shape)), {"units": "m2 s-2"}),
        },
        {"time": TIMES, "latitude": LATITUDE, "longitude": LONGITUDE, "level": [850, 200]},
    )


@pytest.mark.parametrize("method", ["bilinear", "conservative"])
@pytest.mark.parametrize("chunk", [1, 3, 10])
def test_chunks_in_time_change_nothing(method, chunk):
    sea = fields()[["sst"]]
    for whole, lazy in (
        (lazily.fixed(sea, BOX, method), lazily.fixed(sea.chunk(time=chunk), BOX, method)),
        (
            lazily.following(sea, TARGET, TRACK, method),
            lazily.following(sea.chunk(time=chunk), TARGET, TRACK, method),
        ),
    ):
        assert dask.is_dask_collection(lazy)
        assert not dask.is_dask_collection(whole)
        assert lazy.compute().identical(whole)


@pytest.mark.parametrize("method", ["bilinear", "conservative"])
def test_each_frame_lies_where_the_storm_is(method):
    found = lazily.following(fields()[["z"]].chunk(time=4), TARGET, TRACK, method).compute()
    assert found.z.dims == ("time", "level", "y", "x")
    centres = TRACK["latitude"].to_numpy(), TRACK["longitude"].to_numpy()
    latitude, _ = grid.positions(TARGET.points, TARGET.points, *centres)
    # Means of a cell are those of its middle but for the source's steps.
    slack = 1e-4 if method == "bilinear" else 1.3
    np.testing.assert_allclose(found.z.sel(level=850), latitude, atol=slack)
    np.testing.assert_allclose(found.z.sel(level=200), 10 * latitude, atol=10 * slack)
    np.testing.assert_allclose(found.z_valid, 1, rtol=1e-6)


@pytest.mark.parametrize("method", ["bilinear", "conservative"])
@pytest.mark.parametrize("west", [-180.0, 0.0])
def test_boxes_around_a_storm_are_fixed_boxes_one_by_one(method, west):
    sea = fields()[["sst"]].roll(longitude=int((180 + west) / 2.5), roll_coords=True)
    sea = sea.assign_coords(longitude=np.arange(west, west + 360, 2.5))
    sea = sea.isel(latitude=slice(None, None, -1 if west else 1))
    found = lazily.following(sea.chunk(time=3), Degrees(20, 30, 40), TRACK, method).compute()
    assert found.sst.attrs["units"] == "K"
    np.testing.assert_allclose(found.y, np.arange(-14.25, 15, 1.5))
    for number, (_, (latitude, longitude)) in enumerate(TRACK.iterrows()):
        box = Box.of(latitude - 15, latitude + 15, longitude - 20, longitude + 20, 20)
        alone = lazily.fixed(sea.isel(time=[number]), box, method)
        for name in ("sst", "sst_valid"):
            np.testing.assert_allclose(found[name][number], alone[name][0], rtol=1e-5, atol=1e-6)
    assert 0 < float(found.sst_valid.mean()) < 1


def test_no_frame_sees_a_later_field():
    sparse = fields()[["z"]].isel(time=[0, 6])
    sparse["z"] = xr.zeros_like(sparse.z) + xr.DataArray([0.0, 6.0], dims="time")
    found = lazily.following(sparse, TARGET, TRACK, "bilinear")
    np.testing.assert_allclose(found.z.mean(("level", "y", "x")), [0] * 6 + [6] * 4, rtol=1e-6)
    with pytest.raises(ValueError, match="at most 6 h before each frame"):
        lazily.following(sparse.isel(time=[0]), TARGET, TRACK, "bilinear")


def test_what_is_cut_off_before_is_what_does_not_count():
    sea = fields()[["sst"]]
    far = sea.where((abs(sea.latitude - 15) < 45) & (abs(sea.longitude % 360 - 180) < 45), 1e6)
    for method in ("bilinear", "conservative"):
        xr.testing.assert_identical(lazily.fixed(far, BOX, method), lazily.fixed(sea, BOX, method))
        xr.testing.assert_identical(
            lazily.following(far, TARGET, TRACK, method),
            lazily.following(sea, TARGET, TRACK, method),
        )


def test_a_target_that_the_fields_cover_in_part_is_told_of(caplog):
    sea = fields()[["sst"]]
    lazily.fixed(sea.isel(time=[0]), BOX, "conservative")
    assert not caplog.messages
    west = sea.isel(time=[0]).where(sea.longitude < 0, drop=True)  # from the date line eastward
    found = lazily.fixed(west, BOX, "conservative")
    assert not found.sst_valid.sel(longitude=slice(None, 177)).any()
    (told,) = caplog.messages
    assert "longitude: the target reaches from 150 to 210, the fields from 180 to" in told
    south = sea.isel(time=[0]).where(sea.latitude < 15, drop=True)
    caplog.clear()
    lazily.following(south, TARGET, TRACK.iloc[:1], "bilinear")
    assert "latitude: the target reaches from" in caplog.text


def test_a_whole_earth_has_no_seam():
    linear = fields()[["z"]]
    for west in (-180, -77, 0, 179):
        found = lazily.fixed(linear, Box.of(-80, 80, west, west, 36), "conservative")
        np.testing.assert_allclose(found.z_valid, 1, rtol=1e-6)
        np.testing.assert_allclose(found.z.std("longitude"), 0, atol=1e-3)


def test_curved_grids_are_known_by_their_coordinates():
    points = grid.centres(20, 200e3)
    latitude, longitude = grid.positions(points, points, np.array([15.0]), np.array([180.0]))
    swath = xr.Dataset(
        {"z": (("time", "row", "column"), np.repeat(latitude, 10, axis=0))},
        {
            "time": TIMES,
            "latitude": (("row", "column"), latitude[0]),
            "longitude": (("row", "column"), longitude[0]),
        },
    )
    found = lazily.fixed(swath.chunk(time=5), Box.of(5, 25, 170, -170, 10), "bilinear").compute()
    expected = xr.broadcast(found.latitude, found.z)[0].transpose(*found.z.dims)
    np.testing.assert_allclose(found.z, expected, atol=1e-4)


def test_boxes_need_rows_and_columns_and_no_pole():
    latitude, longitude = np.meshgrid(LATITUDE, LONGITUDE, indexing="ij")
    axes = {"latitude": (("a", "b"), latitude), "longitude": (("a", "b"), longitude)}
    curved = fields()[["sst"]].drop_vars(["latitude", "longitude"])
    curved = curved.rename(latitude="a", longitude="b").assign_coords(axes)
    with pytest.raises(ValueError, match="curvilinear"):
        lazily.following(curved, Degrees(4, 10, 10), TRACK, "bilinear")
    with pytest.raises(ValueError, match="expected -90 to 90"):
        lazily.following(fields()[["sst"]], Degrees(4, 170, 10), TRACK, "bilinear")


def test_fields_without_positions_are_refused():
    with pytest.raises(ValueError, match="coordinate longitude is missing"):
        lazily.fixed(fields().drop_vars("longitude"), BOX, "bilinear")
    with pytest.raises(ValueError, match="longitude: found"):
        lazily.fixed(fields().isel(longitude=slice(None, None, -1)), BOX, "bilinear")
