"""What a stage found, on one small page: for those who look at a pipeline and not at a report."""

import base64
import html
from collections.abc import Mapping, Sequence

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


def differences_in_markdown(differences: pd.DataFrame) -> str:
    """The differences between forecasts, mean over the lead times, each with its verdict.

    Args:
        differences: the table of `evaluation.differences`.
    """
    means = differences[differences.lead_hours == "mean"]
    names = list(dict.fromkeys(means.score))
    titles = [f"{SCORES[name]} | " for name in names]
    lines = [
        "Differences, forecast less the other, paired; below zero the forecast is better. "
        f"{_by_chance(differences)}",
        "",
        f"| forecast | less | {' | '.join(titles)} |",
        f"|{'---|' * (2 + 2 * len(names))}",
    ]
    for (forecast, other), pair in means.groupby(["forecast", "against"], sort=False):
        cells = []
        for name in names:
            row = pair[pair.score == name].iloc[0]
            cells += [_cell(Estimate(*(float(row[end]) for end in ENDS))), row.verdict]
        told = [str(forecast).replace("_", " "), str(other).replace("_", " "), *cells]
        lines.append(f"| {' | '.join(told)} |")
    return "\n".join([*lines, ""])


def _by_chance(differences: pd.DataFrame) -> str:
    count = int(differences.low.notna().sum())
    if not count:
        return "There are too few storms for intervals."
    return (
        f"There are {count} intervals in all, lead times counted; if no forecast differed from "
        f"another, some {count / 20:.0f} of them would still exclude zero."
    )


def calibration_in_markdown(calibration: Mapping[str, Mapping[str, Mapping]]) -> str:
    """Spread over error of each ensemble, lead time by lead time, in words.

    Args:
        calibration: forecast → lead time → what `evaluation.calibration` found.
    """
    lines = [
        "| ensemble | lead time (h) | spread / error | | reliability index (of perfect ones) |",
        "|---|---|---|---|---|",
    ]
    for forecast, by_lead in calibration.items():
        for lead, found in by_lead.items():
            ratio = _cell(Estimate(*(_figure(found[end]) for end in ("spread_skill", *ENDS[1:]))))
            index = f"{found['reliability_index']:.2f} ({found['perfect']:.2f})"
            told = [forecast.replace("_", " "), lead, ratio, found["statement"], index]
            lines.append(f"| {' | '.join(told)} |")
    return "\n".join([*lines, ""])


def _figure(value: float | None) -> float:
    return float("nan") if value is None else value


def _cell(estimate: Estimate | None) -> str:
    if estimate is None:
        return ""
    if not estimate.has_interval:
        return number(estimate.value)
    return f"{number(estimate.value)} ({number(estimate.low)} to {number(estimate.high)})"


def picture_page(title: str, pngs: Sequence[bytes], said: Mapping[str, str]) -> str:
    """Pictures as HTML that needs nothing beside itself, with what each part of them means."""
    items = "".join(
        f"<dt>{html.escape(name)}</dt><dd>{html.escape(text)}</dd>" for name, text in said.items()
    )
    pictures = "".join(
        f'<img alt="{html.escape(title)}" src="data:image/png;base64,'
        f'{base64.b64encode(png).decode()}">'
        for png in pngs
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>'
        "<style>body{font:15px/1.5 system-ui,sans-serif;margin:1.5rem;max-width:60rem}"
        "img{max-width:100%}dt{font-weight:600;margin-top:.7rem}dd{margin:0}</style>"
        f"<h1>{html.escape(title)}</h1>"
        f"{pictures}"
        f"<dl>{items}</dl></html>\n"
    )
