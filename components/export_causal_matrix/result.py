"""What the stage found: matrices of effects, and what they stood up to."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from nephele.evaluation import causal_checks
from nephele.evaluation.causal_checks import DOSES
from nephele.evaluation.measured import Measured, derived
from nephele.evaluation.rank_correlation import lead_time_alone, rank_correlation
from nephele.fields.variables import PLACEBO
from nephele.pictures import causal_words as say
from nephele.pictures.causal_words import Agreement
from nephele.pictures.headlines import Estimate

TRUTH = "truth"
LEARNED, HEAD = "learned", "learned_on_test"
CLIMATOLOGY, EXCHANGED, INITIAL = "interventional", "exchanged", "initial_time"
SKILL = "skill_loss"
COMPARED = (CLIMATOLOGY, INITIAL, EXCHANGED, LEARNED, HEAD)  # with the truth and with the placebo
WHOLE = DOSES[-1]
MEANINGS = {
    TRUTH: (
        "What the synthetic world itself does when it runs again with the same chance and the "
        "variable at its climatology from the initial time on: root mean square change of the "
        "frames over pixels and test windows. The placebo is no part of the world, so its row is "
        "zero by construction."
    ),
    LEARNED: (
        "The matrix A: moving average, over the last training steps, of the root mean square "
        "change of the causal head's prediction of the frame mean when a variable's causal "
        "features give way to their batch mean. The learnt residual, which the network adds before "
        "the mean over the lead times scales the variable's causal features, is not in it. The "
        "head sees features that have attended to the noisy future; so it is no effect on the "
        "forecast, and no causal effect in the world. It has no interval of its own; "
        "learned_on_test has one."
    ),
    HEAD: (
        "The same root mean square change, of the trained head's predictions for the test windows, "
        "with intervals over their storms. Where it differs much from A, A is "
        "the training's and does not carry over to other storms."
    ),
    CLIMATOLOGY: (
        "Root mean square change, over pixels and test windows, of the ensemble-mean forecast of "
        "the trained teacher when the variable is replaced by its climatology, with the same "
        "noise. It describes what this teacher does with the variable; it is never negative, it "
        "does not say that the forecast is better for it (skill_loss does), and it is no effect in "
        "the atmosphere."
    ),
    EXCHANGED: (
        "The same with the variable of a window of another test storm in place of the climatology: "
        "fields as sharp as real ones, but at odds with the other variables and the clouds."
    ),
    INITIAL: (
        "The same as interventional, with the variable replaced at the initial time alone and its "
        "past left as it was, which the clouds have felt. This is what the truth asks: there "
        "too the past stays. What the forecast cannot know, how the variable would "
        "have gone on, is in the truth and not in this."
    ),
    SKILL: (
        "Increase of the RMSE of the ensemble mean when the variable is replaced by its "
        "climatology. Above zero the variable helps this teacher; an interval that includes zero "
        "is no evidence that it does."
    ),
}


@dataclass(frozen=True)
class Result:
    """All matrices, K, variable × lead time, and what they rest on.

    Attributes:
        effects: by name and dose.
    """

    effects: Mapping[tuple[str, float], Measured]
    variables: tuple[str, ...]
    lead_hours: tuple[int, ...]
    windows: int
    storms: int

    @property
    def matrices(self) -> dict[str, Measured]:
        """By name, where all of a variable is replaced."""
        return {name: matrix for (name, dose), matrix in self.effects.items() if dose == WHOLE}

    @property
    def real(self) -> list[int]:
        """Rows of the variables, without the placebo."""
        return [row for row, name in enumerate(self.variables) if name != PLACEBO]

    def by_dose(self, name: str) -> dict[float, Measured]:
        """Mean over the lead times of a matrix, by dose; empty where there is no such matrix."""
        return {
            dose: causal_checks.mean_over_leads(matrix)
            for (each, dose), matrix in self.effects.items()
            if each == name
        }

    def rank_correlations(self) -> dict[str, Agreement]:
        """By matrix, with the truth, over variables and lead times; empty without a truth."""
        found = {name: causal_checks.only(m, self.real) for name, m in self.matrices.items()}
        if TRUTH not in found:
            return {}
        truth = found[TRUTH]
        plain = rank_correlation(lead_time_alone(truth), truth)
        with_truth = {name: rank_correlation(found[name], truth) for name in COMPARED}
        return {
            name: Agreement(estimates(each), estimates(derived(np.subtract, each, plain)))
            for name, each in with_truth.items()
        }

    def over_placebo(self) -> dict[str, dict[str, Estimate]]:
        """By matrix and variable, its effect minus the placebo's, K; empty without a placebo."""
        if PLACEBO not in self.variables:
            return {}
        placebo = self.variables.index(PLACEBO)
        found = {
            name: causal_checks.over_placebo(self.matrices[name], placebo) for name in COMPARED
        }
        return {
            name: {
                self.variables[row]: estimates(over, place) for place, row in enumerate(self.real)
            }
            for name, over in found.items()
        }

    def growth(self, name: str) -> dict[str, list[Estimate]]:
        """By variable, how much a matrix grows from each dose to the next, K, mean over leads."""
        doses = [self.effects[name, dose] for dose in DOSES]
        found = causal_checks.growth(doses)
        return {
            self.variables[row]: [estimates(found, step, row) for step in range(len(DOSES) - 1)]
            for row in self.real
        }

    def conclusions(self) -> list[str]:
        """What all this allows to say."""
        correlations, over = self.rank_correlations(), self.over_placebo()
        said = []
        if correlations:
            said.append(say.order(correlations[CLIMATOLOGY]))
        if over:
            said.append(say.placebo(over[CLIMATOLOGY]))
        said.append(say.doses("the teacher's forecast", self.growth(CLIMATOLOGY)))
        # A variable that the teacher does not use need not be seen in what it learnt either.
        used = [name for name, more in over.get(CLIMATOLOGY, {}).items() if more.sign > 0]
        learned = {name: over[HEAD][name] for name in used}
        return [*said, say.learned(correlations.get(LEARNED), learned)]


def estimates(measured: Measured, *place: int) -> Estimate:
    """One figure of several, with its interval."""
    return Estimate(
        *(float(np.asarray(p)[place]) for p in (measured.values, measured.low, measured.high))
    )
