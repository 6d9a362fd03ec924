import json
import os
import signal

import archive_files
import era5_files
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from distributed import LocalCluster

from components.regrid import cluster, fields, records

TIMES = pd.date_range("2020-08-01", periods=30, freq="h")
BOX = ("--box", "-10", "40", "150", "-150", "--size", "16")


@pytest.fixture
def files(tmp_path):
    """Two files of a record, as the CDS names its time; SST with a coast."""
    latitude, longitude = np.arange(60.0, -31, -2.5), np.arange(120.0, 241, 2.5)
    values = np.random.default_rng(0).random((30, len(latitude), len(longitude)), np.float32)
    values[:, 10:20, 12:19] = np.nan
    dims = ("valid_time", "latitude", "longitude")
    whole = xr.Dataset(
        {"sst": (dims, values, {"units": "K"})},
        {"valid_time": TIMES, "latitude": latitude, "longitude": longitude, "number": 0},
    )
    paths = [tmp_path / "a.nc", tmp_path / "b.nc"]
    for path, part in zip(paths, (slice(0, 13), slice(13, 30)), strict=True):
        whole.isel(valid_time=part).to_netcdf(path, encoding={"sst": {"chunksizes": (1, 37, 49)}})
    return [str(path) for path in paths]


def regrid(files, out, *more):
    fields.main([*map(str, files), "--to", str(out), *(more or BOX)])
    return xr.open_zarr(out).load()


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(records, "CHUNK_BYTES", 4 * 37 * 49 * 4)


def test_files_that_follow_each_other_are_one_record(files, tmp_path):
    found = regrid(files, tmp_path / "out.zarr")
    assert found.sst.dims == ("time", "latitude", "longitude")
    assert found.sst.attrs["units"] == "K"
    np.testing.assert_array_equal(found.time, TIMES)
    assert float(found.sst_valid.min()) < 0.1
    assert float(found.sst_valid.max()) == pytest.approx(1)
    assert [path.name for path in tmp_path.glob(".*")] == []


def test_a_track_is_followed(files, tmp_path):
    track = pd.DataFrame({"time": TIMES, "latitude": 15.0, "longitude": np.linspace(170, 190, 30)})
    track.to_csv(tmp_path / "track.csv", index=False)
    found = regrid(
        files, tmp_path / "o.zarr", "--track", str(tmp_path / "track.csv"), "--size", "16"
    )
    assert found.sst.dims == ("time", "y", "x")
    np.testing.assert_allclose(found.centre_longitude, track["longitude"])


def test_an_interrupted_record_is_continued_and_the_same(
    files, tmp_path, small_chunks, monkeypatch
):
    expected = regrid(files, tmp_path / "whole.zarr")
    written = []
    original = xr.Dataset.to_zarr

    def counted(self, *args, **kwargs):
        if "region" in kwargs:
            written.append(kwargs["region"]["time"].start)
            if len(written) == 3:
                raise KeyboardInterrupt
        return original(self, *args, **kwargs)

    monkeypatch.setattr(xr.Dataset, "to_zarr", counted)
    monkeypatch.setattr("dask.system.CPU_COUNT", 1)
    with pytest.raises(KeyboardInterrupt):
        regrid(files, tmp_path / "out.zarr")
    assert not (tmp_path / "out.zarr").exists()
    found = regrid(files, tmp_path / "out.zarr")
    # The slab that was cut off is the first that is made again.
    assert written[:4] == [0, 4, 8, 8]
    assert sorted(set(written)) == list(range(0, 30, 4))
    xr.testing.assert_identical(found, expected)


def test_what_is_made_of_other_files_or_otherwise_is_not_continued(
    files, tmp_path, small_chunks, monkeypatch
):
    out = tmp_path / "out.zarr"
    progress = out.with_name(".out.zarr.json")
    progress.write_text(json.dumps({"mark": "of another run", "done": 20}))
    (tmp_path / ".out.zarr.partial").mkdir()
    found = regrid(files, out)
    assert found.sst.notnull().any(("latitude", "longitude")).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--box", "40", "-10", "150", "190"), "a box from 40 to -10°N"),
        (
            ("--box", "70", "80", "150", "190"),
            "latitude: found -30 to 60, expected some of 70 to 80",
        ),
        (("--box", "0", "40", "0", "60"), "longitude: found 120 to 240, expected some of 0 to 60"),
        (("--track", "nowhere.csv"), "nowhere.csv: expected a table with the columns time"),
        ((*BOX, "--size", "1"), "1 cells a side, expected at least 2"),
        ((*BOX, "--variables", "z"), "z is missing, found sst"),
        ((*BOX, "--scheduler", "tcp://127.0.0.1:9"), "--scheduler = 'tcp://127.0.0.1:9': no dask"),
    ],
)
def test_what_cannot_be_done_ends_in_one_sentence(arguments, message, files, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "PATIENCE", "1s")
    with pytest.raises(SystemExit) as end:
        regrid(files, tmp_path / "out.zarr", *arguments)
    assert message in str(end.value)
    assert not (tmp_path / "out.zarr").exists()


