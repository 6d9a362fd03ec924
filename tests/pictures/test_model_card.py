"""Model cards of runs whose figures are known."""

import numpy as np
import pandas as pd
import pytest
import yaml
from report_files import PARAMETERS, calibration, crps_of, differences, scores

from nephele.pictures import model_card
from nephele.pictures.evidence import Evidence
from nephele.pictures.summaries import scores_in_markdown

ATTRIBUTES = {
    "source": "digital_typhoon",
    "environment": "analysis",
    "split_by": "storm",
    "attribution": "frames by somebody",
    **{"history": 4, "rollout": 8, "spacing_hours": 3, "cell_km": 20.0},
}


def evidence(student=4.0, synthetic=0, storms=18, **attributes):
    crps = crps_of(0.5, student)
    tables = [
        table.assign(storms=storms, windows=48) for table in (scores(crps, 0.5), differences(crps))
    ]
    if storms < 5:
        tables = [table.assign(low=np.nan, high=np.nan) for table in tables]
    ledger, compared = tables
    sections = yaml.safe_load(PARAMETERS.read_text())
    return Evidence(
        attributes={**ATTRIBUTES, "synthetic": synthetic, **attributes},
        windows=pd.DataFrame({"storm": ["a", "a", "b", "c"], "split": ["train"] * 3 + ["test"]}),
        regridding={},
        training={"student": {"parameters": 3123456, "sampling_steps": 5}},
        causal={},
        similarity=pd.DataFrame(),
        probe=pd.DataFrame(),
        tsne={},
        scores=ledger,
        differences=compared,
        verification={
            "counts": {"test": {"storms": storms, "windows": 48}},
            "calibration": calibration(storms),
        },
        parameters=sections,
    )


def joined(found):
    return "\n".join(model_card.limits(found))


def test_a_student_that_beats_all_others_has_no_limit_beside_them():
    told = joined(evidence(student=4.0))
    assert "Worse" not in told
    assert "No evidence that it is better" not in told


def test_one_score_at_one_lead_time_that_is_worse_is_a_limit_with_its_figure():
    found = evidence(student=4.0)
    rows = found.differences
    chosen = (rows.score == "rmse") & (rows.against == "optical_flow") & (rows.lead_hours == "3")
    rows.loc[chosen, ["value", "low", "high"]] = (0.42, 0.1, 0.7)

    told = joined(found)

    assert "Worse than optical flow in RMSE at +3 h; most at +3 h, by 0.42" in told
    assert "Worse than optical flow in CRPS" not in told


def test_worse_than_the_control_and_not_shown_better_than_optical_flow_are_limits():
    found = evidence(student=5.2)
    told = joined(found)
    assert "Worse than the control without a teacher in CRPS at +3, +6" in told
    assert "and in the mean over lead times" in told
    assert "No evidence that it is better than persistence" not in told
    assert "No evidence that it is better than optical flow" in joined(evidence(student=4.85))


def test_with_too_few_storms_the_limit_is_that_nothing_is_known():
    told = joined(evidence(student=9.0, storms=4))
    assert "4 test storms are too few for intervals" in told
    assert "Worse" not in told


@pytest.mark.parametrize(
    ("attributes", "told"),
    [
        ({"synthetic": 1}, "SYNTHETIC: every figure here is of a simulated world"),
        ({"environment": "climatology"}, "cannot teach what ERA5 tells"),
        ({"split_by": "time"}, "nothing of a new storm"),
    ],
)
def test_what_the_data_do_not_allow_is_a_limit_where_it_holds_and_only_there(attributes, told):
    assert told in joined(evidence(**attributes))
    assert told not in joined(evidence())


def test_noisy_members_are_a_limit_and_a_spread_that_is_surely_right_is_none():
    told = joined(evidence())
    assert "members are noisy below 100 km, with 1.50 times" in told
    assert "Spread over error" not in told
    assert "Spread over error 0.95 (no interval)" in joined(evidence(storms=4))


def test_where_there_is_no_room_for_the_card_its_scores_and_limits_stand():
    found = evidence()
    told = model_card.summary(found)
    assert scores_in_markdown(found.scores, "").strip() in told
    assert joined(found).splitlines()[0] in told
