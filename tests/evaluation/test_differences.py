"""Differences of forecasts whose statistics are made up, so that they are known."""

import numpy as np
import pytest

from nephele.evaluation.differences import BETTER, NO_EVIDENCE, PAIRS, WORSE, differences
from nephele.evaluation.verification import Design

STORMS, EACH, LEADS = 12, 3, (3, 6)


def design(storms=STORMS, seed=0):
    return Design(np.repeat(np.arange(storms), EACH), LEADS, resamples=400, seed=seed)


def difficulty(storms=STORMS, seed=0):
    """What windows are like, (window, lead): storms differ by far more than forecasts do."""
    generator = np.random.default_rng(seed)
    storm = np.repeat(generator.gamma(4.0, 2.5, size=(storms, 1)), EACH, axis=0)
    return storm * generator.uniform(0.8, 1.2, size=(storms * EACH, len(LEADS)))


def forecast(errors):
    return {"crps": errors, "squared_error": errors**2}


def row(found, forecast, against, lead="mean", score="crps"):
    chosen = (found.forecast == forecast) & (found.against == against) & (found.score == score)
    (only,) = found[chosen & (found.lead_hours == lead)].itertuples()
    return only


def test_what_is_better_by_the_same_everywhere_is_so_with_certainty():
    hard = difficulty()
    found = differences({"student": forecast(hard - 0.1), "control": forecast(hard)}, design())
    for lead in ("3", "6", "mean"):
        only = row(found, "student", "control", lead)
        assert [only.value, only.low, only.high] == pytest.approx([-0.1] * 3)
        assert only.verdict == BETTER
    assert hard.std() > 30 * 0.1


def test_the_other_way_round_it_is_worse():
    hard = difficulty()
    found = differences(
        {"a": forecast(hard + 0.1), "b": forecast(hard)}, design(), [("a", "b"), ("b", "a")]
    )
    there, back = row(found, "a", "b"), row(found, "b", "a")
    assert (there.verdict, back.verdict) == (WORSE, BETTER)
    assert (back.low, back.high) == pytest.approx((-there.high, -there.low))


def test_a_difference_of_rmse_is_that_of_the_roots_and_not_the_root_of_a_difference():
    hard = difficulty()
    found = differences({"student": forecast(1.5 * hard), "control": forecast(hard)}, design())
    expected = 0.5 * np.sqrt((hard**2).mean(axis=0))
    assert row(found, "student", "control", "6", "rmse").value == pytest.approx(expected[1])
    assert row(found, "student", "control", "mean", "rmse").value == pytest.approx(expected.mean())


def test_chance_alone_is_called_evidence_as_rarely_as_the_intervals_say():
    generator = np.random.default_rng(1)
    called = 0
    for trial in range(200):
        hard = difficulty(seed=trial)
        # What a storm does to a forecast, it does to all of its windows.
        luck = np.repeat(generator.standard_normal((STORMS, len(LEADS))), EACH, axis=0)
        found = differences(
            {"student": forecast(hard + luck), "control": forecast(hard)}, design(seed=trial)
        )
        called += row(found, "student", "control").verdict != NO_EVIDENCE
    # A binomial of 200 and 0.05 is larger in 1 of 200 cases; windows as clusters would give 90.
    assert 2 <= called <= 19


def test_few_storms_are_no_evidence_whatever_the_difference():
    hard = difficulty(storms=4)
    pair = {"student": forecast(hard - 5), "control": forecast(hard)}
    only = row(differences(pair, design(storms=4)), "student", "control")
    assert only.value == pytest.approx(-5)
    assert only.verdict == NO_EVIDENCE
    assert np.isnan([only.low, only.high]).all()


def test_a_pair_that_lacks_a_forecast_is_left_out_and_no_other():
    hard = difficulty()
    found = differences(
        {name: forecast(hard) for name in ("student", "control", "persistence")}, design()
    )
    expected = [
        pair for pair in PAIRS if not {"teacher", "teacher_shuffled", "optical_flow"} & {*pair}
    ]
    stated = found[["forecast", "against"]].drop_duplicates().itertuples(index=False)
    assert [tuple(pair) for pair in stated] == expected