def test_variables_in_files_of_their_own_keep_their_own_axes(files, tmp_path):
    with xr.open_dataset(files[0]) as opened:
        sst = opened["sst"].load()
    levels = xr.DataArray([1.0, 2.0, 3.0], {"pressure_level": [850, 500, 200]})
    (levels * sst).rename("t").to_netcdf(tmp_path / "levels.nc")
    found = regrid([files[0], tmp_path / "levels.nc"], tmp_path / "out.zarr")
    assert found.sst.dims == ("time", "latitude", "longitude")
    assert found.t.dims == ("time", "pressure_level", "latitude", "longitude")
    for level, factor in zip([850, 500, 200], levels.values, strict=True):
        xr.testing.assert_allclose(found.t.sel(pressure_level=level, drop=True), found.sst * factor)
        valid = found.t_valid.sel(pressure_level=level, drop=True)
        np.testing.assert_array_equal(valid, found.sst_valid)


def test_files_that_overlap_in_time_are_refused(files, tmp_path):
    with xr.open_dataset(files[1]) as opened:
        opened.isel(valid_time=slice(5)).to_netcdf(tmp_path / "again.nc")
    with pytest.raises(SystemExit, match="sst: found times more than once"):
        regrid([*files, tmp_path / "again.nc"], tmp_path / "out.zarr")


def test_variables_of_different_times_are_refused(files, tmp_path):
    with xr.open_dataset(files[1]) as opened:
        opened.rename(sst="msl").to_netcdf(tmp_path / "msl.nc")
    with pytest.raises(SystemExit, match=r"msl: found different times"):
        regrid([files[0], tmp_path / "msl.nc"], tmp_path / "out.zarr")


def test_grib_gives_what_netcdf_gives(tmp_path):
    fields = archive_files.single_levels(TIMES[:3])
    fields.to_netcdf(tmp_path / "era5.nc")
    era5_files.write_grib(tmp_path / "era5.grib", fields)
    box = "--box", "10", "25", "130", "150", "--size", "8"
    expected = regrid([tmp_path / "era5.nc"], tmp_path / "netcdf.zarr", *box)
    found = regrid([tmp_path / "era5.grib"], tmp_path / "grib.zarr", *box)
    xr.testing.assert_allclose(found[list(expected)], expected, rtol=1e-6)

    whole = (tmp_path / "era5.grib").read_bytes()
    (tmp_path / "half.grib").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SystemExit, match=r"half\.grib: expected GRIB.*truncated"):
        regrid([tmp_path / "half.grib"], tmp_path / "half.zarr", *box)


def test_a_damaged_file_is_named(files, tmp_path):
    (tmp_path / "b.nc").write_bytes(b"no NetCDF")
    with pytest.raises(SystemExit, match=r"b\.nc: expected NetCDF, GRIB or Zarr"):
        regrid(files, tmp_path / "out.zarr")


def test_on_a_cluster_the_loss_of_a_worker_changes_nothing(
    files, tmp_path, small_chunks, monkeypatch
):
    expected = regrid(files, tmp_path / "here.zarr")
    original, slabs = xr.Dataset.to_zarr, []
    with LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs="ERROR"
    ) as local:
        victim = min(worker.pid for worker in local.workers.values())

        def losing(self, *args, **kwargs):
            slabs.append(kwargs.get("region"))
            if len(slabs) == 3:  # the first prepares the store, the second writes a slab
                os.kill(victim, signal.SIGKILL)
            return original(self, *args, **kwargs)

        monkeypatch.setattr(xr.Dataset, "to_zarr", losing)
        scheduler = ("--scheduler", local.scheduler_address)
        found = regrid(files, tmp_path / "there.zarr", *BOX, *scheduler)
    assert len(slabs) == 5
    xr.testing.assert_identical(found, expected)


