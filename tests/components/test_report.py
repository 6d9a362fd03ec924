"""The stage `report` on outputs that are known."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.figure import Figure

from components.report import reading, stage
from nephele.params import ReportParams

LEADS = [str(3 * step) for step in range(1, 9)]
SIZE = 16
PARAMETERS = Path(__file__).parents[2] / "params.yaml"


class Logged:
    """Remembers what the stage logs."""

    def __init__(self):
        self.points, self.pictures, self.artifacts, self.calls = {}, [], [], []

    def metrics(self, step, **values):
        for name, value in values.items():
            self.points[name, step] = value

    def picture(self, name, picture, step=None):
        self.pictures.append(name)

    def artifact(self, path, folder=None):
        self.artifacts.append(path.name)

    def params(self, params):
        self.parameters = params

    def tags(self, **tags):
        self.told = tags

    def note(self, markdown):
        self.description = markdown

    def call(self, target, files, **arguments):
        self.calls.append((target, files, arguments))


def write_png(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Figure(figsize=(1, 1)).savefig(path, metadata={"Software": None})


def score_rows(score, forecast, value, half_width):
    ends = (value - half_width, value + half_width)
    return [(score, forecast, lead, value, *ends, 18, 48) for lead in [*LEADS, "mean"]]


def write_scores(path, gap):
    rows = []
    for name, crps in {
        "teacher": 5 - gap,
        "student": 4.8,
        "control": 5.0,
        "persistence": 8.0,
    }.items():
        rows += score_rows("crps", name, crps, 0.1)
        rows += score_rows("rmse", name, 1.5 * crps, 0.1)
        if name != "persistence":
            rows += score_rows("gain_over_persistence", name, 8 - crps, 0.1)
    rows += score_rows("gain_over_control", "teacher", gap, 0.1)
    rows += score_rows("gain_over_control", "student", 0.2, 0.1)
    rows += score_rows("gap_closed", "student", 0.2 / gap if gap > 0.1 else np.nan, 0.15)
    columns = ["score", "forecast", "lead_hours", "value", "low", "high", "storms", "windows"]
    pd.DataFrame(rows, columns=columns).to_csv(path, index=False)


def write_windows(path, attributes):
    split = ["train"] * 12 + ["validation"] * 2 + ["test"] * 4
    storms = [f"S{number // 2:03d}" for number in range(18)]
    text = np.dtypes.StringDType()
    coordinates = {
        "window_storm": ("window", np.array(storms, text)),
        "split": ("window", np.array(split, text)),
    }
    xr.Dataset(coords=coordinates, attrs=attributes).to_zarr(path, zarr_format=3, consolidated=True)


def write_forecasts(path):
    rng = np.random.default_rng(0)

    def frames(*axes):
        return rng.uniform(200, 300, (*axes, SIZE, SIZE)).astype(np.float32)

    xr.Dataset(
        {
            "forecast": (
                ("window", "network", "member", "lead_time", "y", "x"),
                frames(2, 3, 4, 8),
            ),
            "past": (("window", "time", "y", "x"), frames(2, 4)),
            "truth": (("window", "lead_time", "y", "x"), frames(2, 8)),
            "persistence": (("window", "lead_time", "y", "x"), frames(2, 8)),
        },
        coords={
            "network": ["teacher", "student", "control"],
            "lead_time": ("lead_time", 3 * np.arange(1, 9), {"units": "hours"}),
            "time": ("time", 3 * np.arange(-3, 1), {"units": "hours"}),
            "storm": ("window", ["S007", "S008"]),
            "init_time": ("window", np.array(["2007-10-04T06", "2007-10-08"], "datetime64[ns]")),
        },
    ).to_netcdf(path)


def write_inputs(folder, gap=0.5, synthetic=1, environment="analysis"):
    """Files as the stages before the report write them; returns the stage's flags."""
    folder.mkdir()
    attributes = {
        "source": "synthetic" if synthetic else "digital_typhoon",
        "synthetic": synthetic,
        "environment": environment,
        "split_by": "storm" if synthetic else "time",
        "attribution": "Frames & fields by <somebody>",
    }
    write_windows(folder / "windows", attributes)
    regridding = {
        "frames": 480,
        "dropped_by_reason": {"burnt-in text": 3},
        "dropped": [
            {
                "storm": "198702",
                "time": f"1987-07-01T0{hour}:00:00",
                "reason": "burnt-in text: <1 %",
            }
            for hour in range(3)
        ],
        "frame_mean": 269.8,
        "frame_std": 24.6,
        "residual_std": dict.fromkeys(LEADS, 12.0),
        "era5_mean": {"sst": 300.1, "msl": 100812.0},
        "era5_std": {"sst": 2.0, "msl": 600.0},
        "era5_valid": {"sst": 0.91, "msl": 1.0},
    }
    training = {"parameters": 3123456, "terms": {"score": 0.41}, "sampling_steps": 5}
    write_scores(folder / "scores", gap)
    found = pd.read_csv(folder / "scores", dtype={"lead_hours": str})
    verification: dict = {"counts": {"test": {"storms": 18}}}
    for row in found.itertuples():
        value = None if np.isnan(row.value) else row.value
        verification.setdefault(row.score, {}).setdefault(row.forecast, {})[row.lead_hours] = value
    for name, values in {
        "regridding": regridding,
        "teacher_metrics": training,
        "student_metrics": training,
        "control_metrics": training,
        "verification": verification,
        **alignment_and_causes(folder),
    }.items():
        (folder / name).write_text(json.dumps(values))
    write_forecasts(folder / "forecasts")
    write_student(folder)
    write_png(folder / "heat_map.png")
    for name in ("contact_sheets", "tsne_pictures", "verification_pictures"):
        write_png(folder / name / "picture.png")
    flags = {path.stem: path for path in folder.iterdir()}
    return {**flags, "params": ReportParams(forecasts=2), "parameters": str(PARAMETERS)}


