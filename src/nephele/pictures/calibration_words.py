"""How far an ensemble can be trusted, in a sentence made from its calibration."""

from collections.abc import Mapping, Sequence

from nephele.pictures.headlines import Estimate, listed, number

MEAN = "mean"
ENDS = ("spread_skill", "low", "high")


def ratio(found: Mapping) -> Estimate:
    """Spread over error, of an entry of the calibration; `null` in the file is no figure."""
    return Estimate(*(float("nan") if found[end] is None else found[end] for end in ENDS))


def trust(by_lead: Mapping[str, Mapping], power: Estimate) -> str:
    """How far the student's ensemble can be trusted, and what it cannot do.

    Args:
        by_lead: lead time in hours, and `mean`, → what `evaluation.calibration` found.
        power: of single members over that of the truth, in the shortest waves.
    """
    leads = [lead for lead in by_lead if lead != MEAN]
    if not leads:
        return "No evidence how far the ensemble can be trusted: its calibration was not measured."
    clauses = {
        "can be taken for its error": [lead for lead in leads if _known(by_lead[lead], 0)],
        "is too small for its error": [lead for lead in leads if _known(by_lead[lead], -1)],
        "is too large for its error": [lead for lead in leads if _known(by_lead[lead], 1)],
    }
    sure = [lead for known in clauses.values() for lead in known]
    clauses["gives no evidence either way"] = [lead for lead in leads if lead not in sure]
    said = [f"{words} {_at(those, leads)}" for words, those in clauses.items() if those]
    return (
        f"The spread of the student's ensemble {listed(said)}: spread over error, best at one, is "
        f"{ratio(by_lead[MEAN]).text()} in the mean; {_ranks(by_lead, leads)}; {_detail(power)}."
    )


def _known(found: Mapping, side: int) -> bool:
    """Whether the ratio is surely within what is wanted (0), below it (-1) or above it (1)."""
    if not found["sure"]:
        return False
    where = 0 if found["within"] else -1 if found["spread_skill"] < 1 else 1
    return where == side


def _at(chosen: Sequence[str], leads: Sequence[str]) -> str:
    if len(chosen) == len(leads):
        return "at every lead time"
    if len(chosen) > 2 and list(chosen) == list(leads)[leads.index(chosen[0]) :][: len(chosen)]:
        return f"at +{chosen[0]} to +{chosen[-1]}\N{NO-BREAK SPACE}h"
    return f"at {listed([f'+{lead}' for lead in chosen])}\N{NO-BREAK SPACE}h"


def _ranks(by_lead: Mapping[str, Mapping], leads: Sequence[str]) -> str:
    uneven = [
        lead for lead in leads if by_lead[lead]["reliability_index"] > by_lead[lead]["perfect_most"]
    ]
    if not uneven:
        return f"its rank histogram gives no evidence against it ({_index(by_lead[MEAN])})"

    def excess(lead: str) -> float:
        return by_lead[lead]["reliability_index"] / by_lead[lead]["perfect_most"]

    worst = max(uneven, key=excess)
    where = "" if len(uneven) == 1 else f"at +{worst}\N{NO-BREAK SPACE}h "
    return (
        f"its rank histogram is less even than chance allows {_at(uneven, leads)} "
        f"({where}{_index(by_lead[worst])})"
    )


def _index(found: Mapping) -> str:
    index, most = number(found["reliability_index"]), number(found["perfect_most"])
    return f"index {index}, of perfect ensembles up to {most} in 95 % of cases"


def _detail(power: Estimate) -> str:
    told = f"{power.text()} times the truth's"
    side = Estimate(power.value - 1, power.low - 1, power.high - 1).sign
    if side > 0:
        return f"below 100 km a member is noise in part, with a power of {told}"
    if side < 0:
        return f"below 100 km a member is too smooth, with a power of {told}"
    return f"no evidence that a member is too noisy or too smooth below 100 km (power {told})"
