import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import archive_files
import frames_files
import h5py
import mlflow
import numpy as np
import pandas as pd
import pytest
import small
import torch
import xarray as xr
from PIL import Image

from components import forecast as cli
from components.fingerprints import fingerprint
from nephele.fields.variables import FRAMES
from nephele.forecasting import trained
from nephele.pictures import outlook
from nephele.products import ensembles

ROOT = Path(__file__).parents[2]
LEADS = (3, 6, 9, 12, 15, 18, 21, 24)
MEMBERS = 4


@pytest.fixture(scope="session")
def student(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("student") / "model"
    trained.save(folder, small.model("student", steps=1))
    return folder


@pytest.fixture
def frames(tmp_path) -> Path:
    return frames_files.write(tmp_path / "data", frames_files.frames(frames_files.series(6)))


@pytest.fixture
def persistence(monkeypatch):
    """Member m is the last frame of the history and m kelvin more at every lead time."""

    def fake(model, samples, members, seed, leads):
        scales = model.description.scales
        last = samples.history[:, None, None, -1] * scales.std + scales.mean
        warmer = torch.arange(members)[:, None, None, None]
        return (last + warmer).expand(-1, -1, leads, -1, -1)

    monkeypatch.setattr(ensembles, "forecast", fake)


def run(monkeypatch, *arguments: object) -> None:
    """`nephele forecast`, in this process."""
    monkeypatch.setattr(sys, "argv", ["nephele", "forecast", *map(str, arguments)])
    cli.nephele()


def read(path: Path) -> xr.Dataset:
    with xr.open_dataset(path, decode_timedelta=False) as file:
        return file.load()


def test_a_forecast_of_persistence_is_the_last_frame_and_its_figures_are_known(
    frames, student, persistence, tmp_path, monkeypatch
):
    out = tmp_path / "forecast.nc"
    run(monkeypatch, frames, "--model", student, "--members", MEMBERS, "--out", out)

    found, times = read(out), frames_files.series(6)
    cells = read(frames)[FRAMES].coarsen(y=2, x=2).mean().values  # 10 km to 20 km
    np.testing.assert_allclose(found.observed_brightness_temperature, cells[2:], atol=0.006)
    offsets = np.arange(MEMBERS)
    expected = np.broadcast_to(
        cells[-1] + offsets[:, None, None, None], found.brightness_temperature.shape
    )
    np.testing.assert_allclose(found.brightness_temperature, expected, atol=0.006)
    np.testing.assert_allclose(found.ensemble_mean, expected.mean(axis=0), atol=0.011)
    np.testing.assert_allclose(found.ensemble_spread, offsets.std(ddof=1), atol=0.006)
    share = (found.brightness_temperature < 235).mean("member")
    np.testing.assert_allclose(found.probability_of_cold_cloud, share, atol=1e-7)
    assert pd.DatetimeIndex(found.time.values).equals(times[2:])
    assert found.lead_time.values.tolist() == list(LEADS)
    assert pd.Timestamp(found.valid_time.values[-1]) == times[-1] + pd.Timedelta(hours=24)


def test_hours_choose_the_lead_times_and_init_the_history(
    frames, student, persistence, tmp_path, monkeypatch
):
    out, init = tmp_path / "forecast.nc", frames_files.series(6)[4]
    run(monkeypatch, frames, "--model", student, "--members", 2, "--out", out,
        "--hours", 6, "--init", f"{init:%Y-%m-%dT%H:%M}+00:00")  # fmt: skip

    found = read(out)
    assert pd.Timestamp(found.init_time.values) == init
    assert found.lead_time.values.tolist() == [3, 6]
    assert Image.open(out.with_suffix(".png")).n_frames == 2 + 4


def test_the_same_seed_gives_the_same_bytes_and_another_gives_others(
    frames, student, tmp_path, monkeypatch
):
    outs = [tmp_path / name / "forecast.nc" for name in ("one", "again", "other")]
    for out, seed in zip(outs, (5, 5, 6), strict=True):
        run(monkeypatch, frames, "--model", student, "--members", 2, "--hours", 9,
            "--seed", seed, "--out", out)  # fmt: skip

    one, again, other = ([o.read_bytes(), o.with_suffix(".png").read_bytes()] for o in outs)
    assert one == again
    assert one[0] != other[0]
    assert one[1] != other[1]
    assert (read(outs[0])[FRAMES] != read(outs[2])[FRAMES]).mean() > 0.9


def test_a_forecast_says_what_made_it(frames, student, tmp_path, monkeypatch):
    out = tmp_path / "forecast.nc"
    run(monkeypatch, frames, "--model", student, "--members", 2, "--hours", 3, "--seed", 7,
        "--out", out)  # fmt: skip

    said = read(out).attrs
    assert said["model_fingerprint"] == fingerprint(student)
    assert said["input_fingerprint"] == fingerprint(frames)
    assert (said["seed"], said["sampling_steps"], said["storm"]) == (7, 1, "S0001")
    assert "--seed 7" in said["history"]
    assert str(tmp_path) not in " ".join(map(str, said.values()))


def trained_otherwise(folder: Path, **about: object) -> Path:
    """The student, trained on other frames."""
    model = small.model("student", steps=1)
    frames = replace(model.description.trained_on, **about)
    other = replace(model, description=replace(model.description, trained_on=frames))
    trained.save(folder / "other", other)
    return folder / "other"


def test_frames_are_brought_to_the_grid_of_the_training(frames, tmp_path, monkeypatch):
    model = trained_otherwise(tmp_path, cell_km=40.0)
    with pytest.raises(SystemExit) as stopped:
        run(monkeypatch, frames, "--model", model, "--out", tmp_path / "forecast.nc")
    assert "the frames reach from -320 to 320 km, and the model sees -640" in stopped.value.code


def test_a_model_that_knows_simulated_storms_only_says_so(frames, tmp_path, monkeypatch):
    model = trained_otherwise(tmp_path, synthetic=True, attribution="SYNTHETIC storms")
    out = tmp_path / "forecast.nc"
    run(monkeypatch, frames, "--model", model, "--members", 2, "--hours", 3, "--out", out)
    said = read(out).attrs
    assert (said["model_synthetic"], said["model_trained_on"]) == (1, "SYNTHETIC storms")
    assert "synthetic" not in said


def test_synthetic_frames_make_a_synthetic_forecast(frames, student, tmp_path, monkeypatch):
    said = '{"source": "synthetic", "synthetic": true, "attribution": "SYNTHETIC storms"}'
    (frames.parent.parent / "provenance.json").write_text(said)
    out = tmp_path / "forecast.nc"
    run(monkeypatch, frames, "--model", student, "--members", 2, "--hours", 3, "--out", out)
    assert read(out).attrs["synthetic"] == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--hours", 10], "--hours 10: expected a multiple of 3 from 3 to 24"),
        (["--hours", 27], "--hours 27: expected a multiple of 3 from 3 to 24"),
        (["--hours", 0], "--hours 0: expected a multiple of 3"),
        (["--members", 1], "--members 1: expected a whole number from 2 to 64"),
        (["--members", 65], "--members 65: expected a whole number from 2 to 64"),
        (["--seed", -1], "--seed -1: expected a whole number"),
        (["--init", "noon"], "--init noon: expected a time in UTC"),
        (["--init", "2030-09-01T06:00"], "no frame of 2030-08-31 21:00 UTC"),
        (["--model", "nowhere"], "--model nowhere: no such folder"),
        (["--picture", "forecast.nc"], "expected another name than the picture's"),
    ],
)
def test_what_cannot_be_forecast_is_said_in_a_sentence_and_nothing_is_written(
    arguments, words, frames, student, tmp_path, monkeypatch
):
    _refused([frames, "--model", student, *arguments], words, tmp_path, monkeypatch)


