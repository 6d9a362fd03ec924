"""The stage as the user runs it: whole outputs for good input, one sentence for bad."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import archive_files
import era5_files
import gridsat_files
import h5py
import numpy as np
import pandas as pd
import pytest
import track_files
import xarray as xr
from archive_files import STORM

from components.acquire import stage
from components.command_line import command_line
from nephele.fields import contract
from nephele.fields.variables import FRAMES

pytestmark = pytest.mark.usefixtures("untracked")

IMAGE = Path("digital_typhoon") / "image" / STORM
SINGLE, PRESSURE = Path("environment") / "single.nc", Path("environment") / "pressure.nc"


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    return archive_files.write_archive(tmp_path_factory.mktemp("archive"))


def params(archive, /, **changes):
    values = {
        "source": "digital_typhoon",
        "variables": archive_files.VARIABLES,
        "era5": None,
        "environment": "analysis",
        "max_fill": 0.001,
        "synthetic": {"seed": 7, "storms": 3, "frames": 4},
        "digital_typhoon": {"archive": str(archive)},
        "gridsat": {"files": None, "tracks": None},
    }
    for key, value in changes.items():
        target = values if key in values else values["digital_typhoon"]
        target[key] = value
    return json.dumps(values)


def acquire(given, raw, monkeypatch):
    """Run the command; return None, or the sentence with which it ends."""
    monkeypatch.setattr(sys, "argv", ["acquire", "--params", given, "--raw", str(raw)])
    try:
        command_line(stage.main)
    except SystemExit as end:
        return end.code
    return None


def test_a_good_archive_becomes_the_contract(archive, tmp_path, monkeypatch):
    raw = tmp_path / "raw"
    assert acquire(params(archive), raw, monkeypatch) is None
    with xr.open_dataset(raw / STORM / "frames.nc") as frames:
        contract.check_frames(frames, "frames.nc")
        with h5py.File(archive / IMAGE / f"2030090106-{STORM}-TEST-1.h5") as file:
            expected = file["infrared"][()][::-1]
        # Packed in steps of 0.01 K.
        np.testing.assert_allclose(frames[FRAMES].sel(time="2030-09-01T06"), expected, atol=0.006)
    with xr.open_dataset(raw / STORM / "era5.nc") as era5:
        contract.check_era5(era5, archive_files.VARIABLES, "era5.nc")
        assert era5.latitude.attrs["units"] == "degrees_north"
        assert era5.longitude.attrs["standard_name"] == "longitude"
    told = json.loads((raw / "provenance.json").read_text())
    assert told["environment"] == "analysis"
    assert told["era5"] == "environment/ of the archive"
    assert (raw / "dropped_frames.csv").read_text() == "storm,time,file,reason\n"


def test_a_climatology_serves_frames_of_any_year(archive, tmp_path, monkeypatch):
    old = tmp_path / "old"
    shutil.copytree(archive, old)
    for path in sorted((old / "environment").glob("*.nc")):
        with xr.open_dataset(path) as fields:
            moved = fields.load().assign_coords(
                valid_time=fields.valid_time + pd.Timedelta(days=900)
            )
        path.unlink()
        moved.to_netcdf(path)
    assert "expected" in str(acquire(params(old), tmp_path / "raw", monkeypatch))
    good = params(old, environment="climatology")
    assert acquire(good, tmp_path / "raw", monkeypatch) is None
    with xr.open_dataset(tmp_path / "raw" / STORM / "era5.nc") as era5:
        assert (era5.msl == era5.msl.isel(time=0)).all()


def test_fields_that_lie_elsewhere_are_those_of_the_archive(archive, tmp_path, monkeypatch):
    apart, elsewhere = tmp_path / "apart", tmp_path / "elsewhere"
    shutil.copytree(archive, apart)
    (apart / "environment").rename(elsewhere)
    assert acquire(params(archive), tmp_path / "a", monkeypatch) is None
    given = params(apart, era5=f"{elsewhere}/*.nc")
    assert acquire(given, tmp_path / "b", monkeypatch) is None
    a, b = (tmp_path / raw / STORM / "era5.nc" for raw in ("a", "b"))
    assert a.read_bytes() == b.read_bytes()


@pytest.mark.parametrize("store", ["era5.zarr", "{storm}.zarr"])
def test_frames_of_gridsat_and_fields_of_a_store_become_the_contract(tmp_path, monkeypatch, store):
    for hour in (0, 3, 6):
        gridsat_files.write(tmp_path / "gridsat", pd.Timestamp(2013, 11, 7, hour))
    track_files.write(tmp_path / "tracks.csv", track_files.ROWS[:3])
    times = pd.date_range("2013-11-06 18:00", periods=3, freq="6h")
    layouts = archive_files.single_levels(times), archive_files.pressure_levels(times)
    here = tmp_path / store.replace("{storm}", track_files.HAIYAN)
    era5_files.arco(*layouts).to_zarr(here, zarr_format=2)
    given = params(
        "/nowhere",
        source="gridsat",
        era5=str(tmp_path / store),
        gridsat={"files": str(tmp_path / "gridsat"), "tracks": str(tmp_path / "tracks.csv")},
    )
    raw = tmp_path / "raw"
    assert acquire(given, raw, monkeypatch) is None
    with xr.open_dataset(raw / track_files.HAIYAN / "frames.nc") as frames:
        contract.check_frames(frames, "frames.nc")
        assert frames.sizes["time"] == 3
    with xr.open_dataset(raw / track_files.HAIYAN / "era5.nc") as era5:
        contract.check_era5(era5, archive_files.VARIABLES, "era5.nc")
        assert era5.indexes["time"].equals(times)
    assert "GridSat" in json.loads((raw / "provenance.json").read_text())["attribution"]


@pytest.mark.parametrize("source", ["digital_typhoon", "synthetic"])
def test_the_same_archive_gives_the_same_bytes(archive, tmp_path, monkeypatch, source):
    for raw in ("a", "b"):
        assert acquire(params(archive, source=source), tmp_path / raw, monkeypatch) is None
    files = sorted(
        p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*") if p.is_file()
    )
    assert len(files) >= 4
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes(), file
    said = json.loads((tmp_path / "a" / "provenance.json").read_text())
    assert said.get("world_seed") == (7 if source == "synthetic" else None)


def test_a_dropped_frame_is_counted_with_its_reason(archive, tmp_path, monkeypatch):
    spoilt = tmp_path / "spoilt"
    shutil.copytree(archive, spoilt)
    image = archive_files.frame()
    image[:40] = -19.1
    archive_files.write_frame(spoilt, archive_files.START, image)
    assert acquire(params(spoilt), tmp_path / "raw", monkeypatch) is None
    table = pd.read_csv(tmp_path / "raw" / "dropped_frames.csv")
    assert table.time.tolist() == ["2030-09-01T00:00:00"]
    assert table.reason[0].startswith("unusable pixels (fill): 7.812% fill")


def change(path, function):
    """Rewrite a NetCDF file of the archive."""
    with xr.open_dataset(path) as fields:
        changed = function(fields.load())
    path.unlink()
    changed.to_netcdf(path)


def single(function):
    return lambda folder: change(folder / SINGLE, function)


def pressure(function):
    return lambda folder: change(folder / PRESSURE, function)


def scaled(name, factor, offset, units):
    def function(fields):
        fields[name] = fields[name] * factor + offset
        fields[name].attrs["units"] = units
        return fields

    return function


def with_nan(fields):
    fields.msl[0, 14, 14] = np.nan  # 15°N 135°E, under the storm
    return fields


def truncate(path):
    return lambda folder: (folder / path).write_bytes((folder / path).read_bytes()[:-2000])


# What is done to a good archive, and what the sentence names: file, variable, found, expected.
BAD = {
    "a variable is missing": (
        single(lambda f: f.drop_vars("sst")),
        ["environment", "sst", "missing", "msl"],
    ),
    "pressure in hPa": (
        single(scaled("msl", 0.01, 0, "hPa")),
        ["single.nc", "msl", "'hPa'", "'Pa'", "multiply by 100"],
    ),
    "pressure in hPa that says Pa": (
        single(scaled("msl", 0.01, 0, "Pa")),
        ["single.nc", "msl", "look like hPa", "expected Pa", "multiply by 100"],
    ),
    "temperature in °C": (
        single(scaled("sst", 1, -273.15, "degC")),
        ["single.nc", "sst", "'degC'", "'K'", "add 273.15"],
    ),
    "temperature in °C that says K": (
        single(scaled("sst", 1, -273.15, "K")),
        ["single.nc", "sst", "look like °C", "expected K"],
    ),
    "geopotential height that says geopotential": (
        pressure(scaled("z", 1 / 9.80665, 0, "m**2 s**-2")),
        ["pressure.nc", "z", "look like geopotential height in m", "expected m2 s-2"],
    ),
    "humidity as a fraction": (
        pressure(scaled("r", 0.01, 0, "1")),
        ["pressure.nc", "r", "'1'", "'%'", "multiply by 100"],
    ),
    "another level": (
        pressure(lambda f: f.sel(pressure_level=[850.0, 500.0])),
        ["pressure.nc", "r", "850, 500", "expected 200"],
    ),
    "times out of order": (
        single(lambda f: f.isel(valid_time=[0, 2, 1])),
        [
            "single.nc",
            "time",
            "2030-09-01 06:00 comes after 2030-09-01 12:00",
            "expected increasing",
        ],
    ),
    "a time twice": (
        single(lambda f: f.isel(valid_time=[0, 1, 1])),
        ["single.nc", "time", "2030-09-01 06:00", "more than once"],
    ),
    "NaN in the pressure": (single(with_nan), ["single.nc", "msl", "1 of", "NaN", "expected none"]),
    "latitudes in no order": (
        single(lambda f: f.isel(latitude=[3, 1, 2, 0, *range(4, f.sizes["latitude"])])),
        ["single.nc", "latitude", "neither increases nor decreases", "expected one order"],
    ),
    "a meridian twice": (
        single(lambda f: f.assign_coords(longitude=np.linspace(-180, 180, f.sizes["longitude"]))),
        ["single.nc", "longitude", "same meridian", "expected each once"],
    ),
    "too small an area": (
        single(lambda f: f.sel(latitude=slice(50, 10))),
        ["single.nc", "latitude", "found 10 to 50", "expected at least"],
    ),
    "a gap in the area": (
        single(lambda f: f.drop_sel(latitude=[15.0])),
        ["single.nc", "latitude", "nothing between 12.5 and 17.5"],
    ),
    "times that do not reach": (
        single(lambda f: f.isel(valid_time=slice(2, None))),
        ["environment", "time", "expected a field at most 6 h before", "2030-09-01 00:00"],
    ),
    "a truncated NetCDF file": (truncate(SINGLE), ["single.nc", "expected NetCDF", "truncated"]),
    "no NetCDF file at all": (
        lambda folder: (folder / SINGLE).write_text("<html>404</html>"),
        ["single.nc", "expected NetCDF", "cannot be read"],
    ),
    "no environment": (
        lambda folder: shutil.rmtree(folder / "environment"),
        ["environment", "found no NetCDF, GRIB or zip file"],
    ),
    "an empty archive": (
        lambda folder: shutil.rmtree(folder / IMAGE),
        ["image", "found no HDF5 frame", "empty"],
    ),
    "no image folder": (
        lambda folder: shutil.rmtree(folder / "digital_typhoon" / "image"),
        ["image", "no such folder", "docs/data.md"],
    ),
    "no best track": (
        lambda folder: (folder / "digital_typhoon" / "jma" / f"{STORM}.tsv").unlink(),
        [f"{STORM}.tsv", "best track", "no such file"],
    ),
    "a frame without a time": (
        lambda folder: archive_files.write_frame(
            folder, archive_files.START, np.zeros((2, 2))
        ).rename(folder / IMAGE / "today.h5"),
        ["today.h5", "without a time", "expected <YYYYMMDDHH>"],
    ),
    "no usable frame": (
        lambda folder: [p.write_bytes(b"nothing") for p in (folder / IMAGE).glob("*.h5")],
        ["no storm", "usable frame", "5 left out", "cannot be read"],
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_ends_in_one_sentence_and_no_output(case, archive, tmp_path, monkeypatch):
    spoil, parts = BAD[case]
    bad = tmp_path / "bad"
    shutil.copytree(archive, bad)
    spoil(bad)
    sentence = acquire(params(bad), tmp_path / "out" / "raw", monkeypatch)
    assert isinstance(sentence, str)  # which sys.exit prints to stderr, with exit status 1
    assert "\n" not in sentence
    for part in parts:
        assert part in sentence, sentence
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"archive": None}, ["acquire.digital_typhoon.archive is null"]),
        ({"archive": "/nowhere"}, ["/nowhere is no folder"]),
        ({"variables": {"precipitation": None}}, ["'precipitation'", "known are"]),
        ({"variables": {}}, ["acquire.variables is empty"]),
        ({"source": "gridsat"}, ["acquire.era5 is null, expected ERA5"]),
        ({"source": "gridsat", "era5": "/nowhere"}, ["acquire.gridsat.files is null"]),
        ({"max_fill": 1.5}, ["max_fill", "1.5"]),
        ({"environment": "climate"}, ["environment", "'climate'"]),
        ({"era5": "/nowhere/*.nc"}, ["/nowhere/*.nc: found no NetCDF, GRIB or zip file"]),
    ],
)
def test_bad_parameters_end_in_one_sentence(changes, parts, archive, tmp_path, monkeypatch):
    sentence = acquire(params(archive, **changes), tmp_path / "out" / "raw", monkeypatch)
    assert isinstance(sentence, str)
    for part in parts:
        assert part in sentence
    assert not (tmp_path / "out" / "raw").exists()


def test_the_command_ends_with_status_1_and_no_traceback(archive, tmp_path):
    command = [sys.executable, "-m", "components.acquire.stage", "--params", params("/nowhere")]
    here = tmp_path / "here"  # where its run is kept
    here.mkdir()
    done = subprocess.run(
        [*command, "--raw", str(tmp_path / "raw")],
        cwd=here,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert (
        done.stderr.strip().splitlines()[-1].startswith("acquire: acquire.digital_typhoon.archive")
    )
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == [here]
