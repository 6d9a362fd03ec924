import pytest

from nephele.pictures import headlines
from nephele.pictures.headlines import Estimate, listed, number

ABOVE = Estimate(0.3, 0.1, 0.5)
BELOW = Estimate(-0.3, -0.5, -0.1)
AROUND = Estimate(0.3, -0.1, 0.7)
UNKNOWN = Estimate(0.3)
SHARE = Estimate(0.4, 0.2, 0.6)
SPACE = "\N{NO-BREAK SPACE}"
FIGURES = f"0.30{SPACE}K (95 % interval 0.10 to 0.50{SPACE}K)"


@pytest.mark.parametrize(("estimate", "sign"), [(ABOVE, 1), (BELOW, -1), (AROUND, 0), (UNKNOWN, 0)])
def test_an_estimate_has_a_sign_only_where_its_interval_lies_on_one_side_of_zero(estimate, sign):
    assert estimate.sign == sign
    assert (-estimate).sign == -sign


def test_an_estimate_turned_round_has_its_ends_turned_too():
    assert -ABOVE == BELOW
    assert BELOW.size == ABOVE == ABOVE.size
    assert ABOVE.times(10) == Estimate(3.0, 1.0, 5.0)


def test_skill_that_is_shown_is_claimed_with_its_figures_baseline_by_baseline():
    said = headlines.skill(2.0, "24", {"persistence": ABOVE, "optical flow": BELOW})

    assert f"beats persistence by {FIGURES}" in said
    assert f"is worse than optical flow by {FIGURES}" in said
    assert "up to 24 h" in said
    assert "evidence" not in said


@pytest.mark.parametrize("gain", [AROUND, UNKNOWN])
def test_skill_that_other_storms_might_not_show_is_no_evidence(gain):
    said = headlines.skill(2.0, "24", {"persistence": gain})

    assert "no evidence" in said


def test_skill_beside_nothing_is_no_evidence():
    assert "No evidence" in headlines.skill(2.0, "24", {})


def test_what_era5_gave_is_claimed_with_its_share_of_the_error():
    said = headlines.privilege(ABOVE, control=5.0, climatological=False)

    assert said.startswith("ERA5 helped")
    assert FIGURES in said
    assert "6 % of the control's error" in said


def test_a_teacher_worse_than_the_control_is_called_worse_in_words():
    said = headlines.privilege(BELOW, control=5.0, climatological=False)

    assert said.startswith("ERA5 did not help")
    assert "is worse than the control" in said
    assert FIGURES in said


@pytest.mark.parametrize("gap", [AROUND, UNKNOWN])
def test_a_gain_from_era5_that_is_not_shown_is_no_evidence(gap):
    said = headlines.privilege(gap, control=5.0, climatological=False)

    assert said.startswith("No evidence")


def test_a_share_that_is_shown_is_claimed_beside_the_students_own_gain():
    said = headlines.kept(SHARE, ABOVE, gap=ABOVE, climatological=False)

    assert f"keeps 40{SPACE}% (95 % interval 20 to 60{SPACE}%)" in said
    assert f"beats the control by {FIGURES}" in said


@pytest.mark.parametrize("share", [-SHARE, Estimate(-0.4, -0.9, 0.1)])
def test_a_student_worse_than_the_control_is_called_worse_in_words(share):
    said = headlines.kept(share, BELOW, gap=ABOVE, climatological=False)

    assert "kept none" in said
    assert f"is worse than the control by {FIGURES}" in said
    assert "%" not in said.replace("95 %", "")


@pytest.mark.parametrize("share", [AROUND, UNKNOWN])
def test_a_share_whose_interval_includes_zero_is_no_evidence(share):
    said = headlines.kept(share, AROUND, gap=ABOVE, climatological=False)

    assert said.startswith("No evidence")
    assert "no evidence of beating the control" in said


@pytest.mark.parametrize("gap", [BELOW, AROUND, UNKNOWN])
def test_without_a_gain_of_the_teacher_no_share_is_claimed_and_a_worse_student_still_is(gap):
    said = headlines.kept(SHARE, BELOW, gap=gap, climatological=False)

    assert "no share is claimed" in said
    assert "40" not in said
    assert "is worse than the control" in said


def test_in_a_climatological_environment_neither_gain_nor_share_is_claimed():
    assert "nothing can be concluded" in headlines.privilege(ABOVE, 5.0, climatological=True)
    said = headlines.kept(SHARE, ABOVE, gap=ABOVE, climatological=True)
    assert "No share" in said
    assert "40" not in said


@pytest.mark.parametrize(
    ("value", "text"), [(-0.5, "−0.50"), (-0.001, "0.00"), (float("nan"), "–"), (1.0, "1.00")]
)
def test_numbers_have_a_true_minus_no_negative_zero_and_a_dash_where_there_is_none(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("names", "text"), [(["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_names_are_listed_as_one_says_them(names, text):
    assert listed(names) == text
