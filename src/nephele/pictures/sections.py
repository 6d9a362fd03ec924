"""The tables of data and trainings."""

from collections.abc import Mapping

import pandas as pd
from markupsafe import Markup

from nephele import nested
from nephele.fields.variables import VARIABLES
from nephele.pictures import tables
from nephele.pictures.evidence import Evidence
from nephele.pictures.headlines import number


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
    return tables.folded(f"The frames left out, one by one ({len(dropped)})", [table])


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
    # The placebo is in whatever units the variable has that it copies.
    return f"{variable} ({VARIABLES[variable].units})" if variable in VARIABLES else variable


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
