"""How the effect of a variable grows with the dose of the intervention."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nephele.evaluation.measured import Measured

COLOURS = {"truth": "#111111", "teacher": "#b2182b"}


def dose_responses(
    effects: Mapping[str, Mapping[float, Measured]], variables: Sequence[str], note: str
) -> Figure:
    """One panel a variable; bars are intervals, dotted lines what doubles with the dose.

    Args:
        effects: `teacher`, and `truth` where there is one: by dose, the mean over lead times of
            each variable's effect, K. No dose has no effect, whatever the variable.
        note: what the reader must know of the data, as SYNTHETIC.
    """
    size = (2.3 * len(variables) + 0.6, 3.4)
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(1, len(variables), squeeze=False, sharey=True)[0]
    for row, (axes, variable) in enumerate(zip(panels, variables, strict=True)):
        for name, by_dose in effects.items():
            _curve(axes, name, by_dose, row)
        axes.set_title(variable, fontsize=10)
        axes.set_xlabel("dose")
        axes.set_xticks([0, *next(iter(effects.values()))])
        axes.tick_params(labelsize=8)
        axes.grid(alpha=0.25)
    panels[0].set_ylabel("change, mean over lead times (K)")
    panels[0].legend(frameon=False, fontsize=8)
    title = "Moved towards its climatology by a quarter, a half and all of the way"
    figure.suptitle(f"{note} — {title}" if note else title, fontsize=10)
    return figure


def _curve(axes: Axes, name: str, by_dose: Mapping[float, Measured], row: int) -> None:
    doses = np.array([0.0, *by_dose])
    value, low, high = (
        np.array([0.0, *(getattr(found, part)[row] for found in by_dose.values())])
        for part in ("values", "low", "high")
    )
    # A percentile interval need not hold its value.
    error = np.clip([value - low, high - value], 0, None)
    axes.errorbar(
        doses, value, error, marker="o", ms=3.5, capsize=2, color=COLOURS[name], label=name
    )
    axes.plot([0, doses[-1]], [0, value[-1]], ":", lw=0.9, color=COLOURS[name])
