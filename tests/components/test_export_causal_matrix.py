"""The stage `export_causal_matrix` on a teacher whose use of ERA5 is known."""

import base64
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from components.export_causal_matrix import stage, writing
from components.export_causal_matrix.result import COMPARED
from nephele.evaluation import effects
from nephele.evaluation.bootstrap import storm_weights
from nephele.fields.variables import PLACEBO
from nephele.params import CausalMatrixParams
from nephele.windows.spectra import pixels

PARAMS = CausalMatrixParams(seed=2, windows=16, members=2, resamples=200)
PULL = (6.0, 3.0, 0.0, -1.5, 0.1)  # K a unit of sst, msl, z, r and placebo at the last lead time
LEARNED = torch.tensor([[0.1 * v + 0.01 * k for k in range(5)] for v in range(5)])


@pytest.fixture(scope="module")
def placebo_windows(tiny_windows):
    """With a placebo: the last variable of all the windows, from half of them away."""
    there = tiny_windows
    era5 = torch.cat([there.era5, there.era5[:, -1:].roll(len(there.era5) // 2, dims=0)], dim=1)
    return replace(
        there,
        era5=era5,
        valid=torch.ones_like(era5),
        climatology=torch.zeros(era5.shape[1:]),
        variables=(*there.variables, PLACEBO),
    )


@pytest.fixture(scope="module")
def result(placebo_windows, make_tiny_model, fake_model, fake_forecast):
    network = make_tiny_model(placebo_windows, "teacher", seed=0)
    network.network.effect_matrix.average.copy_(LEARNED)
    teacher = fake_model(2.0, pull=PULL)
    object.__setattr__(teacher, "network", network.network)
    object.__setattr__(teacher, "description", network.description)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(effects, "forecast", fake_forecast)
        return stage.run(placebo_windows, teacher, PARAMS)


@pytest.fixture(scope="module")
def with_truth(result):
    """As if the world did what this teacher does."""
    effects = dict(result.effects)
    for (name, dose), matrix in result.effects.items():
        if name == "interventional":
            effects["truth", dose] = matrix
    return replace(result, effects=effects)


def test_the_learned_matrix_is_in_kelvin_of_each_lead(result, tiny_teacher, tiny_windows):
    deviation = pixels(tiny_teacher.description.spectra, tiny_windows.size)
    expected = LEARNED.numpy() * tiny_windows.scales.std * deviation
    assert result.matrices["learned"].values == pytest.approx(expected)
    assert np.isnan(result.matrices["learned"].low).all()


def test_intervention_finds_what_the_teacher_does_with_each_variable(result, placebo_windows):
    chosen = placebo_windows.spread("test", PARAMS.windows)
    last = placebo_windows.samples(chosen).era5[:, :, -1, 0, 0].numpy()  # climatology is 0
    lead = np.arange(1, 6) / 5
    size = np.sqrt((last**2).mean(axis=0))
    expected = np.abs(PULL)[:, None] * size[:, None] * lead
    assert result.matrices["interventional"].values == pytest.approx(expected, rel=1e-4)


def test_the_effect_on_a_linear_teacher_is_the_dose_times_the_whole(result):
    whole = result.matrices["interventional"].values
    for dose in (0.25, 0.5):
        found = result.effects["interventional", dose].values
        assert found == pytest.approx(dose * whole, rel=1e-3, abs=1e-5)


def test_a_teacher_that_reads_the_initial_time_alone_is_moved_by_that_alone(result):
    moved = result.matrices["initial_time"].values
    assert moved == pytest.approx(result.matrices["interventional"].values)


def test_a_variable_that_the_teacher_ignores_has_no_effect_at_all(result):
    for name in ("interventional", "exchanged", "skill_loss"):
        assert result.matrices[name].values[2] == pytest.approx(0, abs=1e-5)


def test_the_placebo_lies_below_what_matters_and_not_below_what_does_not(result):
    over = result.over_placebo()["interventional"]
    assert [name for name, more in over.items() if more.sign > 0] == ["sst", "msl", "r"]
    assert over["z"].sign < 0  # this teacher ignores z and not quite the placebo
    verdicts = writing.metrics(result)["placebo"]["interventional"]
    assert verdicts == {"sst": "below", "msl": "below", "z": "above", "r": "below"}


def test_what_is_the_truth_agrees_with_it_wholly_and_what_is_not_says_so(with_truth, result):
    found = with_truth.rank_correlations()
    assert found.keys() == set(COMPARED)
    perfect = found["interventional"].correlation
    assert (perfect.value, perfect.low, perfect.high) == pytest.approx((1, 1, 1))
    assert found["interventional"].over.sign > 0
    said = with_truth.conclusions()
    assert said[0].startswith("Intervention on the teacher orders the effects")
    assert "does not deserve the name causal" in said[-1]  # A grows from sst to r
    assert result.rank_correlations() == {}
    assert not any("rank correlation" in sentence for sentence in result.conclusions())


def test_intervals_over_storms_hold_the_value(result):
    found = result.matrices["interventional"]
    assert (found.low[:2] < found.values[:2]).all()
    assert (found.values[:2] < found.high[:2]).all()


def test_a_teacher_that_is_led_astray_by_a_variable_does_better_without_it(
    tiny_windows, fake_model, fake_forecast, monkeypatch
):
    monkeypatch.setattr(effects, "forecast", fake_forecast)
    chosen = tiny_windows.spread("test", 16)
    storms = tiny_windows.storm[chosen]
    # The truth has nothing to do with ERA5, so what it adds is error alone.
    found = effects.changes(
        fake_model(0.5, pull=(8.0, 0.0, 0.0, 0.0)),
        tiny_windows,
        chosen,
        {"replaced": effects.to_climatology(tiny_windows)},
        members=2,
        seed=0,
    )["replaced"]
    loss = effects.loss_of_skill(found, storms, storm_weights(storms, 100, 0))
    assert (loss.values[0, -3:] < 0).all()
    assert loss.values[1] == pytest.approx(0, abs=1e-6)


def test_head_effects_of_a_head_that_sees_nothing_are_zero(tiny_windows, tiny_teacher):
    chosen = tiny_windows.spread("test", 8)
    storms = tiny_windows.storm[chosen]
    with torch.no_grad():
        tiny_teacher.network.causal_heads.outward[1].zero_()
    weights = storm_weights(storms, 50, 0)
    found = effects.head_effects(tiny_teacher, tiny_windows, chosen, storms, weights, seed=0)
    assert (found.values[1] == 0).all()
    assert (found.values[0] > 0).all()


def test_frames_themselves_have_one_scale_at_every_lead(tiny_windows, tiny_teacher):
    noise = replace(tiny_teacher, description=replace(tiny_teacher.description, mode="noise"))
    assert effects.in_kelvin(noise, np.ones((4, 5))) == pytest.approx(
        np.full((4, 5), tiny_windows.scales.std)
    )


def test_main_writes_one_row_a_variable_and_one_column_a_lead_time(
    with_truth, tiny_windows, monkeypatch, tmp_path
):
    result = with_truth
    monkeypatch.setattr(stage.Windows, "read", classmethod(lambda cls, path: tiny_windows))
    monkeypatch.setattr(stage.trained, "load", lambda path: None)
    monkeypatch.setattr(stage, "run", lambda *given: result)
    names = {
        "matrix": "causal_effect_matrix.csv",
        "entries": "effects.csv",
        "details": "causal_effect_matrix.json",
        "heat_map": "heat_map.png",
        "dose_response": "dose_response.png",
        "page": "causal_effect_matrix.html",
        "metrics": "metrics.json",
    }
    paths = {key: tmp_path / name for key, name in names.items()}
    stage.main(windows=tmp_path, teacher=tmp_path, params=PARAMS, **paths)

    matrix = pd.read_csv(paths["matrix"], index_col="variable")
    assert list(matrix.index) == ["sst", "msl", "z", "r"]
    assert list(matrix.columns) == ["3", "6", "9", "12", "15"]
    assert matrix.to_numpy() == pytest.approx(result.matrices["learned"].values[:4], rel=1e-5)
    entries = pd.read_csv(paths["entries"]).set_index(["matrix", "dose", "variable", "lead_hours"])
    assert len(entries) == 25 * len(result.effects)
    half = result.effects["interventional", 0.5]
    assert entries.high["interventional", 0.5, "sst", 15] == pytest.approx(
        half.high[0, 4], rel=1e-5
    )
    details = json.loads(paths["details"].read_text())
    assert details["units"] == "K"
    assert details["matrices"]["learned"]["low"]["sst"]["3"] is None
    assert details["conclusions"] == result.conclusions()
    figures = json.loads(paths["metrics"].read_text())
    assert figures["interventional"]["z"] == pytest.approx(0)
    assert figures["rank_correlation"]["interventional"]["value"] == pytest.approx(1)
    page = paths["page"].read_text()
    for picture in ("heat_map", "dose_response"):
        png = paths[picture].read_bytes()
        assert png.startswith(b"\x89PNG")
        assert base64.b64encode(png).decode() in page
