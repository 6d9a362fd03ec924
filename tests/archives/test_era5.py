import archive_files
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from nephele.archives import era5, selecting
from nephele.archives.coordinates import Box
from nephele.archives.selecting import Request

TIMES = pd.date_range("2030-09-01", periods=3, freq="6h")
BOX = Box(5.0, 30.0, 120.0, 160.0)
SURFACE = Request({"sst": None, "msl": None}, BOX)


def test_todays_layout_gives_the_contract(tmp_path):
    single, pressure = tmp_path / "s.nc", tmp_path / "p.nc"
    archive_files.single_levels(TIMES).to_netcdf(single)
    archive_files.pressure_levels(TIMES).to_netcdf(pressure)
    fields = era5.read([single, pressure], Request(archive_files.VARIABLES, BOX))
    assert set(fields.data_vars) == {"sst", "msl", "z", "r"}
    assert set(fields.coords) == {"time", "latitude", "longitude"}
    # The files are linear in latitude (msl) and longitude (z); z is taken at 850 hPa.
    np.testing.assert_allclose(
        fields.msl[0], np.broadcast_to(101_000 + 10 * fields.latitude, fields.msl[0].T.shape).T
    )
    expected = 9.80665 * 1457 + (fields.longitude - 100)
    np.testing.assert_allclose(fields.z.isel(time=1, latitude=0), expected, rtol=1e-6)
    assert fields.z.attrs["level"] == 850
    assert [fields[name].attrs["units"] for name in ("sst", "msl", "z", "r")] == [
        "K",
        "Pa",
        "m2 s-2",
        "%",
    ]


def test_files_one_after_the_other_in_time_are_one_series(tmp_path):
    for part in (0, 1):
        archive_files.single_levels(TIMES[2 * part : 2 * part + 2]).to_netcdf(
            tmp_path / f"{1 - part}.nc"
        )
    fields = era5.read(sorted(tmp_path.glob("*.nc")), SURFACE)
    assert fields.indexes["time"].equals(TIMES)


def test_the_wanted_times_are_cut_out(tmp_path):
    archive_files.single_levels(TIMES).to_netcdf(tmp_path / "s.nc")
    request = Request(SURFACE.variables, BOX, TIMES[1], TIMES[2])
    assert era5.read([tmp_path / "s.nc"], request).indexes["time"].equals(TIMES[1:])


def test_the_final_analysis_goes_before_the_preliminary_one(tmp_path):
    # Before 2024, a file with both had a dimension expver, each NaN where the other has values.
    final = archive_files.single_levels(TIMES).drop_vars(["expver", "number"])
    preliminary = final + 1
    early = final.valid_time < TIMES[2]
    mixed = xr.concat([final.where(early), preliminary.where(~early)], "expver")
    mixed = mixed.assign_coords(expver=[1, 5]).rename(valid_time="time")
    for name, units in (("sst", "K"), ("msl", "Pa")):
        mixed[name].attrs["units"] = units
    mixed.to_netcdf(tmp_path / "s.nc")
    fields = era5.read([tmp_path / "s.nc"], SURFACE)
    southern = fields.msl.isel(latitude=0, longitude=0) - (101_000 + 10 * float(fields.latitude[0]))
    np.testing.assert_allclose(southern, [0, 0, 1])


def test_several_ensemble_members_are_refused(tmp_path):
    base = archive_files.single_levels(TIMES).drop_vars("number")
    xr.concat([base, base], "number", data_vars=["sst", "msl"]).to_netcdf(tmp_path / "s.nc")
    with pytest.raises(ValueError, match="number: found 2 ensemble members"):
        era5.read([tmp_path / "s.nc"], SURFACE)


def test_the_mean_over_time_is_repeated_and_keeps_the_coast(tmp_path):
    files = archive_files.single_levels(TIMES)
    files["msl"] = files.msl + 30.0 * xr.DataArray([0, 1, 2], dims="valid_time")
    files["msl"].attrs["units"] = "Pa"
    files.to_netcdf(tmp_path / "s.nc")
    moments = pd.date_range("1987-04-09", periods=5, freq="h")
    fields = era5.read([tmp_path / "s.nc"], SURFACE)
    mean = era5.mean_over_time(fields, moments)
    assert mean.indexes["time"].equals(moments)
    expected = 101_000 + 10 * mean.latitude.values[0] + 30
    np.testing.assert_allclose(mean.msl.isel(latitude=0), expected)
    np.testing.assert_array_equal(mean.sst[0].isnull(), fields.sst[0].isnull())


