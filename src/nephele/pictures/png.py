"""Figures as PNG files that depend on nothing but the figure: no date, no version in them."""

from pathlib import Path

from matplotlib.figure import Figure

RESOLUTION = 120  # dots an inch


def write_png(figure: Figure, path: Path) -> None:
    """Write `figure`; its folder is made where there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="png", dpi=RESOLUTION, metadata={"Software": None})