ROW = "2020-08-01T00:00,15,170\n"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("", "time: there is none"),
        ("2020-08-01T00:00,15,\n", "longitude: found nan in row 1"),
        ("2020-08-01T00:00,150,170\n", "latitude: found 150 in row 1, expected degrees from -90"),
        ("2020-08-01T00:00,abc,170\n", "latitude: found abc in row 1"),
        ("nonsense,15,170\n", "time: "),
        (2 * ROW, "time: 2020-08-01 00:00 stands there more than once"),
        ("2020-08-01T03:00,15,170\n" + ROW, "time: 2020-08-01 00:00 comes after"),
    ],
)
def test_a_track_that_is_none_is_refused_by_name(rows, message, files, tmp_path):
    (tmp_path / "track.csv").write_text("time,latitude,longitude\n" + rows)
    with pytest.raises(SystemExit, match=r"track\.csv") as end:
        regrid(files, tmp_path / "o.zarr", "--track", str(tmp_path / "track.csv"))
    assert message in str(end.value)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (("--cell-km", "0"), "16 cells of 0 km a side"),
        (("--cell-km", "-20"), "16 cells of -20 km a side"),
        (("--cell-km", "2000"), "at most 12742 km in all"),
        (("--degrees", "-20", "24"), "a box of -20 by 24 degrees"),
        (("--degrees", "20", "400"), "a box of 20 by 400 degrees"),
    ],
)
def test_a_target_of_no_extent_is_refused(target, message, files, tmp_path):
    (tmp_path / "track.csv").write_text("time,latitude,longitude\n" + ROW)
    track = ("--track", str(tmp_path / "track.csv"), "--size", "16")
    with pytest.raises(SystemExit, match=message):
        regrid(files, tmp_path / "o.zarr", *track, *target)
    assert not list(tmp_path.glob("*.zarr*")) + list(tmp_path.glob(".*"))


def test_times_of_a_track_may_say_that_they_are_utc(files, tmp_path):
    (tmp_path / "track.csv").write_text("time,latitude,longitude\n2020-08-01T00:00:00Z,15,170\n")
    found = regrid(files, tmp_path / "o.zarr", "--track", str(tmp_path / "track.csv"))
    np.testing.assert_array_equal(found.time, TIMES[:1])


def test_a_file_in_the_classic_format_that_ends_too_early_is_refused(files, tmp_path):
    whole, half = tmp_path / "whole.nc", tmp_path / "half.nc"
    with xr.open_dataset(files[0]) as opened:
        opened.to_netcdf(whole, format="NETCDF3_64BIT")
    half.write_bytes(whole.read_bytes()[: int(0.95 * whole.stat().st_size)])

    with pytest.raises(SystemExit, match=r"half\.nc: .*truncated or damaged, copy it again"):
        regrid([half], tmp_path / "o.zarr")
    xr.testing.assert_equal(
        regrid([whole], tmp_path / "a.zarr"), regrid(files[:1], tmp_path / "b.zarr")
    )


def test_an_area_that_was_sorted_across_the_date_line_is_the_same_area(files, tmp_path):
    with xr.open_dataset(files[0]) as opened:
        turned = (opened.longitude + 180) % 360 - 180
        opened.assign_coords(longitude=turned).sortby("longitude").to_netcdf(tmp_path / "s.nc")

    found = regrid([tmp_path / "s.nc"], tmp_path / "a.zarr")

    xr.testing.assert_equal(found, regrid(files[:1], tmp_path / "b.zarr"))


def test_a_strip_that_is_missing_is_refused(files, tmp_path):
    with xr.open_dataset(files[0]) as opened:
        opened.isel(longitude=[*range(10), *range(25, 49)]).to_netcdf(tmp_path / "s.nc")

    with pytest.raises(SystemExit, match=r"longitude: nothing between 142\.5 and 182\.5"):
        regrid([tmp_path / "s.nc"], tmp_path / "o.zarr")


def test_a_pattern_is_expanded_where_no_shell_has_done_it(files, tmp_path):
    found = regrid([tmp_path / "[ab].nc"], tmp_path / "o.zarr")

    xr.testing.assert_equal(found, regrid(files, tmp_path / "p.zarr"))


def test_a_file_of_one_moment_needs_no_axis_of_time(files, tmp_path):
    with xr.open_dataset(files[0]) as opened:
        opened.isel(valid_time=0).to_netcdf(tmp_path / "one.nc")

    found = regrid([tmp_path / "one.nc"], tmp_path / "o.zarr")

    xr.testing.assert_equal(found, regrid(files, tmp_path / "p.zarr").isel(time=[0]))


def test_what_is_no_record_of_fields_is_refused_and_leaves_nothing(files, tmp_path):
    with xr.open_dataset(files[0]) as opened:
        opened.assign_coords(valid_time=np.arange(13)).to_netcdf(tmp_path / "numbers.nc")
        never = opened.isel(valid_time=slice(0, 0)).drop_encoding()
        never.to_netcdf(tmp_path / "never.nc", unlimited_dims=["valid_time"])
    (tmp_path / "page.html").write_text("<html>403</html>")
    (tmp_path / "all.zip").write_bytes(b"PK\x03\x04")
    (tmp_path / "folder").mkdir()
    for name, message in {
        "numbers.nc": "expected dates; write time with CF units",
        "never.nc": "time: there is none",
        "page.html": "found something else; copy it again, or name another file",
        "all.zip": "found a zip file; unpack it",
        "folder": "found a folder that is no Zarr store; name the files in it",
    }.items():
        with pytest.raises(SystemExit) as end:
            regrid([tmp_path / name], tmp_path / "o.zarr")
        assert f"{name}: " in str(end.value)
        assert message in str(end.value)
    assert not list(tmp_path.glob("*.zarr*")) + list(tmp_path.glob(".*"))
