"""What may be said of the effect matrices, in sentences made from their figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nephele.pictures.headlines import Estimate, listed

# A matrix whose order agrees with the truth's less surely than this is not called causal.
ENOUGH = 0.5


@dataclass(frozen=True)
class Agreement:
    """How far a matrix has the order of the truth.

    Attributes:
        correlation: of the ranks, with the truth.
        over: that, minus what a matrix reaches that knows lead times and no variables.
    """

    correlation: Estimate
    over: Estimate

    @property
    def is_shown(self) -> bool:
        return (
            self.correlation.has_interval and self.correlation.low > ENOUGH and self.over.sign > 0
        )

    def text(self) -> str:
        return (
            f"rank correlation with the truth {self.correlation.text()}, over what lead time "
            f"alone gives {self.over.text()}"
        )


def order(agreement: Agreement) -> str:
    """Whether intervention on the teacher orders the effects as the world does."""
    shown = "orders" if agreement.is_shown else "is not shown to order"
    return f"Intervention on the teacher {shown} the effects as the world does: {agreement.text()}."


def placebo(over: Mapping[str, Estimate]) -> str:
    """Against which variables the placebo of the interventional matrix could be told apart.

    Args:
        over: by variable, its effect minus the placebo's, K.
    """
    below, not_below = _by_placebo(over)
    parts = []
    if below:
        parts.append(f"On the teacher, the placebo does less than {listed(below)}.")
    if not_below:
        told = "; ".join(f"{name}: {over[name].text(units='K')} more" for name in not_below)
        parts.append(f"It is not shown to do less than {listed(not_below)} ({told}).")
    return " ".join(parts)


def doses(who: str, growth: Mapping[str, Sequence[Estimate]]) -> str:
    """Whether the effects grow with the dose.

    Args:
        who: `the teacher's forecast`.
        growth: by variable, how much its effect grows from each dose to the next, K.
    """
    grows = [name for name, steps in growth.items() if all(step.sign > 0 for step in steps)]
    shrinks = [name for name, steps in growth.items() if any(step.sign < 0 for step in steps)]
    open_ = [name for name in growth if name not in grows and name not in shrinks]
    parts = []
    if grows:
        parts.append(f"The change of {who} grows with each step of the dose of {listed(grows)}.")
    if shrinks:
        parts.append(f"It shrinks with a step of the dose of {listed(shrinks)}.")
    if open_:
        parts.append(f"Growth of {who}'s change with the dose is not shown for {listed(open_)}.")
    return " ".join(parts)


def learned(agreement: Agreement | None, over: Mapping[str, Estimate]) -> str:
    """Whether the matrix that training learnt may be called causal.

    Args:
        agreement: with the truth, where there is one.
        over: its effect of a variable minus that of the placebo, K, of each variable that
            intervention tells apart from the placebo.
    """
    if agreement is None and not over:
        return (
            "Nothing says whether the learned matrix deserves the name causal: there is neither a "
            "truth nor a placebo to hold it to."
        )
    below, not_below = _by_placebo(over)
    against: list[str] = []
    stood: list[str] = []
    if agreement is None:
        stood.append("there is no truth to compare it with")
    else:
        (stood if agreement.is_shown else against).append(agreement.text())
    if below:
        stood.append(f"its placebo does less than {listed(below)}")
    if not_below:
        against.append(f"its placebo is not shown to do less than {listed(not_below)}")
    if against:
        return f"The learned matrix does not deserve the name causal: {'; '.join(against)}."
    return f"Nothing found speaks against the learned matrix: {'; '.join(stood)}."


def influence(
    effects: Mapping[str, Mapping[str, Estimate]],
    helps: Mapping[str, Mapping[str, Estimate]],
    over: Mapping[str, Estimate],
    agreement: Agreement | None,
) -> str:
    """Which variable mattered to the teacher's forecast, and when; for a headline.

    A variable mattered where the forecast changes more without it than without the placebo.

    Args:
        effects: by variable and lead time in hours, the change of the forecast without it, K.
        helps: the same of the growth of the RMSE.
        over: by variable, its effect minus the placebo's, K, mean over the lead times; empty
            without a placebo.
        agreement: of the effects with the truth, where there is one.
    """
    below, _ = _by_placebo(over)
    most = max(below or effects, key=lambda name: _mean(effects[name]))
    lead = max(effects[most], key=lambda hours: effects[most][hours].value)
    change = (
        f"{most}, most of all at +{lead} h, where it changes by "
        f"{effects[most][lead].text(units='K')} without it, {_helps(helps[most][lead])}"
    )
    if below:
        parts = [f"The teacher's forecast depends most on {change}", _stayed(over)]
    elif over:
        nearest = max(over, key=lambda name: _least(over[name]))
        parts = [
            "No evidence that any variable mattered: none is shown to do more to the teacher than "
            f"the placebo, which cannot matter (nearest is {nearest}, with "
            f"{over[nearest].text(units='K')} more)",
            *_above(over),
        ]
    else:
        parts = [
            "No evidence that any variable mattered to the teacher: there was no placebo to hold "
            f"them to; its forecast depends most on {change}",
        ]
    if agreement is not None:
        parts.append(_true(agreement))
    return "; ".join(parts) + "."


def _least(more: Estimate) -> float:
    return more.low if more.has_interval else more.value


def _mean(by_lead: Mapping[str, Estimate]) -> float:
    return sum(each.value for each in by_lead.values()) / len(by_lead)


def _helps(growth: Estimate) -> str:
    if growth.sign > 0:
        return f"and its RMSE grows by {growth.text(units='K')}"
    if growth.sign < 0:
        return f"though its RMSE shrinks without it, by {growth.size.text(units='K')}"
    return f"with no evidence that its RMSE grows ({growth.text(units='K')})"


def _stayed(over: Mapping[str, Estimate]) -> str:
    below, others = _by_placebo(over)
    told = f"the placebo, which cannot matter, stayed below {listed(below)}"
    return f"{told}, and is not shown to stay below {listed(others)}" if others else told


def _above(over: Mapping[str, Estimate]) -> list[str]:
    above = [name for name, more in over.items() if more.sign < 0]
    return [f"it does even more than {listed(above)}"] if above else []


def _true(agreement: Agreement) -> str:
    if agreement.is_shown:
        return f"the order of all effects agrees with the truth: {agreement.text()}"
    if agreement.correlation.sign < 0:
        return f"the order of all effects contradicts the truth: {agreement.text()}"
    return f"no evidence that the order of all effects is the true one: {agreement.text()}"


def _by_placebo(over: Mapping[str, Estimate]) -> tuple[list[str], list[str]]:
    """The variables that the placebo is shown to lie below, and the others."""
    below = [name for name, more in over.items() if more.sign > 0]
    return below, [name for name in over if name not in below]
