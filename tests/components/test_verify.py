"""The stage `verify` on models whose skill is known."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from components.verify import stage
from nephele.evaluation import sampling
from nephele.evaluation.differences import BETTER, NO_EVIDENCE, PAIRS, WORSE
from nephele.evaluation.interventions import strangers
from nephele.params import VerifyParams

PARAMS = VerifyParams(seed=4, windows=16, members=4, resamples=200, examples=3)


@pytest.fixture(scope="module")
def result(tiny_windows, fake_model, fake_forecast):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sampling, "forecast", fake_forecast)
        return _result(tiny_windows, fake_model)


def _result(tiny_windows, fake_model):
    models = {"teacher": fake_model(2.0), "student": fake_model(3.0), "control": fake_model(4.0)}
    return stage.run(tiny_windows, models, PARAMS)


def cell(result, score, forecast, lead="mean"):
    table = result.table
    rows = table[(table.score == score) & (table.forecast == forecast) & (table.lead_hours == lead)]
    assert len(rows) == 1
    return rows.iloc[0]


def test_every_forecast_is_scored_at_every_lead_time_and_on_average(result, tiny_windows):
    crps = result.table[result.table.score == "crps"]
    assert set(crps.forecast) == {
        "teacher",
        "student",
        "control",
        "teacher_shuffled",
        "persistence",
        "optical_flow",
    }
    leads = [*map(str, tiny_windows.lead_hours), "mean"]
    assert all(list(part.lead_hours) == leads for _, part in crps.groupby("forecast"))


def test_scores_of_ensembles_of_known_error_are_their_closed_forms(result):
    # Truth and members lie alike about a centre: CRPS = error × (√(2/π)·√2 − …) of unit normals.
    for name, error in {"teacher": 2.0, "student": 3.0, "control": 4.0}.items():
        assert cell(result, "bias", name).value == pytest.approx(0, abs=0.05)
        # The common error and a quarter of the members' own: the mean of four.
        assert cell(result, "rmse", name).value == pytest.approx(error * 1.25**0.5, rel=0.02)


def test_the_student_half_way_between_control_and_teacher_closes_half_of_the_gap(result):
    share = cell(result, "gap_closed", "student")
    assert share.value == pytest.approx(0.5, abs=0.02)
    assert share.low < 0.5 < share.high
    assert cell(result, "gain_over_control", "teacher").low > 0


def test_every_stated_difference_has_a_verdict_and_known_errors_have_the_right_one(result):
    found = result.differences.query("lead_hours == 'mean' and score == 'crps'")
    verdicts = {(row.forecast, row.against): row.verdict for row in found.itertuples()}
    assert list(verdicts) == list(PAIRS)
    assert verdicts["teacher", "control"] == verdicts["student", "control"] == BETTER
    assert verdicts["student", "teacher"] == WORSE
    # A teacher that makes nothing of ERA5 forecasts the same with that of others.
    assert verdicts["teacher_shuffled", "teacher"] == NO_EVIDENCE


def test_reliable_members_are_called_calibrated_at_every_lead_time(result):
    for name in ("teacher", "student", "control"):
        assert all(found["within"] for found in result.calibration[name].values())
        assert list(result.calibration[name]) == [*map(str, range(3, 25, 3)), "mean"]


def test_without_a_gain_of_the_teacher_no_share_is_claimed(
    tiny_windows, fake_model, fake_forecast, monkeypatch
):
    monkeypatch.setattr(sampling, "forecast", fake_forecast)
    models = {"teacher": fake_model(4.0), "student": fake_model(3.0), "control": fake_model(4.0)}
    result = stage.run(tiny_windows, models, PARAMS)
    assert np.isnan(cell(result, "gap_closed", "student").value)
    assert stage.nested(result.table)["gap_closed"]["student"]["mean"] is None


def test_the_shuffled_teacher_pays_for_the_environment_it_believes(
    tiny_windows, fake_model, fake_forecast, monkeypatch
):
    monkeypatch.setattr(sampling, "forecast", fake_forecast)
    used = fake_model(2.0, pull=(9.0, 0.0, 0.0, 0.0))
    models = {"teacher": used, "student": fake_model(3.0), "control": fake_model(4.0)}
    result = stage.run(tiny_windows, models, PARAMS)
    unused = fake_model(2.0)
    other = stage.run(tiny_windows, {**models, "teacher": unused}, PARAMS)
    changed = [cell(result, "crps", name).value for name in ("teacher", "teacher_shuffled")]
    same = [cell(other, "crps", name).value for name in ("teacher", "teacher_shuffled")]
    assert changed[0] != changed[1]
    assert same[0] == same[1]


def test_every_window_gets_the_environment_of_another_storm():
    storms = np.repeat(["a", "b", "c", "d"], [3, 1, 4, 2])
    partner = strangers(storms, seed=0)
    assert sorted(partner) == list(range(10))
    assert (storms[partner] != storms).all()


def test_with_a_storm_of_more_than_half_the_windows_as_many_as_possible_are_of_another():
    storms = np.repeat(["a", "b"], [7, 3])
    partner = strangers(storms, seed=0)
    assert sorted(partner) == list(range(10))
    assert (storms[partner] == storms).sum() == 7 - 3
    alone = strangers(np.repeat(["a"], 6), seed=0)
    assert (np.abs(alone - np.arange(6)) == 3).all()


def test_examples_hold_truth_and_persistence_of_their_windows(result, tiny_windows):
    examples = result.examples
    assert examples.sizes["window"] == len(set(examples.storm.values)) == 3
    persistence = examples.persistence.values
    assert np.allclose(persistence, examples.past.values[:, -1:])
    error = examples.forecast.sel(network="control") - examples.truth
    assert float(np.sqrt((error**2).mean())) == pytest.approx(4 * 2**0.5, rel=0.02)


def test_main_writes_the_figures_in_their_fixed_shape_and_the_same_ones_twice(
    tiny_windows, fake_model, fake_forecast, monkeypatch, tmp_path
):
    monkeypatch.setattr(sampling, "forecast", fake_forecast)
    monkeypatch.setattr(stage.Windows, "read", classmethod(lambda cls, path: tiny_windows))
    errors = {"teacher": 2.0, "student": 3.0, "control": 4.0}
    monkeypatch.setattr(stage.trained, "load", lambda path: fake_model(errors[path.name]))
    written = []
    for run in ("first", "second"):
        out = tmp_path / run
        stage.main(
            windows=tmp_path / "windows.zarr",
            **{name: tmp_path / name for name in errors},
            params=PARAMS,
            scores=out / "scores.csv",
            pictures=out / "pictures",
            forecasts=out / "forecasts.nc",
            by_window=out / "crps_by_window.csv",
            differences=out / "differences.csv",
            summary=out / "summary.md",
            metrics=out / "metrics.json",
        )
        names = [
            "scores.csv",
            "crps_by_window.csv",
            "differences.csv",
            "summary.md",
            "metrics.json",
            "pictures/scores.png",
            "pictures/spectra.png",
        ]
        written.append([(out / name).read_bytes() for name in names])
    assert written[0] == written[1]

    metrics = json.loads((out / "metrics.json").read_text())
    assert set(metrics["crps"]["student"]) == {*map(str, range(3, 25, 3)), "mean"}
    assert metrics["counts"]["test"] == {"storms": 8, "windows": 16, "members": 4}
    assert "spread_skill" in metrics
    assert metrics["calibration"]["student"]["24"]["statement"].startswith("within 0.8 to 1.2")
    assert set(metrics["spectrum_ratio"]["below_100_km"]["student"]) == set(
        metrics["crps"]["student"]
    )
    assert "persistence" not in metrics["spread_skill"]
    by_window = pd.read_csv(out / "crps_by_window.csv")
    assert by_window.student.mean() == pytest.approx(metrics["crps"]["student"]["mean"], rel=1e-5)
    assert not by_window.duplicated(["storm", "init_time", "lead_hours"]).any()
    assert len(by_window) == 16 * len(tiny_windows.lead_hours)
    kept = xr.open_dataset(out / "forecasts.nc")
    assert kept.forecast.dims == ("window", "network", "member", "lead_time", "y", "x")
    assert kept.forecast.attrs["units"] == "K"


def test_an_empty_test_split_is_said(tiny_windows, fake_model):
    nothing_held_out = replace(tiny_windows, split=np.full(len(tiny_windows.split), "train"))
    with pytest.raises(ValueError, match="no test split"):
        stage.run(nothing_held_out, {"teacher": fake_model(1.0)}, PARAMS)
