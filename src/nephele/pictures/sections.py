"""The tables of each part of the report."""

from collections.abc import Mapping

import pandas as pd
from markupsafe import Markup

from nephele import nested
from nephele.fields.variables import VARIABLES
from nephele.pictures import findings, tables
from nephele.pictures.captions import title
from nephele.pictures.evidence import Evidence
from nephele.pictures.headlines import number

SCORE_NAMES = {
    "crps": "Fair CRPS (K, less is better)",
    "rmse": "RMSE of the ensemble mean (K, less is better)",
    "bias": "Bias of the ensemble mean (K, zero is best)",
    "spread_skill": "Spread–skill ratio (one is best; of ensembles only)",
    "ssim": "Structural similarity (one is best)",
    "fss_235": "Fractions skill score of cloud colder than 235 K (one is best)",
    "fss_220": "Fractions skill score of cloud colder than 220 K (one is best)",
    "gain_over_persistence": "Gain in CRPS over persistence, paired (K, more is better)",
    "gain_over_control": "Gain in CRPS over the control, paired (K, more is better)",
    "gap_closed": "Share of the teacher's gain that the student keeps (only where there is a gain)",
}
MATRIX_NAMES = {
    "learned": "What training learnt: the effect matrix A",
    "learned_on_test": "What training learnt, measured on the test windows",
    "interventional": "What intervention shows: the forecast's change without the variable",
    "exchanged": "What intervention shows: its change with the variable of another storm",
    "skill_loss": "Whether the variable helps: the growth of the forecast's error without it",
}
METRIC_NAMES = {
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
FORECAST_NAMES = {
    "teacher": "teacher (sees ERA5)",
    "student": "student",
    "control": "control (no teacher)",
    "teacher_shuffled": "teacher, shuffled ERA5",
    "persistence": "persistence",
    "optical_flow": "optical flow",
}


def flat(values: Mapping) -> dict[str, object]:
    """Nested figures or parameters by dotted names; 8.0 is shown as 8, as it was written."""
    return {
        name: int(value) if isinstance(value, float) and value.is_integer() else value
        for name, value in nested.flat(values).items()
    }


def data(evidence: Evidence) -> list[Markup]:
    counted = evidence.regridding
    found = [_splits(evidence.windows), _dropped(counted)]
    if counted.get("dropped"):
        found.append(_each_dropped(counted["dropped"]))
    if "era5_mean" in counted:
        found += [_environment(counted), _changes(counted)]
    return found


def _splits(windows: pd.DataFrame) -> Markup:
    grouped = windows.groupby("split")["storm"]
    frame = pd.DataFrame({"storms": grouped.nunique(), "windows": grouped.size()})
    order = [split for split in ("train", "validation", "test") if split in frame.index]
    return tables.html(
        frame.loc[order],
        "Storms and windows of each split. Training sees the first, choices are made on the "
        "second, everything on this page is measured on the third",
    )


def _dropped(counted: Mapping) -> Markup:
    reasons = counted.get("dropped_by_reason", {})
    rows = {**reasons, "left out, in all": sum(reasons.values()), "used": counted["frames"]}
    frame = pd.DataFrame({"frames": rows})
    return tables.html(frame, "Frames left out, by reason, and frames used")


def _each_dropped(dropped: list[Mapping]) -> Markup:
    """Every frame left out, with its reason: long, so folded away."""
    frame = pd.DataFrame(
        {"storm": [d["storm"] for d in dropped], "reason": [d["reason"] for d in dropped]},
        index=[d["time"] for d in dropped],
    )
    table = tables.html(frame, "Each frame left out: time (UTC), storm and reason")
    summary = f"The frames left out, one by one ({len(dropped)})"
    return Markup("<details>\n<summary>{}</summary>\n{}\n</details>").format(summary, table)


def _environment(counted: Mapping) -> Markup:
    rows = {
        _with_units(name): {
            "mean": tables.shown(mean),
            "standard deviation": tables.shown(counted["era5_std"][name]),
            "valid": f"{100 * counted['era5_valid'][name]:.1f} %",
        }
        for name, mean in counted["era5_mean"].items()
    }
    text = "The environment on the training storms; the rest of each field is filled and marked so"
    return tables.html(pd.DataFrame(rows).T, text)


def _with_units(variable: str) -> str:
    units = VARIABLES[variable].units if variable in VARIABLES else "?"
    return f"{variable} ({units})"


def _changes(counted: Mapping) -> Markup:
    leads = {
        f"+{float(lead):g} h": number(value, 1) for lead, value in counted["residual_std"].items()
    }
    text = (
        "Root mean square change of brightness temperature over a lead time (K), on the training "
        f"storms; over all pixels its mean is {number(counted['frame_mean'], 1)} K and its "
        f"standard deviation {number(counted['frame_std'], 1)} K"
    )
    return tables.html(pd.DataFrame(leads, index=["change"]), text)


def training(measured: Mapping[str, Mapping]) -> Markup:
    """What each training ended with: a row a figure, a column a network."""
    rows: dict[str, dict[str, str]] = {}
    for network, figures in measured.items():
        for name, value in flat(figures).items():
            words = name.replace("_", " ").replace(".", ": ")
            rows.setdefault(words, {})[network] = tables.shown(value)
    return tables.html(
        pd.DataFrame(rows).T.reindex(columns=list(measured)).fillna("–"),
        "Each training: losses and shares of the gradient over its last part, and the CRPS (K) on "
        "the validation storms for each number of sampling steps, the least of which was taken",
    )


def scores(scores: pd.DataFrame) -> list[Markup]:
    names = [name for name in SCORE_NAMES if name in set(scores.score)]
    names += [name for name in dict.fromkeys(scores.score) if name not in names]
    return [
        tables.html(
            tables.by_lead(scores[scores.score == name], FORECAST_NAMES),
            SCORE_NAMES.get(name, title(name)),
        )
        for name in names
    ]


def causal(details: Mapping) -> list[Markup]:
    """The effect matrices, each with what it means and what it does not."""
    matrices = details["matrices"]
    names = [name for name in MATRIX_NAMES if name in matrices]
    names += [name for name in matrices if name not in names]
    return [
        tables.html(
            _effects(matrices[name]),
            f"{MATRIX_NAMES.get(name, title(name))} ({details['units']})",
            matrices[name]["meaning"],
        )
        for name in names
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


def similarity(found: pd.DataFrame) -> list[Markup]:
    """Likeness to the teacher's features: means first, then each measure in full."""
    means = found.groupby("metric", sort=False)[list(WHO)].mean()
    return [
        _likeness(means.rename(index=METRIC_NAMES), "Means over variables, kinds and resolutions"),
        *(
            _likeness(_cases(found[found.metric == name]), METRIC_NAMES.get(name, title(name)))
            for name in dict.fromkeys(found.metric)
        ),
    ]


def _cases(rows: pd.DataFrame) -> pd.DataFrame:
    """A row a variable, kind of feature and resolution."""
    keys = zip(rows.kind, rows.resolution, rows.variable, strict=True)
    names = [f"{kind} {size}×{size}, {variable}" for kind, size, variable in keys]
    return rows[list(WHO)].set_axis(names, axis="index")


def _likeness(values: pd.DataFrame, text: str) -> Markup:
    shown = values.map(lambda value: number(float(value), 3)).rename(columns=WHO)
    return tables.html(shown, text)
