import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import tracked

from components import tracking
from components.fingerprints import fingerprint
from pipeline import lineage

DVC = [sys.executable, "-m", "dvc"]
DVC_RUN = {"DVC_STAGE": "distill_student@control", "DVC_EXP_NAME": "oaken-mist"}
KUBEFLOW_RUN = {
    "KFP_RUN_ID": "0b6f",
    "KFP_RUN_NAME": "nephele-x1",
    "NEPHELE_GIT_REVISION": "0123456789abcdef-dirty",
}


@pytest.fixture
def place(tmp_path, monkeypatch):
    return tracked.enter(tmp_path, monkeypatch)


@pytest.fixture
def stage(place, monkeypatch):
    """Run a stage that reads `inputs` and writes `text` at `output`."""

    def run(name, output, text, environment=(), params=(), **inputs):
        file = place / output
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        with monkeypatch.context() as patch:
            for key, value in dict(environment).items():
                patch.setenv(key, value)
            with tracking.run(name, {name: dict(params)}) as log:
                log.inputs(**inputs)
                log.outputs(**{file.stem: file})
        return file

    return run


def made_by(artifact):
    return [(made.stage, made.orchestrator) for made in artifact.made]


def child(artifact, name):
    return next(read for read in artifact.read if read.name == name)


def test_tree_leads_through_two_orchestrators_and_a_cached_stage_to_the_beginning(place, stage):
    # Kubeflow acquired and regridded; DVC had both in its cache, under other names, and trained.
    raw = stage("acquire", "raw/storm.nc", "clouds", KUBEFLOW_RUN, {"seed": 7})
    windows = stage("regrid", "runs/windows", "windows", KUBEFLOW_RUN, data=raw)
    cached = place / "outputs/regrid/windows.zarr"
    cached.parent.mkdir(parents=True)
    shutil.copy(windows, cached)
    student = stage(
        *("distill_student", "outputs/distill_student/control/model", "weights"),
        environment=DVC_RUN,
        params={"steps": 800, "seed": 1, "weights": {"distill": 1.0}},
        windows=cached,
    )

    tree = lineage.lineage(student, tracking.tracking_uri())
    assert made_by(tree) == [("distill_student@control", "dvc")]
    assert tree.made[0].execution == "oaken-mist"
    assert made_by(child(tree, "windows")) == [("regrid", "kubeflow")]
    acquired = child(child(tree, "windows"), "data")
    assert made_by(acquired) == [("acquire", "kubeflow")]
    assert acquired.read == []
    assert acquired.made[0].revision == KUBEFLOW_RUN["NEPHELE_GIT_REVISION"]

    text = lineage.printed(tree)
    told = [line.strip("│└─ ").split()[0] for line in text.splitlines()]
    assert told == [str(student), "by", "seed=1", "windows", "by", "data", "by", "seed=7"]
    assert "seed=1 steps=800" in text
    assert "kubeflow nephele-x1, revision 0123456789 (changed)" in text


def test_data_is_raw_under_another_name(place, stage):
    raw = stage("acquire", "raw/storm.nc", "clouds")
    shutil.copytree(raw.parent, place / "data")
    assert made_by(lineage.lineage(place / "data" / "storm.nc", tracking.tracking_uri())) == [
        ("acquire", "by hand")
    ]


def test_file_inside_an_output_is_told_to_be_part_of_it(place):
    pictures = place / "outputs/verify/pictures"
    pictures.mkdir(parents=True)
    (pictures / "scores.png").write_text("PNG")
    (pictures / "spectra.png").write_text("PNG too")
    with tracking.run("verify", {}) as log:
        log.outputs(pictures=pictures)
    tree = lineage.lineage(pictures / "scores.png", tracking.tracking_uri())
    assert tree.fingerprint == fingerprint(pictures)
    assert made_by(tree) == [("verify", "by hand")]
    assert "part of it" in tree.remark


def wrote(stage, **outputs):
    """Let a run of the stage have written what is there."""
    with tracking.run(stage, {}) as log:
        log.outputs(**outputs)


def test_frames_of_a_storm_within_the_data_are_found(place):
    storm = place / "data/S0008"
    storm.mkdir(parents=True)
    (storm / "frames.nc").write_text("clouds")
    (place / "data/provenance.json").write_text("{}")
    wrote("acquire", raw=place / "data")
    tree = lineage.lineage(Path("data/S0008/frames.nc"), tracking.tracking_uri())
    assert (tree.name, made_by(tree)) == ("data", [("acquire", "by hand")])
    assert tree.remark == "data/S0008/frames.nc is part of it"


def test_weights_in_another_folder_of_outputs_are_found(place, tmp_path_factory):
    model = tmp_path_factory.mktemp("elsewhere") / "outputs/distill_student/distilled/model"
    model.mkdir(parents=True)
    for name in ("model.json", "weights.safetensors"):
        (model / name).write_text(name)
    wrote("distill_student", student=model)
    tree = lineage.lineage(model / "weights.safetensors", tracking.tracking_uri())
    assert (tree.name, made_by(tree)) == (str(model), [("distill_student", "by hand")])