def _refused(arguments, words, tmp_path, monkeypatch):
    """The command fails with one sentence that has `words`, and writes nothing."""
    folder = tmp_path / "out"
    folder.mkdir(exist_ok=True)
    monkeypatch.chdir(folder)
    with pytest.raises(SystemExit) as raised:
        run(monkeypatch, *arguments)
    message = str(raised.value.code)  # Python prints a text and exits with status 1
    assert words in message
    assert "\n" not in message
    assert not list(folder.iterdir())


def celsius(dataset: xr.Dataset) -> xr.Dataset:
    dataset[FRAMES] = dataset[FRAMES] - 273.15
    dataset[FRAMES].attrs["units"] = "degC"
    return dataset


def unlabelled_celsius(dataset: xr.Dataset) -> xr.Dataset:
    dataset = celsius(dataset)
    dataset[FRAMES].attrs["units"] = "K"
    return dataset


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda d: d.isel(time=[0, 1, 2]), "is missing; add the frames"),
        (lambda d: d.isel(time=[0, 1, 3, 4, 5]), "2030-09-01 06:00 UTC is missing"),
        (celsius, "expected 'K'; add 273.15"),
        (unlabelled_celsius, "look like °C, expected K; add 273.15"),
        (lambda d: d.drop_vars(FRAMES), "brightness_temperature"),
        (lambda d: d.isel(time=[0, 2, 1, 3]), "expected increasing times"),
        (lambda d: d.drop_vars("time"), "time: found no such axis"),
        (lambda d: d.drop_vars("centre_latitude"), "centre_latitude is missing"),
        (lambda d: d.where(d.y < 0), "% of the frame is missing"),
    ],
)
def test_frames_that_break_the_contract_are_refused(damage, words, student, tmp_path, monkeypatch):
    path = frames_files.write(tmp_path, damage(frames_files.frames(frames_files.series(6))))
    _refused([path, "--model", student], words, tmp_path, monkeypatch)


