import numpy as np
import pandas as pd
import pytest
import xarray as xr

from nephele.archives import coordinates
from nephele.archives.coordinates import Box
from nephele.archives.frames import together
from nephele.fields import grid


def field(latitude, longitude):
    """A field whose value is 1000 · latitude + longitude as they were written."""
    latitude, longitude = np.asarray(latitude, float), np.asarray(longitude, float)
    return xr.Dataset(
        {"f": (("latitude", "longitude"), 1000 * latitude[:, None] + longitude)},
        coords={"latitude": latitude, "longitude": longitude},
    )


def test_descending_latitudes_are_turned_with_their_values():
    turned = coordinates.ascending(field([30, 20, 10], [100, 110]), "f.nc")
    assert turned.latitude.values.tolist() == [10, 20, 30]
    np.testing.assert_array_equal(turned.f, 1000 * turned.latitude + turned.longitude)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ([-180, -90, 0, 90], [0, 90, 180, 270]),
        ([170, 175, -180, -175], [170, 175, 180, 185]),
        ([-10, 0, 10], [0, 10, 350]),
    ],
)
def test_longitudes_become_0_to_360_and_keep_their_values(written, expected):
    turned = coordinates.ascending(field([10, 20], written), "f.nc")
    assert turned.longitude.values.tolist() == expected
    before = dict(zip(np.mod(written, 360), field([10, 20], written).f.values[0], strict=True))
    assert turned.f.values[0].tolist() == [before[lon] for lon in expected]


@pytest.mark.parametrize(
    ("latitude", "longitude", "complaint"),
    [
        ([10, 30, 20], [100, 110], "latitude: neither increases nor decreases"),
        ([10, 20], [100, 120, 110, 130, 105], "longitude: does not increase eastward"),
        ([10, 20], [-180, 0, 180], "longitude: found the same meridian more than once"),
        ([10, 200], [100, 110], "latitude: found 10 to 200"),
        ([10, 20], [100, 700], "longitude: found 100 to 700"),
    ],
)
def test_ambiguous_axes_are_refused(latitude, longitude, complaint):
    with pytest.raises(ValueError, match=f"f.nc: {complaint}"):
        coordinates.ascending(field(latitude, longitude), "f.nc")


def test_the_cut_encloses_the_box_and_no_more():
    whole = field(np.arange(0, 41, 2.5), np.arange(100, 161, 2.5))
    part = coordinates.cut(whole, Box(9.9, 20.0, 120.1, 130.1), "f.nc")
    assert part.latitude.values[[0, -1]].tolist() == [7.5, 20.0]
    assert part.longitude.values[[0, -1]].tolist() == [120.0, 132.5]


def test_a_field_that_is_too_small_or_torn_is_refused():
    with pytest.raises(ValueError, match=r"f.nc: latitude: found 10 to 20, expected at least 5.00"):
        coordinates.cut(field([10, 15, 20], [100, 110]), Box(5, 15, 101, 102), "f.nc")
    with pytest.raises(ValueError, match=r"longitude: nothing between 110 and 150"):
        coordinates.cut(field([0, 10], [100, 105, 110, 150, 155]), Box(1, 2, 101, 151), "f.nc")


def frames_at(*longitudes: float) -> xr.Dataset:
    """Two frames, at 8°N and at 45°N."""
    points = grid.centres(64, 40e3)
    return together(
        np.full((2, 64, 64), 280.0),
        pd.date_range("2020-01-01", periods=2),
        (points, points),
        (np.array([8.0, 45.0]), np.array(longitudes)),
    )


@pytest.mark.parametrize("longitudes", [(352.0, 358.0), (350.0, 20.0)])
def test_frames_across_greenwich_are_refused(longitudes):
    with pytest.raises(ValueError, match="reach across the meridian of Greenwich"):
        coordinates.around(frames_at(*longitudes))


def test_the_box_holds_every_cell_of_every_frame():
    frames = frames_at(140.0, 172.0)
    box = coordinates.around(frames)
    points = frames.x.values
    latitude, longitude = grid.positions(
        points, points, frames.centre_latitude.values, frames.centre_longitude.values
    )
    assert box.south < latitude.min() < box.south + 0.5
    assert box.north > latitude.max() > box.north - 0.5
    assert box.west < longitude.min() < box.west + 0.8
    assert box.east > longitude.max() > box.east - 0.8
