"""Measures of alignment, and verdicts on them, on features whose relation is known."""

import numpy as np
import pytest
from scipy import stats

from nephele.evaluation import alignment
from nephele.evaluation.feature_tables import nested, similarity
from nephele.evaluation.interventions import strangers

SAMPLES, FEATURES, NEIGHBOURS = 60, 40, 8
STORMS = np.repeat(np.arange(12), SAMPLES // 12)
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


def table(student, control=None, untrained=None, storms=STORMS):
    """The measures of one variable's features, by name."""
    pairings = np.stack([strangers(storms, seed) for seed in range(5)])
    strange = draw(20), draw(21)
    given = {"teacher": draw(), "student": student, "control": control, "untrained": untrained}
    found = similarity(
        **{
            who: {("encoder", 16): (strange[who == "control"] if those is None else those)[:, None]}
            for who, those in given.items()
        },
        storms=storms,
        partners=pairings,
        variables=("sst",),
        neighbours=NEIGHBOURS,
    )
    return found.set_index("metric")


def noisy(size, seed):
    return draw() + size * np.random.default_rng(seed).standard_normal((SAMPLES, FEATURES))


def test_a_perfect_student_has_every_verdict():
    found = table(draw())
    assert found.verdict.to_dict() == dict.fromkeys(MEASURES, "evidence") | {
        "centred_cosine": "excellent"
    }


# The cosine of features with noise of `size` is 1 / √(1 + size²).
@pytest.mark.parametrize(
    ("size", "band"),
    [(0.3, "excellent"), (0.6, "good"), (0.85, "moderate"), (1.5, "weak")],
)
def test_the_verdict_on_a_cosine_is_its_band(size, band):
    found = table(noisy(size, seed=30)).loc["centred_cosine"]
    assert found.student == pytest.approx(1 / np.sqrt(1 + size**2), abs=0.03)
    assert found.band == found.verdict == band


def test_bands_begin_at_their_limits():
    assert [alignment.band(value) for value in (0.9, 0.8999, 0.8, 0.7, 0.6999, -1.0)] == [
        *("excellent", "good", "good", "moderate", "weak", "weak")
    ]


def test_a_student_turned_by_a_right_angle_has_the_geometry_and_neither_cosine_nor_retrieval():
    # Every second axis becomes the one before it, and that one's opposite takes its place.
    even, odd = draw()[:, ::2], draw()[:, 1::2]
    found = table(np.stack([-odd, even], axis=2).reshape(SAMPLES, FEATURES))
    assert found.student.centred_cosine == pytest.approx(0, abs=1e-12)
    assert found.verdict.to_dict() == {
        "centred_cosine": "no evidence",
        "cka": "evidence",
        "knn_overlap": "evidence",
        "retrieval": "no evidence",
    }


@pytest.mark.parametrize(
    "student",
    [
        np.roll(draw(), 15, axis=0),  # three storms on
        np.broadcast_to(draw().mean(axis=0), (SAMPLES, FEATURES)),
        np.full((SAMPLES, FEATURES), 3.7),
        draw(1),
    ],
    ids=["shuffled", "collapsed", "constant", "unrelated"],
)
def test_a_student_that_has_learnt_nothing_has_no_verdict(student):
    found = table(student)
    assert set(found.verdict) == {"no evidence"}
    assert found.low.max() <= 0


@pytest.mark.parametrize("who", ["control", "untrained"])
def test_a_student_no_better_than_one_control_has_no_verdict(who):
    found = table(noisy(0.5, seed=31), **{who: noisy(0.5, seed=32)})
    # Alone it would have: it is far above all others.
    assert set(table(noisy(0.5, seed=31)).verdict) & {"no evidence"} == set()
    assert set(found.verdict) == {"no evidence"}
    assert set(found.nearest) == {who}
    assert found.difference.to_numpy() == pytest.approx((found.student - found[who]).to_numpy())


def test_a_copy_of_the_control_differs_from_it_by_nothing():
    found = table(noisy(0.5, seed=33), control=noisy(0.5, seed=33))
    assert (found[["difference", "low", "high"]] == 0).all(axis=None)
    assert set(found.verdict) == {"no evidence"}


@pytest.mark.parametrize("storms", [2, 4])
def test_a_handful_of_storms_are_too_few_for_a_verdict(storms):
    found = table(draw(), storms=np.repeat(np.arange(storms), SAMPLES // storms))
    assert found[["low", "high"]].isna().all(axis=None)
    assert set(found.verdict) == {"no evidence"}
    assert nested(found.reset_index())["cka"]["low"] == {"encoder_16": {"sst": None}}


def test_the_interval_of_a_mean_over_samples_is_students_of_the_storms_differences():
    def products(first, second):
        return float((first * second).sum() / len(first))

    own = STORMS[:, None]
    student, control = noisy(1.0, seed=34), noisy(1.0, seed=35)
    found = alignment.judged(
        products, draw(), alignment.Pairs(student, own), {"c": [alignment.Pairs(control, own)]}
    )
    samples = (draw() * (student - control)).sum(axis=1)
    expected = stats.ttest_1samp(samples.reshape(12, -1).mean(axis=1), 0.0)
    interval = expected.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))


def test_a_storm_that_is_left_out_takes_its_pairs_with_others_along():
    sizes = []

    def size(first, second):
        sizes.append(len(first))
        return 0.0

    found = alignment.Pairs(draw(), STORMS[:, None])
    shuffled = alignment.Pairs(draw(), np.stack([STORMS, np.roll(STORMS, 5)], axis=1))
    alignment.judged(size, draw(), found, {"shuffled": [shuffled]})
    assert sizes == [*[55] * 12, 60, *[50] * 12, 60]


def test_what_is_said_in_json_is_what_the_table_says():
    found = table(noisy(0.5, seed=36)).reset_index()
    values = nested(found)
    for row in found.to_dict("records"):
        entry = values[row["metric"]]
        for name in ("student", "control", "difference", "low", "high"):
            assert entry[name]["encoder_16"]["sst"] == pytest.approx(row[name], rel=1e-5)
        assert entry["verdicts"] == {"given": 1, "of": 1}
