"""The stage `report` on outputs that are known."""

import json
import re
from html.parser import HTMLParser

import pytest
from report_files import PARAMETERS, write_inputs

from components.report import reading, stage


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
