"""The probe on features of which it is known what they hold."""

from dataclasses import replace

import numpy as np
import pytest
import small
import torch
from known_windows import make_windows

from nephele.evaluation import probe

TRAINING, TEST = np.repeat(np.arange(30), 6), np.repeat(np.arange(30, 50), 6)
WIDTH = 400  # more features than windows, as networks have them


def anomalies(storms, seed):
    """One number a scene that storms remember, and its quarters, which differ a little."""
    generator = np.random.default_rng(seed)
    scene = generator.standard_normal(storms.max() + 1)[storms] * 0.8
    scene = scene + 0.6 * generator.standard_normal(len(storms))
    return scene[:, None] + 0.3 * generator.standard_normal((len(storms), 4))


def probed(holding, **others):
    """R² of the placebo and of sst; `holding` is how the student's features come of sst's."""
    fields, features = [], []
    for storms, seed in ((TRAINING, 1), (TEST, 2)):
        sst, placebo = anomalies(storms, seed), anomalies(storms, seed + 10)
        quarters = np.stack([sst, placebo], axis=1)
        fields.append({"scene": quarters.mean(axis=2, keepdims=True), "quarters": quarters})
        made = {"student": holding, **others}
        features.append({who: make(sst, seed) for who, make in made.items()})
    found = probe.probe(
        features[0],
        features[1],
        fields[0],
        fields[1],
        TRAINING,
        TEST,
        ("sst", "placebo"),
        resamples=300,
        seed=0,
    )
    return found.set_index(["variable", "target", "features"])


def linear(quarters, seed):
    mixing = np.random.default_rng(0).standard_normal((4, WIDTH))
    return 5 + quarters @ mixing


def unrelated(quarters, seed):
    return np.random.default_rng(seed + 100).standard_normal((len(quarters), WIDTH))


@pytest.fixture(scope="module")
def found():
    return probed(linear, control=unrelated, copy=linear)


@pytest.mark.parametrize("target", ["scene", "quarters"])
def test_a_field_that_the_features_hold_linearly_is_read_whole(found, target):
    assert found.loc["sst", target, "student"].r2 == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("target", ["scene", "quarters"])
@pytest.mark.parametrize("case", [("sst", "control"), ("placebo", "student")])
def test_a_field_that_the_features_do_not_hold_is_not_read(found, target, case):
    variable, features = case
    row = found.loc[variable, target, features]
    assert -0.3 < row.r2 < 0.03
    assert row.low < 0


def test_the_student_is_above_a_control_that_knows_nothing_and_not_where_there_is_nothing(found):
    assert found.loc["sst", "scene", "control"].difference_low > 0.9
    placebo = found.loc["placebo", "scene", "control"]
    assert placebo.difference_low < 0 < placebo.difference_high


def test_a_difference_is_paired_so_a_copy_of_the_student_differs_by_nothing(found):
    rows = found.xs("copy", level="features")
    assert (rows[["difference", "difference_low", "difference_high"]] == 0).all(axis=None)
    assert rows.r2.to_numpy() == pytest.approx(found.xs("student", level="features").r2.to_numpy())


def test_noise_in_a_feature_costs_its_share_of_the_variance():
    def blurred(quarters, seed):
        scene = quarters.mean(axis=1, keepdims=True)
        noise = np.random.default_rng(seed + 200).standard_normal(scene.shape)
        return scene + scene.std() * noise

    # A field of variance 1 seen with an error of variance 1: half of it can be known.
    row = probed(blurred).loc["sst", "scene", "student"]
    assert row.r2 == pytest.approx(0.5, abs=0.1)
    assert row.low < 0.5 < row.high


def test_features_of_any_scale_are_read_alike(found):
    def scaled(quarters, seed):
        return 1e4 * linear(quarters, seed)

    rescaled = probed(scaled).xs("student", level="features").r2
    assert rescaled.to_numpy() == pytest.approx(
        found.xs("student", level="features").r2.to_numpy(), abs=1e-9
    )


def test_no_storm_is_on_both_sides_where_the_penalty_is_chosen():
    folds = probe._folds(TRAINING)
    assert len(folds) == probe.FOLDS
    for fitted, scored in folds:
        assert not set(TRAINING[fitted]) & set(TRAINING[scored])
        assert len(fitted) + len(scored) == len(TRAINING)


def test_a_single_storm_is_cut_into_parts_of_its_life():
    for _, scored in probe._folds(np.zeros(20)):
        assert scored.tolist() == list(range(scored[0], scored[0] + 4))


def test_json_has_the_tables_figures_and_null_where_there_are_none(found):
    rows = found.reset_index()
    rows.loc[rows.features == "control", "low"] = np.nan
    values = probe.headline(rows)
    row = found.loc["sst", "quarters", "student"]
    assert values["quarters"]["sst"]["student"]["r2"] == pytest.approx(row.r2, rel=1e-5)
    assert values["quarters"]["sst"]["control"]["low"] is None


def test_fields_are_means_of_the_anomaly_over_what_is_valid():
    windows = make_windows(storms=1, frames=12)
    era5, valid = torch.zeros_like(windows.era5), torch.ones_like(windows.valid)
    climatology = torch.full_like(windows.climatology, 0.5)
    era5[:, 0, :16] = (
        1.5  # the first two quarters are 1 above the climatology, the others 0.5 below
    )
    era5[:, 1] = 2.5
    valid[:, 1, :, 16:] = 0  # half of the scene is land, with nonsense on it
    era5[:, 1, :, 16:] = 99.0
    valid[:, 2] = 0
    era5[:3] = 7.0  # earlier than the last history time
    given = replace(windows, era5=era5, valid=valid, climatology=climatology)
    found = probe.fields(given, np.array([0]))
    assert found["scene"][0, :3, 0] == pytest.approx([0.25, 2.0, 0.0])
    assert found["quarters"][0, :3] == pytest.approx(
        np.array([[1.0, 1.0, -0.5, -0.5], [2.0, 0.0, 2.0, 0.0], [0.0] * 4])
    )


def test_features_know_the_history_and_nothing_of_what_is_to_be_forecast():
    windows = make_windows(storms=1, frames=12)
    model = small.model("student")
    chosen = np.array([0])
    known = probe.network_features(model, windows, chosen, seed=1)
    later, earlier = windows.frames.clone(), windows.frames.clone()
    later[windows.history :] += 3.0
    earlier[: windows.history] += 3.0
    assert np.array_equal(
        probe.network_features(model, replace(windows, frames=later), chosen, seed=1), known
    )
    assert not np.allclose(
        probe.network_features(model, replace(windows, frames=earlier), chosen, seed=1), known
    )


def test_noise_is_the_same_for_all_windows():
    windows = make_windows(storms=2, frames=16)
    model = small.model("student")
    both = probe.network_features(model, windows, np.array([3, 7]), seed=1)
    alone = probe.network_features(model, windows, np.array([7]), seed=1)
    assert both[1] == pytest.approx(alone[0], abs=1e-4)


def test_frames_are_summed_up_in_cells():
    windows = make_windows(storms=1, frames=12)
    frames = torch.zeros_like(windows.frames)
    frames[2, :8, 8:16] = 4.0  # the second cell of the third frame
    found = probe.frame_means(replace(windows, frames=frames), np.array([0]))[0]
    assert np.flatnonzero(found).tolist() == [2 * 16 + 1]
    assert found.max() == pytest.approx(4.0)