def test_a_truncated_file_is_refused(frames, student, tmp_path, monkeypatch):
    frames.write_bytes(frames.read_bytes()[:-20_000])
    _refused([frames, "--model", student], "cannot be read", tmp_path, monkeypatch)


def test_a_teacher_is_refused(frames, tmp_path, monkeypatch):
    trained.save(tmp_path / "teacher", small.model("teacher"))
    arguments = [frames, "--model", tmp_path / "teacher"]
    _refused(arguments, "a teacher, which needs ERA5", tmp_path, monkeypatch)


def test_damaged_weights_are_refused(frames, student, tmp_path, monkeypatch):
    trained.save(tmp_path / "model", small.model("student", steps=1))
    (tmp_path / "model" / trained.WEIGHTS).write_bytes(b"nothing")
    arguments = [frames, "--model", tmp_path / "model"]
    _refused(arguments, "not the weights", tmp_path, monkeypatch)


def test_where_the_picture_fails_the_file_is_not_left_either(
    frames, student, persistence, tmp_path, monkeypatch
):
    def fails(forecast):
        raise ValueError("no picture")

    monkeypatch.setattr(outlook, "animation", fails)
    arguments = [frames, "--model", student, "--members", 2]
    _refused(arguments, "no picture", tmp_path, monkeypatch)


def test_the_frames_are_not_written_over(frames, student, tmp_path, monkeypatch):
    before = frames.read_bytes()
    arguments = [frames, "--model", student, "--out", frames]
    _refused(arguments, "the frames themselves", tmp_path, monkeypatch)
    assert frames.read_bytes() == before


@pytest.mark.parametrize("option", ["--out", "--picture"])
def test_frames_that_were_found_in_a_folder_are_not_written_over(
    option, frames, student, tmp_path, monkeypatch
):
    before = frames.read_bytes()
    arguments = [frames.parent, "--model", student, option, frames]
    _refused(arguments, "the frames themselves", tmp_path, monkeypatch)
    assert frames.read_bytes() == before


def test_nothing_is_written_into_the_models_folder(frames, student, tmp_path, monkeypatch):
    before = fingerprint(student)
    for option in ("--out", "--picture"):
        arguments = [frames, "--model", student.parent, option, student / trained.WEIGHTS]
        _refused(arguments, "in the model's folder", tmp_path, monkeypatch)
    assert fingerprint(student) == before


def test_a_place_that_cannot_be_written_is_said_before_the_forecast(
    frames, student, tmp_path, monkeypatch
):
    monkeypatch.setattr(ensembles, "forecast", None)
    for option in ("--out", "--picture"):
        arguments = [frames, "--model", student, option, frames / "deep" / "forecast.nc"]
        _refused(arguments, f"nothing can be written in {frames} (Not a", tmp_path, monkeypatch)


def test_era5_in_place_of_frames_is_called_what_it_is(frames, student, tmp_path, monkeypatch):
    era5 = xr.Dataset(
        {"sst": ("time", [300.0]), "msl": ("time", [1e5])}, {"time": [frames_files.START]}
    )
    era5.to_netcdf(frames.with_name("era5.nc"))
    words = (
        "era5.nc: fields of ERA5 (msl, sst) and no image, expected a storm's observed frames: "
        f"brightness_temperature (or irwin), K, on time, y and x; the storm's are in {frames}"
    )
    _refused([frames.with_name("era5.nc"), "--model", student], words, tmp_path, monkeypatch)


def test_a_forecast_in_place_of_frames_is_called_what_it_is(
    frames, student, persistence, tmp_path, monkeypatch
):
    out = tmp_path / "forecast.nc"
    run(monkeypatch, frames, "--model", student, "--members", 2, "--hours", 3, "--out", out)
    words = "forecast.nc: a forecast, expected a storm's observed frames"
    _refused([out, "--model", student], words, tmp_path, monkeypatch)


