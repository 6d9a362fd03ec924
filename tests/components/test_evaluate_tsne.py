"""The stage `evaluate_tsne`: who must be alike, and who must not."""

import json
from dataclasses import replace

import numpy as np
import pytest
from known_windows import make_windows

from components.evaluate_tsne import stage
from nephele.params import TsneParams

PARAMS = TsneParams(
    seed=3,
    windows=16,
    sigma=0.7,
    perplexity=5.0,
    neighbours=4,
    probe_windows=56,
    resamples=200,
)


@pytest.fixture(scope="module")
def tiny_windows():
    """ERA5 that storms remember; 56 storms to learn from, eight to be judged on."""
    storms = 64
    windows = make_windows(storms=storms)
    lives = windows.era5.unflatten(0, (storms, -1))
    return replace(
        windows,
        era5=(lives[:, :1] + 0.1 * lives).flatten(0, 1),
        split=np.where(windows.storm < "s56", "train", "test"),
    )


@pytest.fixture(scope="module")
def models(tiny_windows, make_tiny_model):
    return [
        make_tiny_model(tiny_windows, kind, seed)
        for seed, kind in enumerate(("teacher", "student", "control"))
    ]


@pytest.fixture(scope="module")
def copied(tiny_windows, models):
    """The teacher itself in the student's place."""
    return stage.run(tiny_windows, models[0], models[0], models[2], PARAMS)


def test_a_student_with_the_teachers_features_reaches_one_and_its_controls_do_not(copied):
    table = copied.table
    assert table.student.to_numpy() == pytest.approx(1.0)
    for name in ("shuffled", "collapsed"):
        assert table[name].max() < 0.9
    # Untrained, a network may keep the geometry of what it is given, but has axes of its own.
    assert table[table.metric == "centred_cosine"].untrained.max() < 0.9


def test_that_student_has_every_verdict_on_its_cosine(copied):
    verdicts = copied.table.groupby("metric").verdict.agg(set)
    assert verdicts["centred_cosine"] == {"excellent"}
    assert verdicts["cka"] <= {"evidence", "no evidence"}


def test_the_probe_reads_era5_out_of_who_was_given_it_and_out_of_nobody_else(copied):
    # The clouds of these windows are noise that has nothing to do with their ERA5. Here the
    # teacher stands in the student's place, so that `untrained` reads ERA5 too.
    scores = copied.probe.set_index(["features", "target", "variable"]).r2
    assert len(scores) == 5 * 2 * 4
    for name in ("teacher", "student", "untrained"):
        assert scores[name].min() > 0.9
    for name in ("control", "frames"):
        assert scores[name].max() < 0.2
        assert (copied.probe[copied.probe.features == name].difference_low > 0).all()


def test_every_variable_kind_resolution_and_metric_has_a_row(copied, tiny_windows):
    keys = copied.table[["variable", "kind", "resolution", "metric"]]
    assert len(keys.drop_duplicates()) == len(keys) == 4 * 2 * 2 * 4
    assert set(keys.variable) == set(tiny_windows.variables)


def test_a_collapsed_student_is_at_chance(copied):
    means = copied.table.groupby("metric").collapsed.agg(["min", "max"])
    expected = {"centred_cosine": 0, "cka": 0, "knn_overlap": 4 / 15, "retrieval": 1 / 16}
    for metric, value in expected.items():
        assert means.loc[metric].to_numpy() == pytest.approx(value)


def test_a_copy_of_the_teacher_lies_upon_it_in_the_map(copied):
    for found in copied.maps.values():
        distance = np.linalg.norm(found.teacher - found.student, axis=1)
        assert np.median(distance) < 0.2 * found.teacher.std()
        assert 0.5 < found.teacher_trust <= 1


def test_too_few_windows_for_the_neighbours_are_said(tiny_windows, models):
    with pytest.raises(ValueError, match="do not have 40 neighbours"):
        stage.run(tiny_windows, *models, replace(PARAMS, windows=64, neighbours=40))


def test_main_writes_the_same_table_figures_and_pictures_twice(
    tiny_windows, models, monkeypatch, tmp_path
):
    monkeypatch.setattr(stage.probing, "PENALTIES", [1.0, 10.0])  # each costs time
    monkeypatch.setattr(stage.Windows, "read", classmethod(lambda cls, path: tiny_windows))
    by_name = dict(zip(("teacher", "student", "control"), models, strict=True))
    monkeypatch.setattr(stage.trained, "load", lambda path: by_name[path.name])
    written = []
    for run in ("first", "second"):
        out = tmp_path / run
        stage.main(
            windows=tmp_path,
            **{name: tmp_path / name for name in by_name},
            params=PARAMS,
            pictures=out / "pictures",
            similarity=out / "similarity.csv",
            probe=out / "probe.csv",
            metrics=out / "metrics.json",
        )
        pictures = sorted((out / "pictures").iterdir())
        names = {"encoder_4.png", "encoder_8.png", "attention_4.png", "attention_8.png"}
        assert {path.name for path in pictures} == names
        tables = [out / "similarity.csv", out / "probe.csv", out / "metrics.json"]
        files = [*tables, *pictures]
        written.append([path.read_bytes() for path in files])
    assert written[0] == written[1]

    metrics = json.loads((out / "metrics.json").read_text())
    networks = {"student", "shuffled", "untrained", "collapsed", "control"}
    assert set(metrics["cka"]) == networks | {"difference", "low", "high", "verdicts"}
    assert set(metrics["probe"]["scene"]["sst"]) == {*by_name, "untrained", "frames"}
    assert set(metrics["cka"]["student"]["attention_8"]) == set(tiny_windows.variables)
    assert metrics["cka"]["collapsed"]["mean"] == 0
