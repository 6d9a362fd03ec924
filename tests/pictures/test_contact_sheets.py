import frames_files
import numpy as np
import pytest
import xarray as xr

from nephele.pictures import contact_sheets
from nephele.regridding import storm
from nephele.regridding.targets import Target
from nephele.windows import dataset
from nephele.windows.index import Shape

LEVELS = {"msl": None, "sst": None}


@pytest.fixture(scope="module")
def given():
    """Three storms as acquired; the sea ends in the west."""
    latitude, longitude = np.arange(0.0, 31, 2.5), np.arange(125.0, 156, 2.5)
    times = frames_files.series(8)
    shape = (len(times), len(latitude), len(longitude))
    found = {}
    for seed, name in enumerate(("S1", "S2", "S3")):
        random = np.random.default_rng(seed)
        sst = 295 + 10 * random.random(shape)
        sst[:, :, :6] = np.nan
        dims = ("time", "latitude", "longitude")
        fields = {"msl": (dims, 100_000 + 100 * random.random(shape)), "sst": (dims, sst)}
        axes = {"time": times, "latitude": latitude, "longitude": longitude}
        found[name] = frames_files.frames(times, seed=seed), xr.Dataset(fields, axes)
    return found


@pytest.fixture(scope="module")
def windows(given):
    target = Target(16, 40e3)
    parts = [storm.regrid(name, *both, list(LEVELS), target) for name, both in given.items()]
    plan = dataset.Plan(Shape(2, 2, 3), 1, "storm", 12, (0.3, 0.3), None, 1)
    about = dict.fromkeys(("source", "attribution"), "noise")
    about |= {"synthetic": True, "environment": "analysis"}
    return dataset.build(dataset.joined(parts), LEVELS, target, plan, about)


@pytest.fixture(scope="module")
def drawn(windows, given):
    figure = contact_sheets.sheet(windows, "S2", given["S2"], LEVELS)
    axes = np.array(figure.axes[: 3 * 7]).reshape(3, 7)
    return figure, axes


def image(axis):
    return np.ma.filled(axis.images[0].get_array().astype(float), np.nan)


def test_the_first_column_is_what_was_acquired(drawn, given):
    frames, era5 = given["S2"]
    _, axes = drawn
    np.testing.assert_array_equal(image(axes[0, 0]), frames.brightness_temperature[0])
    for row, name in enumerate(LEVELS, start=1):
        np.testing.assert_array_equal(image(axes[row, 0]), era5[name][0])
        assert axes[row, 0].images[0].get_extent() == [123.75, 156.25, -1.25, 31.25]
    assert axes[0, 0].images[0].get_extent() == [-320, 320, -320, 320]


def test_the_others_are_what_the_networks_get(drawn, windows):
    _, axes = drawn
    own = np.flatnonzero(windows.storm.values == "S2")
    for column, number in ((1, own[0]), (6, own[-1])):
        np.testing.assert_array_equal(
            image(axes[0, column]), windows.brightness_temperature[number]
        )
        for row, name in enumerate(LEVELS, start=1):
            expected = windows.era5.sel(variable=name)[number]
            np.testing.assert_array_equal(image(axes[row, column]), expected)


def test_colours_mean_the_same_before_and_after_and_have_units(drawn):
    figure, axes = drawn
    for row in axes:
        assert len({axis.images[0].get_clim() for axis in row}) == 1
    labels = [axis.get_ylabel() for axis in figure.axes[3 * 7 :]]
    assert labels == [
        "brightness temperature, K",
        "mean sea level pressure, Pa",
        "sea surface temperature, K",
    ]
    assert figure.get_suptitle().startswith("SYNTHETIC · storm S2")


def test_only_what_was_filled_is_hatched(drawn, windows):
    _, axes = drawn
    hatched = [[bool(axis.collections) for axis in row] for row in axes]
    valid = windows.era5_valid.sel(variable="sst").values[windows.storm.values == "S2"]
    assert (valid[0] < 0.5).any()
    assert hatched == [[False] * 7, [False] * 7, [False] + [True] * 6]


def test_storms_are_spread_over_their_order():
    assert contact_sheets.spread([*"abcdefg"], 3) == ["a", "d", "g"]
    assert contact_sheets.spread([*"ab"], 6) == ["a", "b"]
