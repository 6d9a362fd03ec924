import pytest

from nephele.pictures import headlines
from nephele.pictures.headlines import Estimate, number

ABOVE = Estimate(0.3, 0.1, 0.5)
BELOW = Estimate(-0.3, -0.5, -0.1)
AROUND = Estimate(0.3, -0.1, 0.7)
UNKNOWN = Estimate(0.3)

CRPS = {"3": 1.0, "24": 3.0, "mean": 2.0}
WORSE = {"3": 2.0, "24": 4.0, "mean": 3.0}


@pytest.mark.parametrize(("estimate", "sign"), [(ABOVE, 1), (BELOW, -1), (AROUND, 0), (UNKNOWN, 0)])
def test_an_estimate_has_a_sign_only_where_its_interval_lies_on_one_side_of_zero(estimate, sign):
    assert estimate.sign == sign


def test_a_gain_whose_interval_excludes_zero_is_claimed_with_its_figures():
    said = headlines.skill("student", CRPS, WORSE, Estimate(1.0, 0.8, 1.2))

    assert (
        "better by 1.00\N{NO-BREAK SPACE}K (95 % interval 0.80 to 1.20\N{NO-BREAK SPACE}K)" in said
    )
    assert "every lead time" in said


@pytest.mark.parametrize("gain", [AROUND, UNKNOWN])
def test_skill_that_other_storms_might_not_show_is_not_claimed(gain):
    said = headlines.skill("student", CRPS, WORSE, gain)

    assert "no evidence" in said or "too few" in said


def test_a_network_worse_than_persistence_is_called_worse_by_a_positive_amount():
    said = headlines.skill("student", WORSE, CRPS, Estimate(-1.0, -1.2, -0.8))

    assert "worse by 1.00\N{NO-BREAK SPACE}K (95 % interval 0.80 to 1.20" in said
    assert "0 of 2 lead times" in said


def test_a_gap_and_a_share_above_zero_are_claimed():
    helped, kept = headlines.privilege(ABOVE, Estimate(0.4, 0.2, 0.6), climatological=False)

    assert helped.startswith("ERA5 helped")
    assert "closes 40" in kept


@pytest.mark.parametrize("gap", [BELOW, AROUND, UNKNOWN])
def test_without_a_gap_nothing_is_claimed_of_the_student(gap):
    said = headlines.privilege(gap, Estimate(0.4, 0.2, 0.6), climatological=False)

    assert len(said) == 1
    assert not said[0].startswith("ERA5 helped")
    assert "40" not in said[0]
    assert "share" in said[0]


@pytest.mark.parametrize("share", [AROUND, UNKNOWN, BELOW])
def test_a_share_whose_interval_includes_zero_is_no_evidence(share):
    _, kept = headlines.privilege(ABOVE, share, climatological=False)

    assert "No evidence" in kept or "closes nothing" in kept


def test_in_a_climatological_environment_no_gap_is_ever_claimed():
    said = headlines.privilege(ABOVE, Estimate(0.4, 0.2, 0.6), climatological=True)

    assert len(said) == 1
    assert "nothing can be concluded about what ERA5 adds" in said[0]


def test_only_variables_without_which_the_error_grows_are_said_to_help():
    helps = {"sst": Estimate(2.0, 1.5, 2.5), "r": AROUND, "z": UNKNOWN, "msl": BELOW}

    said = headlines.influence(helps, "15", climatological=False)

    assert "grows without sst by 2.00" in said
    assert "No evidence at 15 h that r, z helps" in said
    assert "shrinks without msl" in said


def test_in_a_climatological_environment_no_variable_is_said_to_matter():
    said = headlines.influence({"sst": ABOVE}, "15", climatological=True)

    assert "cannot be concluded" in said
    assert "sst" not in said


def test_a_student_no_closer_than_its_controls_is_no_evidence_of_alignment():
    close = headlines.alignment(0.8, {"control": 0.5, "shuffled": 0.0}, closer=14, cases=16)
    not_close = headlines.alignment(0.5, {"control": 0.5, "shuffled": 0.0}, closer=3, cases=16)

    assert "exceeds every control in 14 of 16 cases" in close
    assert "no evidence of alignment" in not_close


@pytest.mark.parametrize(
    ("value", "text"), [(-0.5, "−0.50"), (-0.001, "0.00"), (float("nan"), "–"), (1.0, "1.00")]
)
def test_numbers_have_a_true_minus_no_negative_zero_and_a_dash_where_there_is_none(value, text):
    assert number(value) == text