def write_student(folder):
    """The model, of which the report needs the description, and its CRPS by window."""
    (folder / "student").mkdir()
    rows = [
        (f"S{storm:03d}", "2007-10-04T06:00", int(lead), 265.0 + storm, 4.8, 8.0)
        for storm in range(18)
        for lead in LEADS
    ]
    columns = ["storm", "init_time", "lead_hours", "truth", "student", "persistence"]
    pd.DataFrame(rows, columns=columns).to_csv(folder / "by_window", index=False)


def alignment_and_causes(folder):
    matrix = pd.DataFrame(1.5, index=["sst", "msl", "z", "r"], columns=LEADS[:5])
    matrix.to_csv(folder / "causal_matrix", index_label="variable")
    columns = ["variable", "kind", "resolution", "metric", "student"]
    columns += ["shuffled", "untrained", "collapsed", "control"]
    rows = [
        ("sst", "encoder", 16, "cka", 0.9, 0.0, 0.2, 0.0, 0.5),
        ("r", "attention", 32, "cka", 0.5, 0.0, 0.2, 0.0, 0.6),
        ("r", "attention", 32, "retrieval", 0.25, 0.02, 0.03, 0.02, 0.125),
    ]
    pd.DataFrame(rows, columns=columns).to_csv(folder / "similarity", index=False)
    loss = {"sst": (0.5, 0.3, 0.7), "r": (0.1, -0.1, 0.3), "z": (0.1, None, None)}
    parts = {
        part: {name: dict.fromkeys(LEADS[:5], three[place]) for name, three in loss.items()}
        for place, part in enumerate(("values", "low", "high"))
    }
    details = {
        "units": "K",
        "lead_hours": [int(lead) for lead in LEADS[:5]],
        "matrices": {"skill_loss": {"meaning": "Growth of the RMSE.", **parts}},
    }
    return {"causal_details": details, "tsne_metrics": {}}


def run_stage(inputs, out):
    logged = Logged()
    outputs = {
        "report": out / "report.html",
        "animations": out / "animations",
        "metrics": out / "metrics.json",
    }
    stage.main(**inputs, **outputs, log=logged)
    return (out / "report.html").read_text(), logged


@pytest.fixture
def inputs(tmp_path):
    return write_inputs(tmp_path / "inputs")


class References(HTMLParser):
    """Collects what a page refers to, and the pictures without a description."""

    def __init__(self):
        super().__init__()
        self.found, self.undescribed, self.anchors = [], 0, set()

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.found += [given[name] for name in ("src", "href", "srcset") if name in given]
        self.undescribed += tag == "img" and not given.get("alt")
        self.anchors.add(given.get("id"))


def test_the_page_needs_nothing_beside_itself_and_describes_its_pictures(
    inputs, tmp_path, monkeypatch
):
    page, _ = run_stage(inputs, tmp_path)

    references = References()
    references.feed(page)
    links = [found for found in references.found if not found.startswith("data:image/png;base64,")]
    assert links
    assert all(link.startswith("#") and link[1:] in references.anchors for link in links)
    assert "@import" not in page
    assert "url(" not in page
    assert references.undescribed == 0


def test_the_same_run_gives_the_same_bytes(inputs, tmp_path, monkeypatch):
    for out in ("first", "second"):
        run_stage(inputs, tmp_path / out)

    names = sorted(path.relative_to(tmp_path / "first") for path in tmp_path.glob("first/**/*.*"))
    assert len(names) == 2 + 2 * 2  # page and figures, an animation and a strip a forecast
    for name in names:
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()


def test_figures_of_the_simulated_world_are_labelled_in_every_part(inputs, tmp_path, monkeypatch):
    page, _ = run_stage(inputs, tmp_path)

    headings = re.findall(r"<h2.*?</h2>", page)
    assert len(headings) == 8
    assert all("SYNTHETIC" in heading for heading in headings if "Parameters" not in heading)


