import dataclasses
import json
import sys

import archive_files
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from components.acquire import stage as acquire
from components.command_line import command_line
from components.regrid import stage
from nephele.acquisition import (
    AcquireParams,
    DigitalTyphoonParams,
    GridSatParams,
    SyntheticParams,
)
from nephele.windows import splits

pytestmark = pytest.mark.usefixtures("untracked")

STORMS = ("203001", "203002", "203003", "203004")
FIGURES = {"windows", "storms", "frames", "dropped_frames", "dropped_by_reason", "frame_mean"}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return acquired(tmp_path_factory.mktemp("regrid"), frames=6)


def acquired(folder, frames):
    """Four storms, as acquire leaves them."""
    archive = archive_files.write_archive(folder / "archive", STORMS, frames=frames)
    given = AcquireParams(
        source="digital_typhoon",
        variables=archive_files.VARIABLES,
        era5=None,
        environment="analysis",
        max_fill=0.001,
        synthetic=SyntheticParams(seed=0, storms=3, frames=1),
        digital_typhoon=DigitalTyphoonParams(archive=str(archive)),
        gridsat=GridSatParams(files=None, tracks=None),
    )
    acquire.main(given, folder / "data")
    return folder / "data"


def params(**changes):
    values = {
        "size": 64,
        "cell_km": 40.0,
        "spacing_hours": 3,
        "history": 2,
        "future": 1,
        "rollout": 2,
        "split_by": "storm",
        "gap_hours": 12,
        "validation_share": 0.125,
        "test_share": 0.25,
        "placebo": "r",
        "scheduler": None,
        "seed": 1,
    }
    return json.dumps(values | changes)


def regrid(data, out, monkeypatch, **changes):
    """Run the command; return None, or the sentence with which it ends."""
    names = {"windows": "windows.zarr", "contact_sheets": "sheets", "metrics": "metrics.json"}
    flags = [part for flag, name in names.items() for part in (f"--{flag}", str(out / name))]
    arguments = ["regrid", "--data", str(data), "--params", params(**changes), *flags]
    monkeypatch.setattr(sys, "argv", arguments)
    try:
        command_line(stage.main)
    except SystemExit as end:
        return end.code
    return None


@pytest.fixture(scope="module")
def made(data, tmp_path_factory):
    out = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        assert regrid(data, out, patch) is None
    return out


@pytest.fixture(scope="module")
def windows(made):
    return xr.open_zarr(made / "windows.zarr").load()


def test_the_windows_keep_the_contract(windows):
    assert windows.brightness_temperature.dims == ("frame", "y", "x")
    assert windows.era5.dims == ("frame", "variable", "y", "x")
    assert windows.variable.values.tolist() == ["sst", "msl", "z", "r", "placebo"]
    assert windows.step.values.tolist() == [-3, 0, 3, 6]
    for name in ("brightness_temperature", "era5", "era5_valid", "era5_climatology"):
        assert windows[name].dtype == np.float32
        assert windows[name].notnull().all(), name
    assert set(windows.split.values.tolist()) == set(splits.SPLITS)
    # Four storms, six frames each: three windows of four frames.
    assert windows.sizes["window"] == 12
    for attribute in ("source", "synthetic", "environment", "history", "rollout", "cell_km"):
        assert attribute in windows.attrs
    assert "world_seed" not in windows.attrs


def test_every_window_holds_one_storm_at_the_right_times(windows):
    storm = windows.storm.values[windows.frame_index.values]
    assert (storm == windows.window_storm.values[:, None]).all()
    hours = windows.time.values[windows.frame_index.values] - windows.init_time.values[:, None]
    expected = np.broadcast_to(windows.step.values, hours.shape)
    np.testing.assert_array_equal(hours / np.timedelta64(1, "h"), expected)