def test_where_the_picture_cannot_take_its_place_the_older_file_stays(
    frames, student, persistence, tmp_path, monkeypatch
):
    out = tmp_path / "forecast.nc"
    out.write_text("older")
    rename = Path.rename

    def fails(path, target):
        if target.suffix == ".png":
            raise OSError("no more")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fails)
    with pytest.raises(SystemExit):
        run(monkeypatch, frames, "--model", student, "--members", 2, "--hours", 3, "--out", out)
    assert out.read_text() == "older"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.nc"], "nowhere.nc: no such file or folder, expected a storm's frames"),
        (["{frames}", "--hours", "7"], "--hours 7: expected a multiple of 3 from 3 to 24"),
        (["{frames}", "--model", "."], "--model .: expected one folder with model.json"),
        (["{frames}", "--model", "{teacher}"], "a teacher, which needs ERA5"),
        (["{frames}", "--out", "{frames}"], "the frames themselves, expected another name"),
    ],
    ids=["frames", "hours", "model", "teacher", "out"],
)
def test_status_is_one_and_torch_is_not_loaded_for_a_mistake(
    arguments, said, frames, student, tmp_path
):
    teacher = tmp_path / "teacher"
    trained.save(teacher, small.model("teacher"))
    named = [argument.format(frames=frames, teacher=teacher) for argument in arguments]
    code = (
        "import sys\nfrom components.forecast import nephele\n"
        f"sys.argv = ['nephele', 'forecast', '--model', {str(student)!r}, *{named!r}]\n"
        "try: nephele()\nfinally: print(sorted({'torch', 'mlflow'} & set(sys.modules)))"
    )
    (tmp_path / "here").mkdir()
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path / "here"
    )
    assert process.returncode == 1
    (line,) = process.stderr.splitlines()
    assert line.startswith("nephele forecast: ")
    assert said in line
    assert process.stdout.strip() == "[]"


def test_a_registered_model_forecasts_as_its_folder_does(frames, student, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    mlflow.set_tracking_uri(uri)
    trial = mlflow.create_experiment("trial", (tmp_path / "artifacts").as_uri())
    with mlflow.start_run(experiment_id=trial):
        mlflow.pyfunc.log_model(
            name="student",
            loader_module="components.serving",
            data_path=str(student),
            registered_model_name="nephele-student",
            pip_requirements=[],
        )
    mlflow.MlflowClient().set_registered_model_alias("nephele-student", "champion", "1")

    places = {"folder": student, "registry": "models:/nephele-student@champion"}
    for name, place in places.items():
        run(monkeypatch, frames, "--model", place, "--members", 2, "--hours", 3,
            "--out", tmp_path / name / "forecast.nc")  # fmt: skip
    one, other = ((tmp_path / name / "forecast.nc").read_bytes() for name in places)
    assert one == other
    arguments = [frames, "--model", "models:/nephele-student@nobody"]
    _refused(arguments, "MLflow at sqlite", tmp_path, monkeypatch)


def test_without_a_tracking_database_a_registered_model_is_not_found(frames, tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    arguments = [frames, "--model", "models:/nephele-student@champion"]
    _refused(arguments, "no tracking database at", tmp_path, monkeypatch)


def test_real_frames_are_forecast_from_the_last_usable_history(
    student, persistence, tmp_path, monkeypatch
):
    # Of 198702 many frames have fill or text in them; of the last of its files too.
    for storm, init in (("200717", "2007-10-08T18:00"), ("198702", "1987-04-16T12:00")):
        folder = archive_files.real("digital_typhoon", "image", storm)
        out = tmp_path / f"{storm}.nc"
        run(monkeypatch, folder, "--model", student, "--members", 2, "--hours", 6, "--out", out)
        found = read(out)
        assert pd.Timestamp(found.init_time.values) == pd.Timestamp(init)
        assert found.attrs["synthetic"] == 0
        assert "CC BY 4.0" in found.attrs["input_attribution"]
        file = next(folder.glob(f"{pd.Timestamp(init):%Y%m%d%H}-*.h5"))
        with h5py.File(file) as raw:
            middle = raw["infrared"][192:320, 192:320][::-1].reshape(32, 4, 32, 4)
        observed = found.observed_brightness_temperature[-1]
        np.testing.assert_allclose(observed, middle.mean(axis=(1, 3)), atol=0.006)
        middle_cells = found.latitude_at_init[15:17, 15:17].mean()
        np.testing.assert_allclose(middle_cells, found.centre_latitude[-1], atol=0.01)