def test_one_time_and_one_level_need_no_axes(tmp_path):
    many = archive_files.pressure_levels(TIMES)
    for number in range(2):
        one = many.isel(valid_time=number, pressure_level=2)
        one["r"] = (one.r + number).assign_attrs(units="%")
        one.to_netcdf(tmp_path / f"{number}.nc")
    with pytest.raises(ValueError, match="r: found the levels 200 hPa, expected 850"):
        era5.read(str(tmp_path), Request({"r": 850}, BOX))
    fields = era5.read(str(tmp_path), Request({"r": 200}, BOX))
    assert fields.indexes["time"].equals(TIMES[:2])
    expected = 50 + 0.2 * (fields.longitude.values - 100)
    np.testing.assert_allclose(fields.r[:, 0], [expected, expected + 1], rtol=1e-6)
    late = era5.read(str(tmp_path), Request({"r": 200}, BOX, TIMES[1], TIMES[2]))
    xr.testing.assert_identical(late, fields.isel(time=[1]))
    with pytest.raises(ValueError, match="time: nothing at the times of the storm's frames"):
        era5.read(str(tmp_path), Request({"r": 200}, BOX, TIMES[2], TIMES[2]))


def test_geopotential_height_becomes_geopotential_where_its_units_say_so(tmp_path):
    fields = archive_files.pressure_levels(TIMES)
    fields.to_netcdf(tmp_path / "z.nc")
    expected = era5.read(str(tmp_path), Request({"z": 500}, BOX))
    heights = (fields[["z"]] / 9.80665).rename(z="gh")
    heights.gh.attrs["units"] = "gpm"
    heights.to_netcdf(tmp_path / "z.nc")
    found = era5.read(str(tmp_path), Request({"z": 500}, BOX))
    assert found.z.attrs == expected.z.attrs
    np.testing.assert_allclose(found.z, expected.z, rtol=1e-6)


def test_humidity_is_derived_where_only_its_ingredients_are_there_in_two_files(tmp_path):
    base = archive_files.pressure_levels(TIMES)
    shape = base.z.copy(data=np.ones(base.z.shape, "f4"))
    # At the triple point, vapour saturates at 611.21 Pa.
    vapour = 0.4 * 611.21
    q = 0.62198 * vapour / (85_000 - (1 - 0.62198) * vapour)
    (273.16 * shape).rename("t").assign_attrs(units="K").to_netcdf(tmp_path / "t.nc")
    (q * shape).rename("q").assign_attrs(units="kg kg**-1").to_netcdf(tmp_path / "q.nc")
    fields = era5.read(str(tmp_path), Request({"r": 850}, BOX))
    np.testing.assert_allclose(fields.r, 40.0, rtol=1e-4)
    (tmp_path / "q.nc").unlink()
    with pytest.raises(ValueError, match=r"r \(relative humidity\) is missing, .*or t and q for r"):
        era5.read(str(tmp_path), Request({"r": 850}, BOX))


def test_a_record_that_memory_cannot_hold_is_refused_before_it_is_read(tmp_path, monkeypatch):
    archive_files.single_levels(TIMES).to_netcdf(tmp_path / "s.nc")
    monkeypatch.setattr(selecting, "LARGEST", 1000)
    with pytest.raises(ValueError, match=r"sst: 3 times of the area take .* GiB of memory"):
        era5.read(str(tmp_path), SURFACE)


# What follows reads files that were downloaded from the Climate Data Store.


def test_a_download_of_today_is_read():
    path = archive_files.real("era5", "new_cds_pressure_levels_z_t_u_v.nc")
    fields = era5.read([path], Request({"z": 875, "t": 500}, Box(34.1, 35.9, 242.1, 243.9)))
    with xr.open_dataset(path) as raw:
        expected = raw.z.sel(pressure_level=875, latitude=35.0, longitude=-117.0)
    np.testing.assert_array_equal(fields.z.sel(latitude=35.0, longitude=243.0), expected)


def test_a_packed_download_of_before_2024_is_read():
    files = [
        archive_files.real("era5", "old_cds_pressure_levels_r_t_u_v.nc"),
        archive_files.real("era5", "old_cds_single_level_sst.nc"),
    ]
    fields = era5.read(files, Request({"r": 700, "sst": None}, Box(41.0, 44.0, 28.0, 40.0)))
    with xr.open_dataset(files[0]) as raw:
        expected = raw.r.sel(level=700, latitude=42.5, longitude=30.25)
    np.testing.assert_allclose(fields.r.sel(latitude=42.5, longitude=30.25), expected, rtol=1e-6)
    assert fields.sst.isnull().any()
    assert fields.sst.notnull().any()
