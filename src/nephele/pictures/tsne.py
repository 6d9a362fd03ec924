"""t-SNE pictures: the teacher's features make the map, the student's are placed on it.

A picture, and no measure: distances between far points of such a map mean nothing, and its
trustworthiness says how far even its neighbourhoods can be believed. So it is printed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from openTSNE import TSNE
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness

from nephele.fields.variables import PLACEBO

COLOURS = {
    "sst": "#d62728",  # red
    "msl": "#1f77b4",  # blue
    "z": "#2ca02c",  # green
    "r": "#ff7f0e",  # orange
    PLACEBO: "#7f7f7f",  # grey
}
OTHERS = ("#9467bd", "#8c564b", "#e377c2", "#17becf")  # for variables that are none of these
MARKERS = {"teacher": "o", "student": "s"}
COMPONENTS = 50  # principal components of the teacher's features, as is usual before t-SNE


@dataclass(frozen=True)
class Map:
    """Places of all points, variable by variable, and how far they can be believed.

    Attributes:
        teacher, student: (sample × variable, 2).
        teacher_trust: trustworthiness of the teacher's map (Venna and Kaski 2001): 1 is best,
            0.5 what chance gives.
        student_trust: of the map of both together.
    """

    teacher: np.ndarray
    student: np.ndarray
    teacher_trust: float
    student_trust: float


def shared_map(
    teacher: np.ndarray, student: np.ndarray, perplexity: float, neighbours: int, seed: int
) -> Map:
    """Fit a map to the teacher's features, and place the student's on it.

    Each student point is placed by its nearest teacher points in feature space, with the
    teacher's points held fixed (Poličar et al. 2023, doi:10.1007/s10994-021-06043-1).

    Args:
        teacher, student: (sample, variable, feature).
        perplexity: as far as the number of points allows.
    """
    fixed, moving = (
        points.transpose(1, 0, 2).reshape(-1, points.shape[-1]) for points in (teacher, student)
    )
    components = min(COMPONENTS, *fixed.shape)
    reduction = PCA(components, svd_solver="full").fit(fixed)
    first, second = reduction.transform(fixed), reduction.transform(moving)

    allowed = min(perplexity, (len(first) - 1) / 3)
    embedding = TSNE(
        perplexity=allowed,
        initialization="pca",
        negative_gradient_method="bh",
        neighbors="exact",
        n_jobs=1,  # in parallel the order of sums, and so the picture, would vary
        random_state=seed,
    ).fit(first)
    placed = embedding.transform(second, perplexity=min(5.0, allowed))
    points = np.asarray(embedding), np.asarray(placed)
    both = np.concatenate([first, second]), np.concatenate(points)
    return Map(
        *points,
        teacher_trust=_trust(first, points[0], neighbours),
        student_trust=_trust(*both, neighbours),
    )


def tsne_picture(found: Map, variables: Sequence[str], title: str, note: str) -> Figure:
    """Colour is the variable, marker the network."""
    figure = Figure(figsize=(7.2, 6.4), layout="constrained")
    axes = figure.subplots()
    spare = iter(OTHERS * len(variables))
    colours = {name: COLOURS.get(name) or next(spare) for name in variables}
    for network, points in (("teacher", found.teacher), ("student", found.student)):
        for name, part in zip(variables, np.split(points, len(variables)), strict=True):
            axes.scatter(
                part[:, 0],
                part[:, 1],
                s=26,
                marker=MARKERS[network],
                color=colours[name],
                alpha=0.75 if network == "teacher" else 0.5,
                edgecolors="none" if network == "teacher" else "k",
                linewidths=0.5,
            )
    handles: list[Patch | Line2D] = [
        Patch(color=colour, label=name if name == PLACEBO else name.upper())
        for name, colour in colours.items()
    ]
    handles += [
        Line2D([], [], ls="", marker=marker, color="0.4", label=network)
        for network, marker in MARKERS.items()
    ]
    axes.legend(handles=handles, fontsize=8, frameon=False, loc="best")
    axes.set_xticks([])
    axes.set_yticks([])
    trust = (
        f"trustworthiness: teacher's map {found.teacher_trust:.2f}, "
        f"both networks {found.student_trust:.2f} (chance 0.5)"
    )
    axes.set_xlabel(trust, fontsize=9)
    axes.set_title(f"{note} — {title}" if note else title, fontsize=10)
    return figure


def _trust(features: np.ndarray, places: np.ndarray, neighbours: int) -> float:
    # Defined for fewer neighbours than half of the points.
    return float(
        trustworthiness(features, places, n_neighbors=min(neighbours, (len(features) - 1) // 2))
    )