def test_a_frame_is_the_mean_of_the_pixels_under_each_cell(windows, data):
    with xr.open_dataset(data / STORMS[1] / "frames.nc") as frames:
        by_hand = frames.brightness_temperature[2].values.reshape(64, 8, 64, 8).mean(axis=(1, 3))
    number = np.flatnonzero(windows.storm.values == STORMS[1])[2]
    np.testing.assert_allclose(windows.brightness_temperature[number], by_hand, atol=1e-4)


def test_pressure_keeps_a_hundredth_of_a_pascal(windows):
    # The archive's msl is 101000 + 10 · latitude; at the centre the latitude is the storm's.
    middle = windows.era5.sel(variable="msl").isel(y=[31, 32], x=[31, 32]).mean(("y", "x"))
    np.testing.assert_allclose(middle - 101_000, 10 * windows.latitude, atol=0.1)


def test_the_sea_goes_on_under_the_land(windows):
    sst, valid = windows.era5.sel(variable="sst"), windows.era5_valid.sel(variable="sst")
    assert float(valid.min()) < 0.5
    assert float(valid.max()) == 1.0
    # 302 − 0.2·|latitude|, from the equator to some 30 degrees: nothing colder, no zeros.
    assert float(sst.min()) > 295
    assert float(sst.max()) <= 302


def test_without_a_placebo_there_is_none(windows, data, tmp_path, monkeypatch):
    assert regrid(data, tmp_path, monkeypatch, placebo=None) is None
    without = xr.open_zarr(tmp_path / "windows.zarr").load()
    assert without.variable.values.tolist() == ["sst", "msl", "z", "r"]
    np.testing.assert_array_equal(without.era5, windows.era5[:, :4])


def test_the_figures_count_what_is_there(made, windows):
    figures = json.loads((made / "metrics.json").read_text())
    assert set(figures) >= FIGURES
    assert sum(figures["windows"].values()) == windows.sizes["window"]
    assert sorted(name for names in figures["storms_in"].values() for name in names) == sorted(
        STORMS
    )


def test_the_figures_list_each_frame_left_out_with_its_reason(data, windows):
    frame = {"storm": "203001", "time": "2030-09-01T00:00:00", "reason": "fill: 7.8 %"}
    source = stage.read_source(data)
    left_out = pd.DataFrame([frame | {"file": "a.h5"}])

    found = stage.figures(windows, 0.0, dataclasses.replace(source, dropped=left_out))

    assert found["dropped"] == [frame]
    assert stage.figures(windows, 0.0, source)["dropped"] == []


def test_there_is_a_contact_sheet_a_storm(made):
    assert sorted(path.stem for path in (made / "sheets").glob("*.png")) == list(STORMS)


def test_the_same_data_give_the_same_bytes_in_few_files(made, data, tmp_path, monkeypatch):
    assert regrid(data, tmp_path, monkeypatch) is None
    files = sorted(path.relative_to(made) for path in made.rglob("*") if path.is_file())
    assert files == sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*") if p.is_file())
    for file in files:
        assert (made / file).read_bytes() == (tmp_path / file).read_bytes(), file
    assert len(files) < 60


def test_the_colour_of_a_test_storm_changes_no_statistic(windows, data, tmp_path, monkeypatch):
    test_storm = windows.window_storm.values[windows.split.values == "test"][0]
    other = tmp_path / "data"
    other.mkdir()
    for entry in data.iterdir():
        (other / entry.name).symlink_to(entry)
    (other / test_storm).unlink()
    (other / test_storm).mkdir()
    (other / test_storm / "era5.nc").symlink_to(data / test_storm / "era5.nc")
    with xr.open_dataset(data / test_storm / "frames.nc") as frames:
        warmer = frames.load().assign(brightness_temperature=frames.brightness_temperature + 20)
    warmer.brightness_temperature.attrs["units"] = "K"
    warmer.to_netcdf(other / test_storm / "frames.nc")
    assert regrid(other, tmp_path / "out", monkeypatch) is None
    changed = xr.open_zarr(tmp_path / "out" / "windows.zarr").load()
    names = ("frame_mean", "frame_std", "residual_std", "era5_mean", "era5_std", "era5_climatology")
    for name in names:
        np.testing.assert_array_equal(changed[name], windows[name])
    assert float(changed.brightness_temperature.mean()) > float(
        windows.brightness_temperature.mean()
    )


