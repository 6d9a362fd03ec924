"""What a stage found, on one small page: for those who look at a pipeline and not at a report."""

import base64
import html
from collections.abc import Mapping

import pandas as pd

from nephele.pictures.headlines import Estimate, number

SCORES = {"crps": "CRPS (K)", "rmse": "RMSE of the mean (K)", "spread_skill": "spread / error"}
ENDS = ("value", "low", "high")
GAINS = {"teacher": "teacher", "student": "student", "teacher_shuffled": "teacher, ERA5 of others"}


def scores_in_markdown(scores: pd.DataFrame, note: str) -> str:
    """The scores, mean over the lead times, with intervals; then the gains over the control.

    Args:
        scores: the table of verification.
        note: what the reader must know of the data, as SYNTHETIC.
    """
    means = scores[scores.lead_hours == "mean"]
    cells = {
        (score, forecast): Estimate(*map(float, three))
        for score, forecast, *three in means[["score", "forecast", *ENDS]].itertuples(index=False)
    }
    forecasts = list(dict.fromkeys(means[means.score == "crps"].forecast))
    lines = [
        f"{note + ': ' if note else ''}mean over the lead times, 95 % intervals over "
        f"{means.storms.iloc[0]} storms ({means.windows.iloc[0]} windows)",
        "",
        f"| forecast | {' | '.join(SCORES.values())} |",
        f"|{'---|' * (len(SCORES) + 1)}",
    ]
    for name in forecasts:
        values = [_cell(cells.get((score, name))) for score in SCORES]
        lines.append(f"| {name.replace('_', ' ')} | {' | '.join(values)} |")
    lines += ["", "| CRPS gained on the control (K) | |", "|---|---|"]
    lines += [
        f"| {said} | {_cell(cells[gain])} |"
        for name, said in GAINS.items()
        if (gain := ("gain_over_control", name)) in cells
    ]
    return "\n".join([*lines, ""])


def _cell(estimate: Estimate | None) -> str:
    if estimate is None:
        return ""
    if not estimate.has_interval:
        return number(estimate.value)
    return f"{number(estimate.value)} ({number(estimate.low)} to {number(estimate.high)})"


def picture_page(title: str, png: bytes, said: Mapping[str, str]) -> str:
    """One picture as HTML that needs nothing beside itself, with what each part of it means."""
    items = "".join(
        f"<dt>{html.escape(name)}</dt><dd>{html.escape(text)}</dd>" for name, text in said.items()
    )
    data = base64.b64encode(png).decode()
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>'
        "<style>body{font:15px/1.5 system-ui,sans-serif;margin:1.5rem;max-width:60rem}"
        "img{max-width:100%}dt{font-weight:600;margin-top:.7rem}dd{margin:0}</style>"
        f"<h1>{html.escape(title)}</h1>"
        f'<img alt="{html.escape(title)}" src="data:image/png;base64,{data}">'
        f"<dl>{items}</dl></html>\n"
    )
