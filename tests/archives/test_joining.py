import numpy as np
import pandas as pd
import pytest
import xarray as xr

from nephele.archives import joining

TIMES = pd.date_range("2030-09-01", periods=4, freq="6h")


def piece(times, value, version=None, latitude=(10.0, 20.0)):
    field = xr.DataArray(
        np.full((len(times), 2, 2), float(value)),
        dims=("time", "latitude", "longitude"),
        coords={"time": times, "latitude": [*latitude], "longitude": [100.0, 110.0]},
        name="msl",
    )
    if version is None:
        return field
    return field.assign_coords(expver=("time", [version] * len(times)))


@pytest.mark.parametrize("order", [1, -1])
def test_the_final_field_goes_before_the_preliminary_one_of_another_file(order):
    final, early = piece(TIMES[:3], 1, "0001"), piece(TIMES[1:], 5, "0005")
    series = joining.in_time([final, early][::order], "f")
    assert series.indexes["time"].equals(TIMES)
    assert series[:, 0, 0].values.tolist() == [1, 1, 1, 5]


@pytest.mark.parametrize("version", [None, "0001"])
def test_a_time_that_two_files_have_alike_is_refused(version):
    with pytest.raises(ValueError, match="2030-09-01 06:00 stands there more than once"):
        joining.in_time([piece(TIMES[:2], 1, version), piece(TIMES[1:], 1, version)], "f")


def test_files_that_take_turns_in_time_are_one_series():
    series = joining.in_time([piece(TIMES[::2], 0), piece(TIMES[1::2], 1)], "f")
    assert series.indexes["time"].equals(TIMES)
    assert series[:, 0, 0].values.tolist() == [0, 1, 0, 1]


def test_axes_in_single_and_in_double_precision_are_the_same():
    single = piece(TIMES[2:], 1, latitude=np.float32([10.1, 20.1]))
    series = joining.in_time([piece(TIMES[:2], 0, latitude=(10.1, 20.1)), single], "f")
    assert series.latitude.values.tolist() == [10.1, 20.1]
    assert series.sizes["time"] == 4


def test_other_grids_are_refused():
    with pytest.raises(ValueError, match="msl: the files have different latitudes"):
        joining.in_time([piece(TIMES[:2], 0), piece(TIMES[2:], 0, latitude=(10.5, 20.0))], "f")
    coarse = piece(TIMES, 0, latitude=(10.5, 20.0)).rename("sst")
    with pytest.raises(ValueError, match="latitude: sst and msl are on different grids"):
        joining.on_one_grid({"msl": piece(TIMES, 0), "sst": coarse}, "f")
