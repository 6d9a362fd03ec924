"""The stage `report` on outputs that are known."""

import html
import json
import re
from html.parser import HTMLParser

import pytest
import yaml
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
        "model_card": out / "model_card.md",
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


def test_the_page_needs_nothing_beside_itself_and_describes_its_pictures(inputs, tmp_path):
    page, _ = run_stage(inputs, tmp_path)

    references = References()
    references.feed(page)
    links = [found for found in references.found if not found.startswith("data:image/png;base64,")]
    assert links
    assert all(link.startswith("#") and link[1:] in references.anchors for link in links)
    assert "@import" not in page
    assert "url(" not in page
    assert references.undescribed == 0


def test_the_same_run_gives_the_same_bytes(inputs, tmp_path):
    for out in ("first", "second"):
        run_stage(inputs, tmp_path / out)

    names = sorted(path.relative_to(tmp_path / "first") for path in tmp_path.glob("first/**/*.*"))
    assert len(names) == 3 + 2 * 2  # page, card and figures, an animation and a strip a forecast
    for name in names:
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()


def test_figures_of_the_simulated_world_are_labelled_in_every_part(inputs, tmp_path):
    page, _ = run_stage(inputs, tmp_path)

    headings = re.findall(r"<h2.*?</h2>", page)
    assert len(headings) == 12
    assert all("SYNTHETIC" in heading for heading in headings if "Parameters" not in heading)


def sentences(page):
    """What the page begins with."""
    box = re.search(r"<ol>(.*?)</ol>", page, re.DOTALL)[1]
    return [html.unescape(item) for item in re.findall(r"<li>(.*?)</li>", box, re.DOTALL)]


def test_the_page_begins_with_five_sentences_each_with_its_figure_interval_and_label(
    inputs, tmp_path
):
    page, logged = run_stage(inputs, tmp_path)

    skill, helped, kept, influence, trust = sentences(page)
    assert "beats persistence by 3.20\N{NO-BREAK SPACE}K (95 % interval 3.10 to 3.30" in skill
    assert "gives no evidence of beating optical flow: it gains 0.05" in skill
    assert "ERA5 helped" in helped
    assert "by 0.50\N{NO-BREAK SPACE}K (95 % interval 0.40 to 0.60" in helped
    assert "keeps 40\N{NO-BREAK SPACE}% (95 % interval 25 to 55" in kept
    assert "depends most on sst, most of all at +15 h" in influence
    assert "stayed below sst, and is not shown to stay below r" in influence
    assert "agrees with the truth" in influence
    assert "is too small for its error at +3\N{NO-BREAK SPACE}h" in trust
    assert all(said.startswith("SYNTHETIC: ") for said in sentences(page))
    assert all(said in logged.description for said in sentences(page))


def test_the_page_says_that_there_was_one_training(inputs, tmp_path):
    page, _ = run_stage(inputs, tmp_path)

    assert (
        "one training of each network (seed 0 of the teacher, 100 of student and control)" in page
    )
    assert "“make evidence” repeats the trainings" in page


def test_what_is_worse_is_said_to_be(tmp_path):
    worse, _ = run_stage(write_inputs(tmp_path / "a", gap=-0.5, student=8.5), tmp_path)

    skill, helped, kept, *_ = sentences(worse)
    assert "is worse than persistence by 0.50" in skill
    assert "is worse than optical flow by 3.65" in skill
    assert "ERA5 did not help" in helped
    assert "no share is claimed: the student is worse than the control by 3.50" in kept


def test_with_fewer_than_five_storms_no_sentence_claims_anything(tmp_path):
    page, _ = run_stage(write_inputs(tmp_path / "a", storms=4), tmp_path)

    assert len(sentences(page)) == 5
    for said in sentences(page):
        assert "o evidence" in said or "no share is claimed" in said
        assert "95 %" not in said.replace("in 95 % of cases", "")
    assert "fewer than five storms" in page


def test_real_data_have_no_truth_and_no_label(tmp_path):
    page, _ = run_stage(write_inputs(tmp_path / "a", synthetic=0), tmp_path)

    assert "depends most on sst" in sentences(page)[3]
    assert "truth" not in sentences(page)[3]
    assert "SYNTHETIC" not in page
    assert "nothing about a new storm" in page


