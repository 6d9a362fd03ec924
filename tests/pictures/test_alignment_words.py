import pandas as pd
import pytest

from nephele.pictures import alignment_words as say

NAN = float("nan")


def similarities(*rows):
    return pd.DataFrame(rows, columns=["variable", "kind", "low"])


def test_likeness_is_counted_where_all_controls_are_rejected_kind_by_kind():
    rows = ("sst", "encoder", 0.1), ("r", "encoder", -0.1), ("sst", "attention", NAN)
    (said,) = say.likeness(similarities(*rows))
    assert "in 1 of 3 measures of variables (encoder 1 of 2, attention 0 of 1)" in said


@pytest.mark.parametrize("low", [-0.1, NAN])
def test_without_a_rejection_there_is_no_evidence_of_likeness(low):
    (said,) = say.likeness(similarities(("sst", "encoder", low), ("placebo", "encoder", low)))
    assert said.startswith("No evidence")


def test_a_placebo_that_passes_speaks_against_its_kind_of_feature_and_is_not_counted():
    rows = ("sst", "attention", 0.1), ("sst", "encoder", 0.1), ("placebo", "attention", 0.1)
    first, second = say.likeness(similarities(*rows))
    assert "2 of 2" in first
    assert "features of attention" in second
    assert "encoder" not in second


def probed(**margins):
    """By variable, what the student's R² has over the rivals, each known to 0.1."""
    rows = [
        (variable, "scene", who, more, more - 0.1, more + 0.1)
        for variable, each in margins.items()
        for who, more in zip(say.RIVALS, each, strict=True)
    ]
    ends = ["difference", "difference_low", "difference_high"]
    return pd.DataFrame(rows, columns=["variable", "target", "features", *ends])


def test_a_variable_is_seen_only_if_no_rival_tells_as_much_of_it():
    (said,) = say.sight(probed(sst=(0.3, 0.4, 0.5), r=(0.3, 0.4, 0.05)), "scene")
    assert "learnt to see sst in clouds" in said
    assert "sst by 0.30 (95 % interval 0.20 to 0.40)" in said


def test_a_variable_that_a_rival_tells_more_of_is_said_to_be():
    none, less = say.sight(probed(sst=(-0.3, 0.4, 0.5)), "scene")
    assert none.startswith("No evidence")
    assert "less of sst" in less


def test_a_placebo_that_is_read_speaks_against_the_probe():
    _, fault = say.sight(probed(sst=(0.3, 0.4, 0.5), placebo=(0.3, 0.3, 0.3)), "scene")
    assert "finds what is not there" in fault


def test_without_intervals_nothing_is_seen():
    unknown = probed(sst=(0.3, 0.4, 0.5)).assign(difference_low=NAN, difference_high=NAN)
    (said,) = say.sight(unknown, "scene")
    assert said.startswith("No evidence")
