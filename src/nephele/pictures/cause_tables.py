"""The tables of effects: what they stood up to, the matrices, the doses."""

from collections.abc import Mapping

import pandas as pd
from markupsafe import Markup

from nephele.pictures import findings, tables
from nephele.pictures.captions import title
from nephele.pictures.headlines import Estimate

MATRICES = {
    "truth": "The truth: what the simulated world does without the variable",
    "interventional": "What intervention shows: the forecast's change without the variable",
    "initial_time": "What intervention shows: the same, replaced at the initial time alone",
    "exchanged": "What intervention shows: its change with the variable of another storm",
    "skill_loss": "Whether the variable helps: the growth of the forecast's error without it",
    "learned": "What training learnt: the effect matrix A",
    "learned_on_test": "What training learnt, measured on the test windows",
}
OPEN = ("truth", "interventional", "skill_loss", "learned")  # the others are folded away


def of(details: Mapping) -> list[Markup]:
    """All of them: what the matrices stood up to, then the matrices."""
    return [*checks(details), *matrices(details)]


def checks(details: Mapping) -> list[Markup]:
    """How far each matrix agrees with the truth, and lies above the placebo."""
    found = []
    if details["rank_correlation"]:
        rows = {
            MATRICES.get(name, title(name)): {
                "with the truth": tables.with_interval(findings.known(each)),
                "over that of lead time alone": tables.with_interval(
                    findings.known(details["over_lead_time_alone"][name])
                ),
            }
            for name, each in details["rank_correlation"].items()
        }
        found.append(
            tables.html(
                pd.DataFrame(rows, dtype=object).T,
                "Rank correlation of each matrix, over variables and lead times",
                "Effects grow with lead time, whatever the variable: a matrix that knows nothing "
                "else has a high correlation too. The interval of A is that of the truth alone.",
            )
        )
    if details["over_placebo"]:
        over = {
            MATRICES.get(name, title(name)): {
                variable: _over(findings.known(more)) for variable, more in each.items()
            }
            for name, each in details["over_placebo"].items()
        }
        found.append(
            tables.html(
                pd.DataFrame(over, dtype=object).T,
                f"Effect of each variable less that of the placebo, mean over lead times "
                f"({details['units']})",
            )
        )
    return found


def _over(more: Estimate) -> Markup:
    words = {1: "placebo below", -1: "placebo above"}.get(more.sign, "not told apart")
    return tables.with_verdict(more, words)


def matrices(details: Mapping) -> list[Markup]:
    """The effect matrices, each with what it means and what it does not."""
    known = details["matrices"]
    names = [name for name in MATRICES if name in known]
    names += [name for name in known if name not in names]
    made = {
        name: tables.html(
            _effects(known[name]),
            f"{MATRICES.get(name, title(name))} ({details['units']})",
            known[name]["meaning"],
        )
        for name in names
    }
    return [
        *(made[name] for name in names if name in OPEN),
        tables.folded(
            "Further matrices, and the doses",
            [*(made[name] for name in names if name not in OPEN), *_doses(details)],
        ),
    ]


def _effects(matrix: Mapping) -> pd.DataFrame:
    """A row a variable, a column a lead time, intervals below the figures."""
    rows = {
        variable: {
            f"+{float(lead):g} h": tables.with_interval(findings.effect(matrix, variable, lead), 3)
            for lead in leads
        }
        for variable, leads in matrix["values"].items()
    }
    return pd.DataFrame(rows, dtype=object).T


def _doses(details: Mapping) -> list[Markup]:
    return [
        tables.html(
            pd.DataFrame(
                {
                    variable: {
                        f"dose {dose}": tables.with_interval(findings.known(each), 3)
                        for dose, each in doses.items()
                    }
                    for variable, doses in by_variable.items()
                },
                dtype=object,
            ).T,
            f"{MATRICES.get(name, title(name))}, by dose, in the mean ({details['units']})",
        )
        for name, by_variable in details["dose_response"].items()
        if by_variable
    ]
