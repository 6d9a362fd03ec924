"""How alike the features of two networks are, on paired samples.

Each measure takes two arrays (sample, feature), row i of both from the same sample. Means over
samples are taken out: a network that gives every sample the teacher's mean has learnt nothing,
and each measure must say so. None of them means anything without its controls beside it, so
there is a verdict on a measure only where it is above every one of them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist

from nephele.evaluation import jackknife
from nephele.evaluation.bootstrap import FEWEST_STORMS

Features = np.ndarray  # (sample, feature), float64
Measure = Callable[[Features, Features], float]

COSINE = "centred_cosine"
# What a cosine is called, from its least value up.
BANDS = {0.9: "excellent", 0.8: "good", 0.7: "moderate", -np.inf: "weak"}
EVIDENCE, NO_EVIDENCE = "evidence", "no evidence"


def centred_cosine(first: Features, second: Features) -> float:
    """Mean over samples of the cosine between the two networks' departures from their means.

    1 for the same features, 0 for unrelated ones or where one network does not depart. Needs
    the same feature axes; a rotation of them lowers it, which is meant: distillation asks for
    the teacher's features and not for some rotation of them.
    """
    a, b = _centred(first), _centred(second)
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    products = (a * b).sum(axis=1)
    return float(np.mean(np.divide(products, lengths, out=np.zeros(len(a)), where=lengths > 0)))


def debiased_cka(first: Features, second: Features) -> float:
    """Linear centred kernel alignment with the unbiased estimator of HSIC.

    Kornblith et al. 2019 (arXiv:1905.00414) with HSIC_1 of Song et al. 2012 (JMLR 13, equation
    5), as Nguyen et al. 2021 (arXiv:2010.15327) use it: without it few samples of many features
    look alike whatever they are. 1 for the same features up to rotation and scale, about 0
    (also below) for unrelated ones. 0 by definition where one network is constant.
    """
    a, b = _gram(first), _gram(second)
    norms = _unbiased_hsic(a, a) * _unbiased_hsic(b, b)
    return float(_unbiased_hsic(a, b) / np.sqrt(norms)) if norms > 0 else 0.0


def neighbour_overlap(first: Features, second: Features, neighbours: int) -> float:
    """Share of each sample's `neighbours` nearest samples that both networks agree on.

    1 for the same neighbourhoods; by chance neighbours / (samples − 1). Among equal distances
    none is preferred: the expectation over all orders is taken.
    """
    a, b = _neighbourhoods(first, neighbours), _neighbourhoods(second, neighbours)
    return float((a * b).sum() / (neighbours * len(first)))


def retrieval(first: Features, second: Features) -> float:
    """How often the sample of `first` nearest to one of `second` is its partner (retrieval@1).

    Near is a large cosine of the departures from the means. By chance 1 / samples; samples
    that are equally near share the hit.
    """
    nearness = _directions(second) @ _directions(first).T
    # Equal up to rounding is equal, so that a constant network finds nothing.
    best = nearness >= nearness.max(axis=1, keepdims=True) - 1e-12
    return float(np.mean(np.diag(best) / best.sum(axis=1)))


def measures(neighbours: int) -> dict[str, Measure]:
    """All of them by name, from the teacher's and another's features."""
    return {
        COSINE: centred_cosine,
        "cka": debiased_cka,
        "knn_overlap": lambda first, second: neighbour_overlap(first, second, neighbours),
        "retrieval": retrieval,
    }


@dataclass(frozen=True)
class Pairs:
    """Features to compare with the teacher's, row by row.

    Attributes:
        storms: of each row, all storms that it has to do with, (sample, 1 or more).
    """

    features: Features
    storms: np.ndarray


@dataclass(frozen=True)
class Judgement:
    """A measure of the student beside its controls.

    Attributes:
        student, controls: the measure.
        nearest: the control that is hardest to reject.
        difference: student − nearest control, with its 95 % interval `low` to `high` over
            storms; NaN where there are too few of them.
    """

    student: float
    controls: dict[str, float]
    nearest: str
    difference: float
    low: float
    high: float

    @property
    def rejected(self) -> bool:
        """Whether the student is above all controls, since it is above the nearest.

        That all of many hypotheses are rejected, each at its own level, needs no correction for
        their number (Berger 1982, doi:10.1080/00401706.1982.10487790).
        """
        return self.low > 0


def judged(
    measure: Measure, teacher: Features, student: Pairs, controls: Mapping[str, Sequence[Pairs]]
) -> Judgement:
    """Compare the student with each control, leaving out one storm after another.

    Args:
        controls: where one has several pairings, their mean counts.
    """
    names = np.unique(student.storms)
    # Of too few there is no interval, and without one of two hardly a sample would be left.
    left_out = names if len(names) >= FEWEST_STORMS else names[:0]

    def measured(those: Pairs) -> tuple[float, np.ndarray]:
        first, second = _compact(teacher, those.features)
        kept = [(those.storms != name).all(axis=1) for name in left_out]
        without = [measure(first[rows], second[rows]) for rows in kept]
        return measure(first, second), np.array(without)

    whole, without = measured(student)
    values, intervals = {}, {}
    for name, pairings in controls.items():
        wholes, withouts = zip(*map(measured, pairings), strict=True)
        values[name], each = float(np.mean(wholes)), np.mean(withouts, axis=0)
        intervals[name] = jackknife.interval(whole - values[name], without - each)
    # Where there are no intervals, the one with the highest value.
    nearest = min(values, key=lambda name: (np.nan_to_num(intervals[name][0]), -values[name]))
    low, high = intervals[nearest]
    return Judgement(
        whole, values, nearest, whole - values[nearest], low=float(low), high=float(high)
    )


def verdict(name: str, found: Judgement) -> str:
    """What may be said of the measure `name`: of a cosine its band, of others that it is there."""
    if not found.rejected:
        return NO_EVIDENCE
    return band(found.student) if name == COSINE else EVIDENCE


def band(cosine: float) -> str:
    """What a cosine of that size is called, whether or not there is evidence for it."""
    return next(name for least, name in BANDS.items() if cosine >= least)


def _compact(first: Features, second: Features) -> tuple[Features, Features]:
    """Both on the fewest axes that hold all of their samples: no product or distance changes."""
    axes = np.asarray(np.linalg.qr(np.concatenate([first, second]).T, mode="r")).T
    return axes[: len(first)], axes[len(first) :]


def _centred(features: Features) -> Features:
    centred = features - features.mean(axis=0)
    # What is left of constant features is rounding, and its direction means nothing.
    scale = np.abs(features).max(initial=0.0)
    return np.where(np.abs(centred) > 1e-9 * scale, centred, 0.0)


def _directions(features: Features) -> Features:
    centred = _centred(features)
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    return np.divide(centred, lengths, out=np.zeros_like(centred), where=lengths > 0)


def _gram(features: Features) -> np.ndarray:
    """Inner products, without the diagonal."""
    centred = _centred(features)
    products = centred @ centred.T
    np.fill_diagonal(products, 0.0)
    return products


def _unbiased_hsic(a: np.ndarray, b: np.ndarray) -> float:
    n = len(a)
    trace = (a * b).sum()  # trace(a b), for symmetric a and b
    sums = a.sum() * b.sum() / ((n - 1) * (n - 2))
    cross = 2 * a.sum(axis=0) @ b.sum(axis=0) / (n - 2)
    return (trace + sums - cross) / (n * (n - 3))


def _neighbourhoods(features: Features, neighbours: int) -> np.ndarray:
    """Whether each sample (column) is one of the nearest of each (row), as a share.

    Rows sum to `neighbours`.
    """
    centred = _centred(features)
    distances = cdist(centred, centred)
    np.fill_diagonal(distances, np.inf)
    furthest = np.partition(distances, neighbours - 1, axis=1)[:, neighbours - 1 : neighbours]
    inside, at_the_edge = distances < furthest, distances == furthest
    places = neighbours - inside.sum(axis=1, keepdims=True)
    return inside + at_the_edge * (places / at_the_edge.sum(axis=1, keepdims=True))