def test_splits_in_time_share_no_frame_and_lie_the_gap_apart(tmp_path, monkeypatch):
    # Frames at 0, 3, … 24 h, windows of three: only 0–6, 9–15 and 18–24 h leave gaps of 3 h.
    data = acquired(tmp_path, frames=9)
    in_time = {"split_by": "time", "gap_hours": 3, "history": 2, "rollout": 1}
    assert regrid(data, tmp_path, monkeypatch, **in_time) is None
    windows = xr.open_zarr(tmp_path / "windows.zarr").load()
    times = windows.time.values[windows.frame_index.values]
    hours = (times - windows.time.values.min()) / np.timedelta64(1, "h")
    for name, expected in zip(splits.SPLITS, ((0, 3, 6), (9, 12, 15), (18, 21, 24)), strict=True):
        part = hours[windows.split.values == name]
        assert part.tolist() == [list(expected)] * len(STORMS)


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"rollout": 8}, ["no storm has 2 + 8 frames", "3 h apart", "regrid.rollout"]),
        ({"future": 3}, ["regrid.future = 3", "regrid.rollout = 2"]),
        ({"cell_km": 60.0}, ["/frames.nc", "expected -1920 to 1920 km", "regrid.cell_km"]),
        ({"test_share": 0.8}, ["4 storm(s)", "regrid.split_by"]),
        ({"test_share": 0.9}, ["regrid.validation_share = 0.125", "leave nothing to train on"]),
        ({"split_by": "time"}, ["12 windows over 15 h", "gaps of 12 h", "regrid.gap_hours"]),
        ({"gap_hours": 0}, ["gap_hours"]),
        ({"history": 1}, ["regrid.history = 1"]),
        ({"split_by": "year"}, ["split_by", "'year'"]),
        ({"placebo": "q"}, ["regrid.placebo = 'q'", "sst, msl, z, r", "acquire.variables"]),
        ({"colour": "red"}, ["colour"]),
    ],
)
def test_impossible_parameters_end_in_one_sentence(changes, parts, data, tmp_path, monkeypatch):
    sentence = regrid(data, tmp_path, monkeypatch, **changes)
    assert isinstance(sentence, str)
    assert "\n" not in sentence
    for part in parts:
        assert part in sentence, sentence
    # What was regridded waits for better parameters; of the outputs there is nothing.
    assert [path for path in tmp_path.iterdir() if path.name[0] != "."] == []


def copy_without(data, folder, name):
    folder.mkdir()
    for entry in data.iterdir():
        if entry.name != name:
            (folder / entry.name).symlink_to(entry)
    return folder


def test_data_that_acquire_did_not_make_are_refused(data, tmp_path, monkeypatch):
    bad = copy_without(data, tmp_path / "a", "provenance.json")
    assert "provenance.json" in str(regrid(bad, tmp_path / "out", monkeypatch))
    assert "nothing at" in str(regrid(tmp_path / "nowhere", tmp_path / "out", monkeypatch))


def test_a_truncated_storm_is_named(data, tmp_path, monkeypatch):
    bad = copy_without(data, tmp_path / "a", STORMS[2])
    (bad / STORMS[2]).mkdir()
    whole = (data / STORMS[2] / "frames.nc").read_bytes()
    (bad / STORMS[2] / "frames.nc").write_bytes(whole[: len(whole) // 2])
    sentence = regrid(bad, tmp_path / "out", monkeypatch)
    assert f"{STORMS[2]}/frames.nc: expected NetCDF" in str(sentence)
    assert not (tmp_path / "out" / "windows.zarr").exists()
