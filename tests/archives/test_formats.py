"""The same fields in every format, against those in the NetCDF of the Climate Data Store."""

from zipfile import ZipFile

import archive_files
import eccodes
import era5_files
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from nephele.archives import era5
from nephele.archives.coordinates import Box
from nephele.archives.selecting import Request

TIMES = pd.date_range("2030-09-01", periods=3, freq="6h")
BOX = Box(5.0, 30.0, 120.0, 160.0)
REQUEST = Request(archive_files.VARIABLES, BOX, TIMES[1], TIMES[2])
SINGLE, PRESSURE = archive_files.single_levels(TIMES), archive_files.pressure_levels(TIMES)
INSTANT = "data_stream-oper_stepType-instant.nc"


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    folder = tmp_path_factory.mktemp("netcdf")
    SINGLE.to_netcdf(folder / "single.nc")
    PRESSURE.to_netcdf(folder / "pressure.nc")
    return era5.read(str(folder), REQUEST)


def zipped(path, name, content):
    with ZipFile(path, "w") as file:
        file.writestr(name, content)
        file.writestr("data_stream-oper_stepType-accum.nc", accumulated(path.parent))
    return path


def accumulated(folder):
    rain = (0 * SINGLE.msl).rename("tp").assign_attrs(units="m")
    rain.to_netcdf(folder / "rain.tmp")
    return (folder / "rain.tmp").read_bytes()


def test_a_grib_file_gives_the_same_fields(tmp_path, expected):
    path = era5_files.write_grib(tmp_path / "era5.grib", SINGLE, PRESSURE)
    fields = era5.read(str(path), REQUEST)
    assert list(tmp_path.iterdir()) == [path]  # no index is left beside it
    for name in archive_files.VARIABLES:
        # 24 bits between the smallest and the largest value.
        np.testing.assert_allclose(fields[name], expected[name], rtol=1e-6)
    assert fields.indexes["time"].equals(TIMES[1:])
    with pytest.raises(ValueError, match=r"z: found the levels .*expected 700"):
        era5.read(str(path), Request({"z": 700}, BOX))


def test_a_truncated_grib_file_is_named(tmp_path):
    path = era5_files.write_grib(tmp_path / "era5.grib", SINGLE)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(ValueError, match=r"era5.grib: expected GRIB, found a file that cannot be"):
        era5.read(str(path), Request({"msl": None}, BOX))


def test_a_zipped_download_is_read_whatever_its_name(tmp_path, expected):
    SINGLE.to_netcdf(tmp_path / "single.tmp")
    PRESSURE.to_netcdf(tmp_path / "pressure.nc")
    zipped(tmp_path / "download.nc", INSTANT, (tmp_path / "single.tmp").read_bytes())
    xr.testing.assert_identical(era5.read(f"{tmp_path}/*.nc", REQUEST), expected)


def test_what_is_wrong_in_a_zipped_download_is_named_by_its_place(tmp_path):
    path = zipped(tmp_path / "era5.zip", INSTANT, b"\x89HDF\r\n\x1a\n and nothing more")
    with pytest.raises(ValueError, match=rf"^{path}/{INSTANT}: expected NetCDF"):
        era5.read(str(path), REQUEST)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(ValueError, match=rf"^{path}: expected zip, found a file that cannot be"):
        era5.read(str(path), REQUEST)


@pytest.mark.parametrize("northward", [True, False])
@pytest.mark.parametrize("zarr_format", [2, 3])
def test_a_zarr_store_gives_the_same_fields(tmp_path, expected, zarr_format, northward):
    store = tmp_path / "arco.zarr"
    fields = era5_files.arco(SINGLE, PRESSURE).sortby("latitude", ascending=northward)
    fields.to_zarr(store, zarr_format=zarr_format)
    xr.testing.assert_identical(era5.read(str(store), REQUEST), expected)


