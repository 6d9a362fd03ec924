"""Scores by lead time, rank histograms and spectra, of all forecasts side by side."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nephele.evaluation.scores import UNITS
from nephele.evaluation.verification import Verified, by_lead

COLOURS = {
    "teacher": "#b2182b",
    "student": "#2166ac",
    "control": "#7f7f7f",
    "persistence": "#111111",
    "teacher_shuffled": "#e08214",
    "optical_flow": "#1b7837",
}
HEADLINES = ("crps", "rmse", "spread_skill")
FURTHER = ("bias", "ssim", "fss_235", "fss_220")
DASHED = ("persistence", "teacher_shuffled", "optical_flow")
WAVELENGTHS = (50, 100, 200, 500, 1000, 2000, 5000)  # km, of the axis of spectra
TITLES = {
    "crps": "Fair CRPS",
    "rmse": "RMSE of the ensemble mean",
    "bias": "Bias of the ensemble mean",
    "spread_skill": "Spread / error",
    "ssim": "SSIM of a member",
    "fss_235": "FSS of cloud < 235 K",
    "fss_220": "FSS of cloud < 220 K",
}


def scores_by_lead(found: pd.DataFrame, chosen: Sequence[str], note: str) -> Figure:
    """One panel a score; bands are the intervals over storms.

    Args:
        found: the table of `verification.table`.
        chosen: scores, in the order of the panels.
        note: what the reader must know of the data, as SYNTHETIC.
    """
    columns = min(3, len(chosen))
    lines = -(-len(chosen) // columns)
    figure = Figure(figsize=(4.4 * columns, 3.5 * lines + 0.6), layout="constrained")
    panels = figure.subplots(lines, columns, squeeze=False).ravel()
    for axes, name in zip(panels, chosen, strict=False):
        _curves(axes, found, name)
    for axes in panels[len(chosen) :]:
        axes.set_axis_off()
    panels[0].legend(frameon=False, fontsize=8)
    storms, windows = int(found.storms.iloc[0]), int(found.windows.iloc[0])
    bands = "bands: 95 % over storms" if found.low.notna().any() else "too few storms for intervals"
    figure.suptitle(_title(note, f"{windows} windows of {storms} storms, {bands}"), fontsize=10)
    return figure


def _curves(axes: Axes, found: pd.DataFrame, name: str) -> None:
    for forecast in dict.fromkeys(found[found.score == name].forecast):
        value, low, high = by_lead(found, name, forecast)
        rows = found[(found.score == name) & (found.forecast == forecast)]
        hours = [int(lead) for lead in rows.lead_hours if lead != "mean"]
        colour = COLOURS.get(forecast)
        style = "--" if forecast in DASHED else "-"
        axes.plot(hours, value, style, marker="o", ms=3, color=colour, label=_name(forecast))
        axes.fill_between(hours, low, high, color=colour, alpha=0.13, lw=0)
        axes.set_xticks(hours)
    if name == "spread_skill":
        axes.axhline(1, color="k", lw=0.6, ls=":")
    if name == "bias":
        axes.axhline(0, color="k", lw=0.6, ls=":")
    axes.set_xlabel("lead time (h)")
    unit = UNITS.get(name)
    axes.set_title(TITLES.get(name, name) + (f" ({unit})" if unit else ""), fontsize=10)
    axes.grid(alpha=0.25)


def rank_histograms(
    verified: Mapping[str, Verified],
    calibration: Mapping[str, Mapping[str, Mapping]],
    lead_hours: Sequence[int],
    note: str,
) -> Figure:
    """How often the truth takes each rank, at the first, a middle and the last lead time.

    Args:
        calibration: what `evaluation.calibration` found, for the reliability index.
    """
    shown = {name: v.ranks for name, v in verified.items() if v.ranks is not None}
    last = len(lead_hours) - 1
    leads = sorted({0, last // 2, last})
    size = (2.6 * len(shown) + 0.6, 2.2 * len(leads) + 0.7)
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(len(leads), len(shown), squeeze=False, sharey="row", sharex=True)
    for column, (name, ranks) in enumerate(shown.items()):
        for line, lead in enumerate(leads):
            axes = panels[line, column]
            axes.bar(np.arange(ranks.shape[1]), ranks[lead], color=COLOURS.get(name), width=0.9)
            axes.axhline(1 / ranks.shape[1], color="k", lw=0.8, ls=":")
            found = calibration[name][str(lead_hours[lead])]
            index = f"index {found['reliability_index']:.2f}, perfect {found['perfect']:.2f}"
            axes.set_title(f"{_name(name)}, +{lead_hours[lead]} h\n{index}", fontsize=8)
        panels[-1, column].set_xlabel("members colder than the truth", fontsize=8)
    title = "Rank of the truth among the members (dotted: a reliable ensemble)"
    figure.suptitle(_title(note, title), fontsize=10)
    return figure


def spectra(
    verified: Mapping[str, Verified],
    lead_hours: Sequence[int],
    pixel_km: float,
    note: str,
) -> Figure:
    """Radially averaged power spectral density of members and truth."""
    last = len(lead_hours) - 1
    leads = sorted({0, last // 2, last})
    figure = Figure(figsize=(4.4 * len(leads), 4.0), layout="constrained")
    panels = figure.subplots(1, len(leads), squeeze=False, sharey=True)[0]
    truth = next(iter(verified.values())).true_spectrum.mean(axis=0)
    rings = np.arange(1, truth.shape[1] + 1)
    wavelength = 2 * truth.shape[1] * pixel_km / rings
    for axes, lead in zip(panels, leads, strict=True):
        axes.loglog(wavelength, truth[lead], color="k", lw=2.2, alpha=0.5, label="truth")
        for name, found in verified.items():
            if found.ranks is None:
                continue  # a single forecast has, but for the time, the truth's own spectrum
            style = "--" if name in DASHED else "-"
            line = found.spectrum[:, lead].mean(axis=0)
            axes.loglog(wavelength, line, style, lw=1.2, color=COLOURS.get(name), label=_name(name))
        ticks = [km for km in WAVELENGTHS if wavelength.min() <= km <= wavelength.max()]
        axes.set_xticks(ticks, [str(km) for km in ticks])
        axes.set_xticks([], minor=True)
        axes.invert_xaxis()
        axes.set_title(f"+{lead_hours[lead]} h", fontsize=9)
        axes.set_xlabel("wavelength (km)")
        axes.grid(alpha=0.25, which="both", lw=0.4)
    panels[0].set_ylabel("power (K² a mode)")
    panels[0].legend(frameon=False, fontsize=8)
    figure.suptitle(_title(note, "Power of single members by scale"), fontsize=10)
    return figure


def _name(forecast: str) -> str:
    return forecast.replace("_", " ")


def _title(note: str, title: str) -> str:
    return f"{note} — {title}" if note else title
