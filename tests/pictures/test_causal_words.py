import pytest

from nephele.pictures import causal_words as say
from nephele.pictures.causal_words import Agreement
from nephele.pictures.headlines import Estimate

ABOVE, AROUND, BELOW = Estimate(0.4, 0.2, 0.6), Estimate(0.1, -0.2, 0.4), Estimate(-0.4, -0.6, -0.2)
UNKNOWN = Estimate(0.9)
GOOD = Agreement(Estimate(0.85, 0.7, 0.9), ABOVE)


@pytest.mark.parametrize(
    ("agreement", "told"),
    [
        (GOOD, "teacher orders the effects"),
        (Agreement(Estimate(0.7, 0.4, 0.9), ABOVE), "is not shown to order"),
        (Agreement(Estimate(0.85, 0.7, 0.9), AROUND), "is not shown to order"),  # lead time does it
        (Agreement(UNKNOWN, UNKNOWN), "is not shown to order"),  # too few storms
    ],
)
def test_order_is_claimed_only_of_a_clear_agreement_that_lead_time_does_not_explain(
    agreement, told
):
    sentence = say.order(agreement)
    assert told in sentence
    assert agreement.correlation.text() in sentence


def test_the_placebo_is_said_to_lie_below_only_what_it_is_shown_to():
    sentence = say.placebo({"sst": ABOVE, "msl": AROUND, "r": ABOVE})
    assert "the placebo does less than sst and r." in sentence
    assert "It is not shown to do less than msl (msl: 0.10" in sentence
    assert "not shown" not in say.placebo({"sst": ABOVE})
    assert "does less than sst." not in say.placebo({"sst": BELOW}).replace("to do less", "")


def test_growth_with_the_dose_needs_every_step():
    growth = {"sst": [ABOVE, ABOVE], "z": [ABOVE, AROUND], "r": [ABOVE, BELOW], "q": [UNKNOWN]}
    assert say.doses("the forecast", growth) == (
        "The change of the forecast grows with each step of the dose of sst. "
        "It shrinks with a step of the dose of r. "
        "Growth of the forecast's change with the dose is not shown for z and q."
    )


@pytest.mark.parametrize(
    ("agreement", "over"),
    [
        (Agreement(Estimate(0.6, 0.45, 0.7), ABOVE), {"sst": ABOVE}),
        (Agreement(Estimate(0.6, 0.55, 0.7), BELOW), {"sst": ABOVE}),
        (GOOD, {"sst": ABOVE, "r": AROUND}),
        (Agreement(UNKNOWN, UNKNOWN), {}),
        (None, {"sst": AROUND}),
    ],
)
def test_one_failure_takes_the_name_causal_from_the_learned_matrix(agreement, over):
    assert "does not deserve the name causal" in say.learned(agreement, over)


def test_a_learned_matrix_that_stood_everything_is_not_condemned():
    sentence = say.learned(GOOD, {"sst": ABOVE})
    assert "deserve" not in sentence
    assert "its placebo does less than sst" in sentence


def test_without_a_truth_and_a_placebo_nothing_is_said_either_way():
    assert say.learned(None, {}).startswith("Nothing says whether")


EFFECTS = {
    "sst": {"3": Estimate(1.0, 0.8, 1.2), "15": Estimate(4.0, 3.0, 5.0)},
    "r": {"3": Estimate(5.0, 4.0, 6.0), "15": Estimate(6.0, 5.0, 7.0)},
}
HELPS = {name: dict.fromkeys(("3", "15"), ABOVE) for name in EFFECTS}


def test_what_mattered_is_the_strongest_of_those_above_the_placebo_where_it_is_strongest():
    said = say.influence(EFFECTS, HELPS, {"sst": ABOVE, "r": AROUND}, GOOD)

    # r changes the forecast more, but no more than a placebo might.
    assert "depends most on sst, most of all at +15 h" in said
    assert EFFECTS["sst"]["15"].text(units="K") in said
    assert f"its RMSE grows by {ABOVE.text(units='K')}" in said
    assert "stayed below sst, and is not shown to stay below r" in said
    assert "agrees with the truth" in said


def test_a_variable_that_misleads_and_one_that_may_not_help_are_said_to():
    over = {"sst": ABOVE, "r": AROUND}
    harms = say.influence(EFFECTS, {**HELPS, "sst": {"15": BELOW}}, over, None)
    may_not = say.influence(EFFECTS, {**HELPS, "sst": {"15": AROUND}}, over, None)

    assert f"RMSE shrinks without it, by {ABOVE.text(units='K')}" in harms
    assert "no evidence that its RMSE grows" in may_not


@pytest.mark.parametrize("over", [AROUND, UNKNOWN])
def test_nothing_above_the_placebo_is_no_evidence_of_any_variable(over):
    said = say.influence(EFFECTS, HELPS, {"sst": over, "r": AROUND}, GOOD)

    assert said.startswith("No evidence that any variable mattered")
    assert "depends most" not in said


def test_of_variables_that_are_not_told_from_the_placebo_the_nearest_to_it_is_named():
    unknown = {"sst": Estimate(0.1), "r": Estimate(0.9)}
    assert "nearest is r, with 0.90" in say.influence(EFFECTS, HELPS, unknown, None)
    open_ = {"sst": Estimate(0.1, -0.1, 0.3), "r": Estimate(0.9, -2.0, 4.0)}
    assert "nearest is sst" in say.influence(EFFECTS, HELPS, open_, None)


def test_a_placebo_above_a_variable_is_said_to_be():
    said = say.influence(EFFECTS, HELPS, {"sst": BELOW, "r": AROUND}, None)

    assert said.startswith("No evidence")
    assert "it does even more than sst" in said


def test_without_a_placebo_there_is_no_evidence_that_a_variable_mattered():
    said = say.influence(EFFECTS, HELPS, {}, None)

    assert said.startswith("No evidence")
    assert "no placebo" in said
    assert "truth" not in said


@pytest.mark.parametrize(
    ("agreement", "told"),
    [
        (GOOD, "agrees with the truth"),
        (Agreement(AROUND, AROUND), "no evidence that the order of all effects is the true one"),
        (Agreement(UNKNOWN, UNKNOWN), "no evidence that the order"),
        (Agreement(BELOW, BELOW), "contradicts the truth"),
    ],
)
def test_agreement_with_the_truth_is_said_as_it_is_shown(agreement, told):
    said = say.influence(EFFECTS, HELPS, {"sst": ABOVE, "r": ABOVE}, agreement)

    assert told in said
    assert agreement.correlation.text() in said
