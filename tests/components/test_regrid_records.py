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
        (("--track", "nowhere.csv"), "nowhere.csv: found no table"),
        ((*BOX, "--variables", "z"), "z is missing, found sst"),
        ((*BOX, "--scheduler", "tcp://127.0.0.1:9"), "no dask scheduler answers"),
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
