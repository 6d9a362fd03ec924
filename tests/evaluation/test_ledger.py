"""The ledger of forecasts whose statistics are made up."""

import numpy as np
import pytest

from nephele.evaluation.differences import differences
from nephele.evaluation.ledger import ledger
from nephele.evaluation.verification import Design

STORMS, EACH, LEADS = 10, 2, (3, 6)
DESIGN = Design(np.repeat(np.arange(STORMS), EACH), LEADS, resamples=300, seed=0)


def forecasts(**errors):
    """Statistics of forecasts that err by so much, K, in windows of unlike difficulty."""
    generator = np.random.default_rng(0)
    hard = generator.uniform(1, 3, size=(STORMS * EACH, len(LEADS)))
    return {
        name: {"crps": error * hard, "squared_error": (2 * error * hard) ** 2}
        for name, error in errors.items()
    }


def figures(table, score, forecast):
    rows = table[(table.score == score) & (table.forecast == forecast)]
    return rows[["value", "low", "high"]].to_numpy(float)


@pytest.mark.parametrize(("student", "share"), [(4, 0), (3.5, 0.25), (3, 0.5), (2, 1), (5, -0.5)])
def test_the_share_is_what_the_student_gained_of_what_the_teacher_gained(student, share):
    found = ledger(forecasts(teacher=2, student=student, control=4), DESIGN)
    assert figures(found, "gap_closed", "student") == pytest.approx(share, abs=1e-9)


def test_no_share_is_claimed_of_a_gap_that_may_not_be_there():
    given = forecasts(teacher=4, student=3, control=4)
    luck = np.random.default_rng(1).standard_normal((STORMS, 1)).repeat(EACH, axis=0)
    given["teacher"]["crps"] = given["teacher"]["crps"] + luck
    found = ledger(given, DESIGN)
    gap = figures(found, "gain_over_control", "teacher")
    assert (gap[:, 1] < 0).all()
    assert np.isnan(figures(found, "gap_closed", "student")).all()


@pytest.mark.parametrize(("score", "gain"), [("crps", "gain"), ("rmse", "rmse_gain")])
@pytest.mark.parametrize("over", ["control", "persistence"])
def test_gains_are_the_differences_with_the_sign_of_what_is_gained(score, gain, over):
    given = forecasts(teacher=2, student=3, control=4, persistence=6)
    gained = figures(ledger(given, DESIGN), f"{gain}_over_{over}", "student")
    table = differences(given, DESIGN)
    lost = figures(table[table.against == over], score, "student")
    assert gained == pytest.approx(-lost[:, [0, 2, 1]])
    assert (gained > 0).all()
