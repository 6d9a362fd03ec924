"""Matrices of effects side by side, the values written in."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from nephele.evaluation.measured import Measured
from nephele.fields.variables import PLACEBO

APART = 0.25  # of a row, between the variables and the placebo
COLOURS = "viridis"


@dataclass(frozen=True)
class Panel:
    """One matrix of a figure.

    Attributes:
        title: a line or two.
        matrix: K, variable × lead time, not below zero; an interval is written below its value.
        kind: panels of one kind answer one question, and have one colour scale.
    """

    title: str
    matrix: Measured
    kind: str


def effect_matrices(
    panels: Sequence[Panel], variables: Sequence[str], lead_hours: Sequence[int], note: str
) -> Figure:
    """One panel a matrix; the placebo stands apart from the variables.

    Args:
        note: what the reader must know of the data, as SYNTHETIC.
    """
    width = 1.2 + 0.95 * len(lead_hours)
    size = (width * len(panels), 1.9 + 0.72 * len(variables))
    figure = Figure(figsize=size, layout="constrained")
    everywhere = np.arange(len(variables)) + APART * np.array([v == PLACEBO for v in variables])
    for axes, panel in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        alike = [each.matrix.values for each in panels if each.kind == panel.kind]
        largest = max(float(np.max(values)) for values in alike)
        _draw(axes, panel.matrix, everywhere, Normalize(0, max(largest, 1e-9)))
        axes.set_title(panel.title, fontsize=9)
        axes.set_xticks(range(len(lead_hours)), [f"+{hours} h" for hours in lead_hours])
        axes.set_yticks(everywhere, [v if v == PLACEBO else v.upper() for v in variables])
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
    figure.suptitle(f"{note} — effects in K" if note else "Effects in K", fontsize=10)
    return figure


def _draw(axes: Axes, matrix: Measured, rows: np.ndarray, scale: Normalize) -> None:
    colours = ScalarMappable(scale, COLOURS)
    columns = np.arange(matrix.values.shape[1] + 1) - 0.5
    for row, height in enumerate(rows):
        values = matrix.values[row][None]
        axes.pcolormesh(columns, height + np.array([-0.5, 0.5]), values, norm=scale, cmap=COLOURS)
    axes.invert_yaxis()
    for row, column in np.ndindex(*matrix.values.shape):
        red, green, blue, _ = colours.to_rgba(matrix.values[row, column])
        # Dark letters on light cells (luminance as in ITU-R BT.601).
        dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
        axes.text(
            column,
            float(rows[row]),
            _written(matrix, row, column),
            ha="center",
            va="center",
            fontsize=7,
            color="w" if dark else "k",
        )


def _written(matrix: Measured, row: int, column: int) -> str:
    text = _short(matrix.values[row, column])
    low, high = matrix.low[row, column], matrix.high[row, column]
    # What is so in every storm, as the placebo's truth, needs no interval.
    return f"{text}\n{_short(low)} to {_short(high)}" if low < high else text


def _short(kelvin: float) -> str:
    return f"{kelvin:.1f}" if kelvin >= 1 else f"{kelvin:.2g}"