def test_output_that_dvc_knows_is_found_however_large_it_is(place, monkeypatch):
    storm = place / "data/S0008"
    storm.mkdir(parents=True)
    (storm / "frames.nc").write_text("clouds")
    wrote("acquire", raw=place / "data")
    monkeypatch.setattr(lineage, "MOST_BYTES", 1)
    uri = tracking.tracking_uri()
    assert lineage.lineage(storm / "frames.nc", uri).made == []
    (place / "data.dvc").write_text("outs: [{path: data, md5: 0.dir}]")
    assert made_by(lineage.lineage(storm / "frames.nc", uri)) == [("acquire", "by hand")]


def test_folder_in_which_one_works_is_never_read_through(place, monkeypatch):
    (place / "dvc.yaml").write_text("stages: {}")
    (place / "notes").write_text("?")
    wrote("report", report=place / "dvc.yaml")
    looked_at = []
    monkeypatch.setattr(lineage, "fingerprint", lambda path: looked_at.append(path) or "0")
    lineage.lineage(place / "notes", tracking.tracking_uri())
    assert {*looked_at} == {place / "notes"}


def test_runs_that_wrote_the_same_are_all_told_with_all_that_they_read(place, stage):
    first = stage("regrid", "a", "windows")
    stage("verify", "scores", "0.3", windows=first)
    second = stage("regrid", "b", "other windows")
    scores = stage("verify", "scores", "0.3", DVC_RUN, windows=second)
    tree = lineage.lineage(scores, tracking.tracking_uri())
    assert [made.orchestrator for made in tree.made] == ["by hand", "dvc"]
    assert {read.fingerprint for read in tree.read} == {fingerprint(first), fingerprint(second)}


def test_what_was_read_twice_is_told_once(place, stage):
    windows = stage("regrid", "windows", "windows", data=stage("acquire", "raw/a", "clouds"))
    teacher = stage("pretrain_teacher", "teacher", "weights", windows=windows)
    scores = stage("verify", "scores", "0.3", windows=windows, teacher=teacher)
    text = lineage.printed(lineage.lineage(scores, tracking.tracking_uri()))
    assert text.count("by regrid") == text.count("by acquire") == 1
    assert text.count(": see above") == 1


def test_changed_file_is_told_from_one_that_was_never_tracked(place, stage):
    stage("acquire", "raw/a", "clouds")
    subprocess.run(["git", "init", "-q"], check=True)
    subprocess.run([*DVC, "init", "-q"], check=True)
    for name in ("scores.csv", "pictures/a.png", "pictures/b/c.png"):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(name)
    (place / "dvc.yaml").write_text("stages: {verify: {cmd: 'true', outs: [scores.csv, pictures]}}")
    subprocess.run([*DVC, "commit", "-q", "-f"], check=True)
    uri = tracking.tracking_uri()
    for path in (place / "scores.csv", place / "pictures"):
        assert "DVC has these contents" in lineage.lineage(path, uri).remark
    inside = lineage.lineage(place / "pictures/b/c.png", uri).remark
    assert inside.startswith("part of pictures: no run that is known here wrote it, but DVC has")
    for path in (place / "scores.csv", place / "pictures/a.png"):
        path.chmod(0o644)
        path.write_text("by hand")
    for path in (place / "scores.csv", place / "pictures", place / "pictures/a.png"):
        assert "changed since DVC wrote it" in lineage.lineage(path, uri).remark
    (place / "unknown").write_text("?")
    assert lineage.lineage(place / "unknown", uri).remark == "no run that is known here wrote it"


def test_input_that_no_run_wrote_ends_its_branch_and_says_so(place, stage):
    (place / "own.nc").write_text("from elsewhere")
    windows = stage("regrid", "windows", "windows", data=place / "own.nc")
    tree = lineage.lineage(windows, tracking.tracking_uri())
    assert child(tree, "data").made == []
    assert "no run that is known here wrote it" in lineage.printed(tree)


def test_json_holds_the_whole_tree(place, stage):
    windows = stage("regrid", "windows", "windows", data=stage("acquire", "raw/a", "clouds"))
    tree = lineage.lineage(windows, tracking.tracking_uri())
    read = json.loads(lineage.as_json(tree))
    assert read["made"][0]["stage"] == "regrid"
    assert read["read"][0]["made"][0]["stage"] == "acquire"
    assert read["read"][0]["made"][0]["ended"].endswith("+00:00")


def test_nothing_there_and_no_store_are_said(place):
    with pytest.raises(ValueError, match="nothing at"):
        lineage.lineage(place / "nowhere", tracking.tracking_uri())
    (place / "file").touch()
    with pytest.raises(ValueError, match=r"there is no .*mlflow.db"):
        lineage.lineage(place / "file", tracking.tracking_uri())
    assert not (place / "mlflow.db").exists()
    with pytest.raises(ValueError, match=r"fails .*set MLFLOW_TRACKING_URI"):
        lineage.lineage(place / "file", "http://127.0.0.1:9")
