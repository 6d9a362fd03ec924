"""Measures of alignment on features whose relation is known."""

import numpy as np
import pytest

from nephele.evaluation import alignment

SAMPLES, FEATURES, NEIGHBOURS = 60, 40, 8
MEASURES = alignment.measures(NEIGHBOURS)
CHANCE = {
    "centred_cosine": 0.0,
    "cka": 0.0,
    "knn_overlap": NEIGHBOURS / (SAMPLES - 1),
    "retrieval": 1 / SAMPLES,
}
SPREAD = {"centred_cosine": 0.08, "cka": 0.12, "knn_overlap": 0.08, "retrieval": 0.09}


def draw(seed=0, offset=10.0):
    """Features with a large common mean, as networks have them."""
    return offset + np.random.default_rng(seed).standard_normal((SAMPLES, FEATURES))


@pytest.mark.parametrize("name", MEASURES)
def test_a_perfect_student_reaches_one(name):
    assert MEASURES[name](draw(), draw()) == pytest.approx(1.0)


@pytest.mark.parametrize("name", MEASURES)
def test_an_unrelated_student_reaches_what_chance_gives(name):
    assert MEASURES[name](draw(0), draw(1)) == pytest.approx(CHANCE[name], abs=SPREAD[name])


@pytest.mark.parametrize("name", MEASURES)
def test_shuffled_samples_reach_what_chance_gives(name):
    shuffled = np.roll(draw(), 7, axis=0)
    assert MEASURES[name](draw(), shuffled) == pytest.approx(CHANCE[name], abs=SPREAD[name])


@pytest.mark.parametrize("name", MEASURES)
def test_a_student_collapsed_to_the_teachers_mean_reaches_exactly_chance(name):
    collapsed = np.broadcast_to(draw().mean(axis=0), (SAMPLES, FEATURES))
    assert MEASURES[name](draw(), collapsed) == pytest.approx(CHANCE[name], abs=1e-12)


def test_the_cosine_of_means_would_have_praised_the_collapsed_and_the_unrelated_student():
    teacher, unrelated = draw(0).mean(axis=0), draw(1).mean(axis=0)
    cosine = teacher @ unrelated / (np.linalg.norm(teacher) * np.linalg.norm(unrelated))
    assert cosine > 0.99


def test_a_rotation_keeps_cka_and_neighbours_and_loses_the_cosine():
    rotation, _ = np.linalg.qr(np.random.default_rng(2).standard_normal((FEATURES, FEATURES)))
    rotated = 3 * draw() @ rotation
    assert MEASURES["cka"](draw(), rotated) == pytest.approx(1.0)
    assert MEASURES["knn_overlap"](draw(), rotated) == pytest.approx(1.0)
    assert MEASURES["centred_cosine"](draw(), rotated) < 0.5


@pytest.mark.parametrize("name", MEASURES)
def test_noise_on_the_students_features_lowers_each_measure(name):
    noise = np.random.default_rng(3).standard_normal((SAMPLES, FEATURES))
    values = [MEASURES[name](draw(), draw() + size * noise) for size in (0.0, 1.5, 6.0)]
    assert values[0] > values[1] > values[2]


def test_the_cosine_of_features_with_noise_of_equal_variance_is_its_closed_form():
    generator = np.random.default_rng(4)
    teacher = generator.standard_normal((400, 300))
    student = teacher + generator.standard_normal((400, 300))
    assert alignment.centred_cosine(teacher, student) == pytest.approx(1 / np.sqrt(2), abs=0.01)


def test_debiased_cka_of_few_samples_of_many_features_is_not_fooled():
    generator = np.random.default_rng(5)
    pairs = [generator.standard_normal((2, 12, 2000)) for _ in range(20)]
    debiased = [alignment.debiased_cka(*pair) for pair in pairs]
    assert np.mean(debiased) == pytest.approx(0, abs=0.05)

    def biased(first, second):
        a, b = (x - x.mean(axis=0) for x in (first, second))
        cross = np.linalg.norm(a.T @ b) ** 2
        return cross / (np.linalg.norm(a.T @ a) * np.linalg.norm(b.T @ b))

    assert np.mean([biased(*pair) for pair in pairs]) > 0.9


def test_unbiased_hsic_is_the_mean_over_all_quadruples_that_it_estimates():
    generator = np.random.default_rng(6)
    first, second = generator.standard_normal((2, 7, 3))
    a, b = first @ first.T, second @ second.T
    # The U-statistic over ordered quadruples of different samples (Song et al. 2012, eq. 4).
    values = [
        a[i, j] * (b[i, j] + b[q, r] - 2 * b[i, q])
        for i in range(7)
        for j in range(7)
        for q in range(7)
        for r in range(7)
        if len({i, j, q, r}) == 4
    ]
    a_empty, b_empty = a - np.diag(np.diag(a)), b - np.diag(np.diag(b))
    assert alignment._unbiased_hsic(a_empty, b_empty) == pytest.approx(np.mean(values))


def test_neighbours_at_equal_distance_share_the_places():
    points = np.array([[0.0], [1.0], [-1.0], [5.0]])
    weights = alignment._neighbourhoods(points, 1)
    assert weights[0] == pytest.approx([0, 0.5, 0.5, 0])
    assert weights.sum(axis=1) == pytest.approx(np.ones(4))
