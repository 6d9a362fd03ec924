import pytest

from nephele.pictures.calibration_words import trust
from nephele.pictures.headlines import Estimate

POWER = Estimate(1.0, 0.9, 1.1)
SPACE = "\N{NO-BREAK SPACE}"


def entry(ratio, sure=True, index=0.05):
    return {
        "spread_skill": ratio,
        "low": ratio - 0.05 if sure else None,
        "high": ratio + 0.05 if sure else None,
        "within": 0.8 <= ratio <= 1.2,
        "sure": sure,
        "reliability_index": index,
        "perfect_most": 0.1,
    }


def calibrated(*ratios, **about):
    """Lead times of 3, 6, … h."""
    leads = {str(3 * step): entry(ratio, **about) for step, ratio in enumerate(ratios, start=1)}
    return leads | {"mean": entry(sum(ratios) / len(ratios), **about)}


def test_a_spread_that_is_shown_to_be_right_can_be_taken_for_the_error():
    said = trust(calibrated(0.95, 1.05), POWER)

    assert "can be taken for its error at every lead time" in said
    assert "is 1.00 (95 % interval 0.95 to 1.05) in the mean" in said
    assert "no evidence against it" in said
    assert "too small" not in said


def test_lead_times_are_told_apart():
    said = trust(calibrated(0.5, 0.6, 1.0, 1.0, 1.0, 1.5), POWER)

    assert f"too small for its error at +3 and +6{SPACE}h" in said
    assert f"can be taken for its error at +9 to +15{SPACE}h" in said
    assert f"too large for its error at +18{SPACE}h" in said


@pytest.mark.parametrize("ratio", [1.0, 0.5])
def test_without_an_interval_the_spread_is_evidence_of_nothing(ratio):
    said = trust(calibrated(ratio, ratio, sure=False), Estimate(5.0))

    assert "gives no evidence either way at every lead time" in said
    assert "(no interval)" in said
    assert "no evidence that a member is too noisy" in said


def test_ranks_less_even_than_chance_allows_are_said_to_be():
    said = trust(calibrated(1.0, 1.0, index=0.3), POWER)

    assert f"less even than chance allows at every lead time (at +3{SPACE}h index 0.30" in said


def test_figures_of_uneven_ranks_are_those_of_their_lead_time():
    by_lead = calibrated(1.0, 1.0) | {"3": entry(1.0, index=0.2)}
    said = trust(by_lead, POWER)

    assert f"less even than chance allows at +3{SPACE}h (index 0.20, of perfect" in said
    assert "up to 0.10 in 95 % of cases" in said


@pytest.mark.parametrize(
    ("power", "told"),
    [
        (Estimate(3.0, 2.0, 4.0), "noise in part"),
        (Estimate(0.5, 0.4, 0.6), "too smooth"),
        (Estimate(1.5, 0.9, 2.0), "no evidence that a member is too noisy or too smooth"),
    ],
)
def test_what_a_members_detail_is_worth_is_said_of_its_power_in_short_waves(power, told):
    assert told in trust(calibrated(1.0), power)


def test_an_undefined_ratio_is_no_evidence():
    undefined = {**entry(1.0, sure=False), "spread_skill": None, "within": False}

    assert "no evidence either way" in trust({"3": undefined, "mean": undefined}, POWER)


def test_an_ensemble_that_nobody_checked_is_no_evidence():
    assert trust({}, POWER).startswith("No evidence")