def test_a_gap_is_claimed_where_there_is_one_and_not_where_there_is_none(tmp_path, monkeypatch):
    with_gap, _ = run_stage(write_inputs(tmp_path / "a", gap=0.5), tmp_path / "1")
    without, _ = run_stage(write_inputs(tmp_path / "b", gap=0.05), tmp_path / "2")

    assert "ERA5 helped" in with_gap
    assert "The student, without ERA5, closes 40" in with_gap
    assert "No evidence that ERA5 helped" in without
    assert "closes" not in without.split("</section>")[0]


def test_a_climatological_environment_is_said_and_nothing_is_concluded_of_era5(
    tmp_path, monkeypatch
):
    inputs = write_inputs(tmp_path / "a", synthetic=0, environment="climatology")

    page, _ = run_stage(inputs, tmp_path)

    assert "Climatological environment." in page
    assert "nothing can be concluded about what ERA5 adds" in page
    assert "ERA5 helped" not in page

    assert "SYNTHETIC" not in page
    assert "nothing about a new storm" in page


def test_a_variable_is_said_to_help_only_where_the_interval_says_so(inputs, tmp_path, monkeypatch):
    page, _ = run_stage(inputs, tmp_path)

    assert "grows without sst by 0.50" in page
    assert "No evidence at 15 h that r, z helps this teacher" in page
    assert "Growth of the RMSE." in page


def test_likeness_stands_beside_its_controls(inputs, tmp_path, monkeypatch):
    page, logged = run_stage(inputs, tmp_path)

    assert "0.70; beside it the control&#39;s 0.55" in page
    assert "exceeds every control in 1 of 2 cases" in page
    assert "attention 32×32, r" in page
    assert logged.points["details/cka_control", 0] == 0.55


def test_reasons_of_dropped_frames_units_and_the_attribution_are_on_the_page(
    inputs, tmp_path, monkeypatch
):
    page, _ = run_stage(inputs, tmp_path)

    assert "burnt-in text" in page
    assert "msl (Pa)" in page
    assert "Frames &amp; fields by &lt;somebody&gt;" in page


def test_each_frame_left_out_stands_in_a_folded_table_with_its_reason(
    inputs, tmp_path, monkeypatch
):
    page, _ = run_stage(inputs, tmp_path)

    folded = re.findall(r"<details>.*?</details>", page, re.DOTALL)
    assert len(folded) == 1
    for hour in range(3):
        assert f"1987-07-01T0{hour}:00:00" in folded[0]
    assert folded[0].count("burnt-in text: &lt;1 %") == 3


def test_the_run_that_compares_has_headline_figures_curves_and_pictures(
    inputs, tmp_path, monkeypatch
):
    _, logged = run_stage(inputs, tmp_path)

    assert logged.points["crps_student", 0] == 4.8
    assert logged.points["crps_student_low", 0] == 4.7
    assert logged.points["crps_student_high", 0] == 4.9
    assert logged.points["share_of_gap", 0] == 0.4
    assert logged.points["by_lead_time/rmse_persistence", 24] == 12
    assert {part.split("/")[0] for part in logged.pictures} == {
        "verification",
        "causes",
        "alignment",
        "data",
    }
    assert logged.artifacts == ["report.html", "animations"]
    figures = json.loads((tmp_path / "metrics.json").read_text())
    assert figures == {
        name.removeprefix("details/"): value
        for (name, step), value in logged.points.items()
        if step == 0
    }
    assert "| student | 4.80 (4.70 to 4.90) |" in logged.description
    assert "The student's CRPS is 4.80 K" in logged.description
    assert logged.told == {"data": "SYNTHETIC"}


def test_the_registry_is_told_the_student_its_scores_and_the_data(inputs, tmp_path):
    _, logged = run_stage(inputs, tmp_path)

    (target, files, arguments) = logged.calls[-1]
    assert target == "components.registry:register"
    assert files["model"] == inputs["student"]
    assert files["crps_by_window.csv"] == inputs["by_window"]
    assert arguments["tags"] == {
        "crps_mean": "4.8",
        "crps_low": "4.7",
        "crps_high": "4.9",
        "test_storms": "18",
        "test_windows": "48",
        "data": "SYNTHETIC",
    }
    assert "| student | 4.80 (4.70 to 4.90) |" in arguments["description"]


def test_parameters_are_the_same_from_the_file_and_from_kubeflows_numbers():
    from_file = reading.all_parameters(str(PARAMETERS))
    as_floats = json.loads(json.dumps(from_file), parse_int=float)

    assert reading.all_parameters(json.dumps(as_floats)) == from_file
    assert repr(reading.all_parameters(json.dumps(as_floats))) == repr(from_file)
