"""Matrices of effects side by side, the values written in."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nephele.evaluation.effects import Matrix


def effect_matrices(
    matrices: Mapping[str, Matrix],
    variables: Sequence[str],
    lead_hours: Sequence[int],
    note: str,
) -> Figure:
    """One panel a matrix, each with a scale of its own: they answer different questions.

    Args:
        matrices: by title, K, variable × lead time; an interval is written below its value.
        note: what the reader must know of the data, as SYNTHETIC.
    """
    width = 1.5 + 0.95 * len(lead_hours)
    size = (width * len(matrices), 1.6 + 0.72 * len(variables))
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(1, len(matrices), squeeze=False)[0]
    for axes, (title, matrix) in zip(panels, matrices.items(), strict=True):
        _draw(axes, matrix)
        axes.set_title(title, fontsize=9)
        axes.set_xticks(range(len(lead_hours)), [f"+{hours} h" for hours in lead_hours])
        axes.set_yticks(range(len(variables)), [name.upper() for name in variables])
        axes.tick_params(length=0)
    figure.suptitle(f"{note} — effects in K" if note else "Effects in K", fontsize=10)
    return figure


def _draw(axes: Axes, matrix: Matrix) -> None:
    values = matrix.values
    signed = bool((values < 0).any())
    largest = max(float(np.abs(values).max()), 1e-9)
    lowest = -largest if signed else 0.0
    image = axes.imshow(
        values, cmap="RdBu_r" if signed else "viridis", vmin=lowest, vmax=largest, aspect="auto"
    )
    for row, column in np.ndindex(*values.shape):
        red, green, blue, _ = image.to_rgba(values[row, column])
        # Dark letters on light cells (luminance as in ITU-R BT.601).
        dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
        text = f"{values[row, column]:.3g}"
        low, high = matrix.low[row, column], matrix.high[row, column]
        if np.isfinite(low):
            text += f"\n{low:.2g} to {high:.2g}"
        axes.text(
            column, row, text, ha="center", va="center", fontsize=7, color="w" if dark else "k"
        )
