"""The tables of features: how alike they are beside their controls, and what a probe reads."""

from collections.abc import Mapping

import pandas as pd
from markupsafe import Markup

from nephele.pictures import alignment_words, tables
from nephele.pictures.captions import title
from nephele.pictures.evidence import Evidence
from nephele.pictures.headlines import Estimate, number

METRICS = {
    "centred_cosine": "Centred cosine (one is best)",
    "cka": "Debiased CKA (one is best)",
    "knn_overlap": "Overlap of nearest neighbours (one is best)",
    "retrieval": "Retrieval of the paired sample (one is best)",
}
WHO = {
    "student": "student",
    "shuffled": "samples shuffled",
    "untrained": "untrained student",
    "collapsed": "teacher's mean",
    "control": "control (no teacher)",
}
READERS = {
    "student": "student",
    "control": "control (no teacher)",
    "untrained": "untrained student",
    "frames": "frames' means",
    "teacher": "teacher (was given it)",
}
TARGETS = {"scene": "mean of the scene", "quarters": "means of its quarters"}


def of(evidence: Evidence) -> list[Markup]:
    """All of them."""
    return [*likeness(evidence.similarity), *probe(evidence.probe), *trust(evidence.tsne)]


def likeness(found: pd.DataFrame) -> list[Markup]:
    """The student's measure and its verdict in each case; all controls folded away."""
    names = [name for name in METRICS if name in set(found.metric)]
    names += [name for name in dict.fromkeys(found.metric) if name not in names]
    verdicts = {
        METRICS.get(name, title(name)): {
            _case(row): tables.with_interval(Estimate(row["student"]))
            + tables.said(row["verdict"], row["low"] > 0)
            for row in found[found.metric == name].to_dict("records")
        }
        for name in names
    }
    return [
        tables.html(
            pd.DataFrame(verdicts, dtype=object).fillna("–"),
            "Likeness of the student's features to the teacher's, with verdicts",
            "A verdict stands only where the student is shown to be above all four controls; of a "
            "cosine it is its band.",
        ),
        tables.folded(
            "Each measure beside its controls",
            (
                _controls(found[found.metric == name], METRICS.get(name, title(name)))
                for name in names
            ),
        ),
    ]


def _case(row: Mapping) -> str:
    return f"{row['kind']} {row['resolution']}×{row['resolution']}, {row['variable']}"


def _controls(rows: pd.DataFrame, text: str) -> Markup:
    """A row a case: all controls, and the student less the one that is hardest to reject."""
    cells = {
        _case(row): {
            **{name: number(row[who], 3) for who, name in WHO.items()},
            "student − nearest": tables.with_interval(
                Estimate(row["difference"], row["low"], row["high"]), 3
            ),
            "nearest": WHO.get(row["nearest"], row["nearest"]),
            "verdict": row["verdict"],
        }
        for row in rows.to_dict("records")
    }
    return tables.html(pd.DataFrame(cells, dtype=object).T, text)


def probe(found: pd.DataFrame) -> list[Markup]:
    """What is read of each variable's field out of whose features (R²)."""
    return [
        tables.html(
            _read(found[found.target == target]),
            f"The probe: R² of each variable's {TARGETS.get(target, target)}, read out of features",
            "One is perfect, zero what the mean of the training gives. The placebo cannot be seen "
            "in clouds: above zero for anyone but the teacher, the probe is at fault.",
        )
        for target in dict.fromkeys(found.target)
    ]


def _read(rows: pd.DataFrame) -> pd.DataFrame:
    by_variable = {
        variable: rows[rows.variable == variable] for variable in dict.fromkeys(rows.variable)
    }
    cells: dict[str, Mapping] = {}
    for variable, those in by_variable.items():
        least = alignment_words.margin(those)
        word = {1: "seen", -1: "less than one of them"}.get(least.sign, "no evidence")
        cells[variable] = {
            **{
                READERS.get(row["features"], row["features"]): tables.with_interval(
                    Estimate(row["r2"], row["low"], row["high"])
                )
                for row in those.to_dict("records")
            },
            "student − best of the others": tables.with_verdict(least, word),
        }
    frame = pd.DataFrame(cells, dtype=object).T
    order = [name for name in READERS.values() if name in frame]
    return frame[[*order, *(name for name in frame if name not in order)]]


def trust(found: Mapping) -> list[Markup]:
    """How far the neighbourhoods of the t-SNE pictures can be believed."""
    trusted = found.get("trustworthiness", {})
    if not trusted:
        return []
    rows = {
        title(name): {who: number(value, 3) for who, value in each.items()}
        for name, each in trusted.items()
    }
    return [
        tables.html(
            pd.DataFrame(rows).T,
            "Trustworthiness of the t-SNE pictures (one is best, 0.5 is chance)",
        )
    ]