def test_a_climatological_environment_is_said_and_nothing_is_concluded_of_era5(tmp_path):
    inputs = write_inputs(tmp_path / "a", synthetic=0, environment="climatology")

    page, _ = run_stage(inputs, tmp_path)

    assert "Climatological environment." in page
    assert "nothing can be concluded about what ERA5 adds" in page
    assert "ERA5 helped" not in page
    assert "keeps" not in sentences(page)[2]
    assert "cannot be concluded" in sentences(page)[3]


def test_all_that_was_measured_has_a_table(inputs, tmp_path):
    page, _ = run_stage(inputs, tmp_path)

    for caption in (
        "The ledger",
        "Differences in the mean",
        "Calibration: spread over error",
        "Calibration: unevenness",
        "Power of single members",
        "Rank correlation of each matrix",
        "less that of the placebo",
        "The truth: what the simulated world does",
        "by dose",
        "with verdicts",
        "The probe",
    ):
        assert len(re.findall(f"<figcaption>[^<]*{caption}", page)) == 1, caption
    assert "does not deserve the name causal: &lt;why&gt;" in page
    assert "Its meaning." in page


def test_likeness_and_the_probe_are_said_in_words_beside_their_controls(inputs, tmp_path):
    page, logged = run_stage(inputs, tmp_path)

    assert "beyond all four controls in 1 of 3 measures of variables" in page
    assert "learnt to see sst in clouds" in page
    assert "attention 32×32, r" in page
    assert logged.points["details/cka_control", 0] == 0.566667


def test_the_model_card_says_what_the_model_is_for_and_where_it_is_worse(inputs, tmp_path):
    _, logged = run_stage(inputs, tmp_path)

    card = (tmp_path / "model_card.md").read_text()
    head = yaml.safe_load(card.split("---")[1])
    assert head["license"] == "mit"
    assert head["model-index"][0]["results"][0]["metrics"][0]["value"] == 4.8
    assert "Real storms: it has seen none" in card
    assert "No evidence that it is better than optical flow in CRPS" in card
    assert "| test | 2 | 4 |" in card
    assert "Frames & fields by <somebody>" in card
    assert "model_card.md" in logged.artifacts


def test_reasons_of_dropped_frames_units_and_the_attribution_are_on_the_page(inputs, tmp_path):
    page, _ = run_stage(inputs, tmp_path)

    assert "burnt-in text" in page
    assert "msl (Pa)" in page
    assert "Frames &amp; fields by &lt;somebody&gt;" in page


def test_each_frame_left_out_stands_in_a_folded_table_with_its_reason(inputs, tmp_path):
    page, _ = run_stage(inputs, tmp_path)

    folded = re.findall(r"<details>.*?</details>", page, re.DOTALL)
    (frames,) = (part for part in folded if "The frames left out" in part)
    for hour in range(3):
        assert f"1987-07-01T0{hour}:00:00" in frames
    assert frames.count("burnt-in text: &lt;1 %") == 3


def test_the_run_that_compares_has_headline_figures_curves_and_pictures(inputs, tmp_path):
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
    assert logged.artifacts == ["report.html", "model_card.md", "animations"]
    figures = json.loads((tmp_path / "metrics.json").read_text())
    assert figures == {
        name.removeprefix("details/"): value
        for (name, step), value in logged.points.items()
        if step == 0
    }
    assert "| student | 4.80 (4.70 to 4.90) |" in logged.description
    assert logged.points["rank_correlation_low", 0] == 0.75
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
    assert "SYNTHETIC: every figure here is of a simulated world" in arguments["description"]
    # With what the registry adds, databases behind MLflow take 5,000.
    assert len(arguments["description"]) < 4000


def test_parameters_are_the_same_from_the_file_and_from_kubeflows_numbers():
    from_file = reading.all_parameters(str(PARAMETERS))
    as_floats = json.loads(json.dumps(from_file), parse_int=float)

    assert reading.all_parameters(json.dumps(as_floats)) == from_file
    assert repr(reading.all_parameters(json.dumps(as_floats))) == repr(from_file)