def test_of_a_remote_store_only_the_chunks_that_are_needed_are_asked_for(tmp_path, expected):
    fields = era5_files.arco(SINGLE, PRESSURE)
    chunks = {"time": 1, "level": 1, "longitude": 8, "latitude": 5}
    encoding = {
        name: {"chunks": [chunks[str(axis)] for axis in field.dims]}
        for name, field in fields.data_vars.items()
    }
    fields.to_zarr(tmp_path / "arco.zarr", zarr_format=2, encoding=encoding)
    with era5_files.served(tmp_path) as (url, asked):
        found = era5.read(f"{url}/arco.zarr", REQUEST)
    xr.testing.assert_identical(found, expected)
    read = {path for path in asked if path.startswith("/arco.zarr/geopotential/")}
    # Times 1 and 2, the first of the levels 850, 500 and 200, 120 to 160°E of 100 to 180°E in
    # steps of 2.5°, 30 to 5°N of 50°N to 10°S.
    columns = {column // 8 for column in range(8, 25)}
    rows = {row // 5 for row in range(8, 19)}
    wanted = {f"{t}.0.{x}.{y}" for t in (1, 2) for x in columns for y in rows}
    assert {path.rpartition("/")[2] for path in read} - {".zarray", ".zattrs"} == wanted


def test_a_remote_file_is_fetched(tmp_path, expected):
    SINGLE.to_netcdf(tmp_path / "single.nc")
    with era5_files.served(tmp_path) as (url, _):
        found = era5.read(f"{url}/single.nc", Request({"msl": None}, BOX, TIMES[1], TIMES[2]))
        with pytest.raises(ValueError, match=rf"^{url}/none.nc: expected a file or Zarr store"):
            era5.read(f"{url}/none.nc", REQUEST)
    np.testing.assert_array_equal(found.msl, expected.msl)


def test_a_server_that_does_not_answer_and_a_protocol_that_nobody_speaks_are_named():
    with pytest.raises(ValueError, match=r"^http://127.0.0.1:1/era5.zarr: expected .*try again"):
        era5.read("http://127.0.0.1:1/era5.zarr", REQUEST)
    with pytest.raises(ValueError, match=r"^nowhere://era5.zarr: the protocol is not understood"):
        era5.read("nowhere://era5.zarr", REQUEST)


# What follows reads real files.

REGION = Box(10.0, 30.0, 120.0, 160.0)


def test_members_of_a_real_grib_file_are_refused_and_one_of_them_is_read(tmp_path):
    path = archive_files.real("era5", "grib_z_t_members.grib")
    with pytest.raises(ValueError, match="number: found 10 ensemble members, expected the reanal"):
        era5.read(str(path), Request({"z": 850}, REGION))
    one, truth = tmp_path / "one.grib", {}
    with path.open("rb") as source, one.open("wb") as target:
        while (message := eccodes.codes_grib_new_from_file(source)) is not None:
            keys = [eccodes.codes_get(message, key) for key in ("number", "shortName", "level")]
            if keys[0] == 0:
                eccodes.codes_write(message, target)
            if keys == [0, "z", 850]:
                time = (
                    eccodes.codes_get(message, "validityDate", int),
                    eccodes.codes_get(message, "validityTime", int),
                )
                truth[time] = eccodes.codes_get_values(message).reshape(61, 120)
            eccodes.codes_release(message)
    fields = era5.read(str(one), Request({"z": 850, "t": 500}, REGION))
    assert [(int(f"{t:%Y%m%d}"), int(f"{t:%H%M}")) for t in fields.indexes["time"]] == [*truth]
    # 90°N to 90°S, every 3°: row 20 is 30°N, column 40 is 120°E.
    for time, values in zip(fields.z, truth.values(), strict=True):
        found = time.sel(latitude=30.0, longitude=120.0)
        assert found.item() == pytest.approx(values[20, 40], rel=1e-6)


def test_a_real_file_with_long_names_is_read_and_its_humidity_derived():
    path = archive_files.real("era5", "arco_names_tl31.nc")
    request = Request({"sst": None, "z": 850, "r": 850, "t": 850}, REGION)
    fields = era5.read(str(path), request)
    with xr.open_dataset(path) as raw:
        at = {"latitude": fields.latitude.values[1], "longitude": fields.longitude.values[2]}
        expected = raw.geopotential.sel(level=850, **at)
    np.testing.assert_array_equal(fields.z.sel(at), expected)
    assert fields.r.attrs["units"] == "%"
    assert 0 < float(fields.r.min()) < float(fields.r.max()) < 110
    # The boundary layer over the warm pool is moist, though seldom saturated.
    assert 40 < float(fields.r.sel(latitude=slice(10, 20)).mean()) < 95


def test_columns_on_both_sides_of_the_date_line_are_put_together(tmp_path):
    longitude = np.arange(-180.0, 180.0, 2.5)
    base = SINGLE[["msl"]].isel(longitude=[0] * len(longitude)).assign_coords(longitude=longitude)
    base["msl"] = (base.msl + longitude).assign_attrs(units="Pa")
    base.to_netcdf(tmp_path / "global.nc")
    fields = era5.read(str(tmp_path), Request({"msl": None}, Box(5.0, 10.0, 171.0, 191.0)))
    np.testing.assert_array_equal(fields.longitude, np.arange(170.0, 193.0, 2.5))
    written = [lon if lon < 180 else lon - 360 for lon in fields.longitude.values]
    found = fields.msl.isel(time=0, latitude=0) - 101_000 - 10 * fields.latitude[0]
    np.testing.assert_allclose(found, written, atol=0.01)
